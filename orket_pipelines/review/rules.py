"""The rules that the settings ask for, checked against the roles that there are."""

from orket_pipelines.agents.roles import load_roles
from orket_pipelines.cards.transitions import GUARD
from orket_pipelines.errors import SettingsError
from orket_pipelines.review.model import Rules
from orket_pipelines.settings import Settings

REVIEWING = "submit_review"
"""The tool without which a role cannot review."""


def rules_of(settings: Settings) -> Rules:
    """Raises: SettingsError where they do not fit together: a reviewer who cannot review, no guard, an architect who
    would never be called."""
    able = [name for name, role in load_roles(settings.roles).items() if REVIEWING in role.tools]
    unable = [name for name in settings.reviewers if name not in able]
    if unable:
        raise SettingsError(
            f"reviewers: {', '.join(unable)} cannot review: no role of that name has the tool {REVIEWING}",
            next_step=f"Name some of: {', '.join(able)} (ORKET_REVIEWERS, or workspace.json).",
        )
    if GUARD not in settings.reviewers:
        raise SettingsError(
            f"reviewers: {GUARD} is left out, and only its approval finishes an issue",
            next_step=f"Add it, such as: ORKET_REVIEWERS={','.join((*settings.reviewers, GUARD))}",
        )
    if settings.architect_at >= settings.reject_at:
        raise SettingsError(
            f"architect_at: the architect would be called at request {settings.architect_at} for changes, and the pull "
            f"request is closed at {settings.reject_at} (reject_at)",
            next_step="Make ORKET_REJECT_AT greater than ORKET_ARCHITECT_AT.",
        )
    return Rules(settings.reviewers, settings.required_approvals, settings.architect_at, settings.reject_at)
