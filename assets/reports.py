"""What an event means in the asset graph: something made, something noticed, something judged. Pure."""

from collections.abc import Callable

from dagster import AssetCheckSeverity, MetadataValue

from assets.about import about_issue, traced
from assets.history import History
from assets.links import link
from assets.model import Judged, Made, Noticed, Report, Values
from assets.proof import delivery_made, suites_judged, tests_made, tests_passed
from assets.reviews import last_words, review_approved, reviews_shown, reviews_told
from assets.running import sandbox_judged, sandbox_made
from orket_pipelines.store import Event

ISSUE_KINDS = frozenset({"issue", "utility", "app"})


def reports_of(event: Event, history: History) -> list[Report]:
    """What to report of `event`, about an issue that now has this history; nothing for most kinds."""
    told = _REPORTS.get(event.kind)
    if history.kind in ISSUE_KINDS:
        return told(event, history) if told is not None else []
    rock_id = history.card_id if history.kind == "rock" else history.rock_id
    return [_noticed(event, history, "rocks", rock_id)] if event.kind == "policy.violated" and rock_id else []


def standing(history: History) -> list[Report]:
    """Everything that stands of an issue now, for a person who asks for it again; nothing is done for it."""
    made: list[Report] = [card_made(history)]
    if history.commit is not None:
        made.append(code_made(history))
    if history.tests is not None:
        made += [tests_made(history), *_present(tests_passed(history)), *suites_judged(history)]
    if history.pull_request is not None:
        made += [pull_request_made(history), *_present(review_approved(history))]
    made += [not_stuck(history), policy_followed(history)]
    return [*made, delivery_made(history)] if history.state == "done" else made


def card_made(history: History) -> Made:
    """The card as it stands; its version is that of its text, so that code made from an older text shows."""
    waits = {"waits for": f"{history.wait_reason}: {history.note}"} if history.wait_reason else {}
    about: Values = {
        "state": history.state,
        **waits,
        "card file": history.source or "",
        "violations": history.violations,
    }
    version = history.content_hash or history.card_id
    return Made("cards", history.card_id, version, f"{history.name}: {history.state}", about_issue(history, about))


def code_made(history: History) -> Made:
    """What the author committed last."""
    about: Values = {"commit": history.commit or "", "message": history.message, "branch": history.branch}
    description = history.message.partition("\n")[0]
    return Made("generated_code", history.card_id, history.commit or "", description, about_issue(history, about))


def pull_request_made(history: History) -> Made:
    """The pull request as it stands."""
    last = ", ".join(f"{word.reviewer} {word.verdict}" for word in last_words(history)) or "not reviewed yet"
    about: Values = {
        "pull request": history.pull_request or 0,
        "pull request state": history.pull_request_state,
        "reviews": reviews_told(history) or last,
        **reviews_shown(history),
        "merge commit": history.merge_commit or "",
        "labels": ", ".join(history.labels),
    }
    version = f"{history.pull_request}:{history.pull_request_state}:{len(history.reviews)}:{last}:{history.commit}"
    description = f"#{history.pull_request} {history.pull_request_state}, {last}"
    return Made("pull_requests", history.card_id, version, description, about_issue(history, about))


def mainline_made(history: History) -> Made:
    """The rock's main line after an issue came in."""
    commit = history.merge_commit or ""
    about: Values = {
        "commit": commit,
        "issue": link("cards", history.card_id),
        "pull request": history.pull_request or 0,
    }
    metadata: Values = {**traced(history), **about, "repository": history.repository}
    return Made("mainline", history.rock_id, commit, f"{history.name} came in as {commit[:12]}", metadata)


def not_stuck(history: History) -> Judged:
    """Blocked is red; waiting for a person is yellow."""
    told = f"{history.state}: {history.wait_reason}: {history.note}" if history.wait_reason else history.state
    stuck = history.state in {"blocked", "waiting_for_developer"}
    metadata = dict(traced(history))
    if stuck:
        metadata["next step"] = f"Settle what it waits for, then: orket issues deliver {history.card_id}"
    return Judged("cards", "not_stuck", history.card_id, not stuck, told, severity_of(history.state), metadata)


def policy_followed(history: History) -> Judged:
    """Yellow while something was refused that no delivery of the issue has followed; a person may want to look."""
    open_ones = history.violations - history.settled
    refused = f"{history.violations} refused on the way; the last: {history.refused}"
    told = refused if history.violations else "nothing was refused"
    metadata = {**traced(history), "violations": history.violations}
    if open_ones:
        metadata["next step"] = (
            f"See what was refused, and how to do it right: orket policy list --card {history.card_id}"
        )
    severity = AssetCheckSeverity.WARN
    return Judged("cards", "policy_followed", history.card_id, not open_ones, told, severity, metadata)


def severity_of(state: str) -> AssetCheckSeverity:
    """Yellow where a person is waited for."""
    return AssetCheckSeverity.WARN if state == "waiting_for_developer" else AssetCheckSeverity.ERROR


def _moved(event: Event, history: History) -> list[Report]:
    """A card that begins to wait, or stops waiting, is judged; one that is done is delivered."""
    stuck = {"blocked", "waiting_for_developer"}
    judged: list[Report] = [not_stuck(history)] if {event.payload["from"], event.payload["to"]} & stuck else []
    if history.state == "done":
        return [not_stuck(history), policy_followed(history), delivery_made(history)]
    return judged


def _tested(_event: Event, history: History) -> list[Report]:
    return [tests_made(history), *_present(tests_passed(history)), *suites_judged(history)]


def _proposed(event: Event, history: History) -> list[Report]:
    made: list[Report] = [pull_request_made(history), *_present(review_approved(history))]
    merged = event.kind == "pull_request.merged" and history.rock_id is not None
    return [*made, mainline_made(history)] if merged else made


def _committed(_event: Event, history: History) -> list[Report]:
    """A push to a pull request may void its reviews."""
    proposed = [pull_request_made(history), *_present(review_approved(history))] if history.pull_request else []
    return [code_made(history), *proposed]


def _deployed(event: Event, history: History) -> list[Report]:
    about = {**traced(history), "deployed for": link("cards", history.card_id)}
    return [*sandbox_made(event.payload, about), sandbox_judged(event.payload)]


def _sandbox_changed(event: Event, _history: History) -> list[Report]:
    return [] if event.payload["state"] in {"creating", "stopping"} else [sandbox_judged(event.payload)]


def _refused(event: Event, history: History) -> list[Report]:
    return [_noticed(event, history, "cards", history.card_id), policy_followed(history)]


def _noticed(event: Event, history: History, asset: str, partition: str) -> Noticed:
    told = {name: str(event.payload.get(name) or "") for name in ("rule", "actor", "reason", "fix")}
    metadata = {**traced(history), **told, "attempted": MetadataValue.json(event.payload.get("attempted") or {})}
    description = f"Policy violation ({told['rule']}): {told['reason']}"
    return Noticed(asset, partition, description, metadata, warns=True)


def _present(judged: Judged | None) -> list[Report]:
    return [judged] if judged else []


_REPORTS: dict[str, Callable[[Event, History], list[Report]]] = {
    "card.created": lambda _, history: [card_made(history)],
    "card.changed": lambda _, history: [card_made(history)],
    "card.moved": lambda event, history: [card_made(history), *_moved(event, history)],
    "card.deployed": _deployed,
    "code.committed": _committed,
    "tests.finished": _tested,
    "pull_request.opened": _proposed,
    "pull_request.reviewed": _proposed,
    "pull_request.approval_kept": _proposed,
    "pull_request.merged": _proposed,
    "pull_request.closed": _proposed,
    "pull_request.labeled": lambda _, history: [pull_request_made(history)],
    "policy.violated": _refused,
    "sandbox.changed": _sandbox_changed,
}
