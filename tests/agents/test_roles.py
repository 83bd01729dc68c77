"""Role files: the shipped seats, a folder of one's own, and what is wrong with a role."""

from pathlib import Path

import pytest

from orket_pipelines.agents.roles import get_role, load_roles, read_role
from orket_pipelines.errors import SettingsError

SEATS = [
    "backend_specialist",
    "coder",
    "integrity_guard",
    "lead_architect",
    "market_researcher",
    "operations_lead",
    "project_manager",
    "qa",
    "ux_artisan",
]
SOUND = """
intent: Draws.
tools: [read_file, request_state]
states: [ready_for_testing]
prompt: Draw it.
"""


def test_nine_seats_are_shipped() -> None:
    assert set(SEATS) <= set(load_roles())


def test_a_role_of_ones_own_is_added_and_one_of_the_same_name_replaces_ours(tmp_path: Path) -> None:
    for name in ("draughtsman", "coder"):
        (tmp_path / f"{name}.yaml").write_text(SOUND)
    roles = load_roles(tmp_path)
    assert set(roles) == {*load_roles(), "draughtsman"}
    assert get_role("coder", tmp_path).intent == "Draws."
    assert get_role("coder").intent != "Draws."


def test_a_folder_of_roles_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no folder") as told:
        load_roles(tmp_path / "none")
    assert told.value.next_step == "Correct the setting ORKET_ROLES."


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("read_file,", "read_fil,", "there is no tool 'read_fil'; is read_file meant?"),
        ("request_state]", "comment]", "none of request_state, submit_guidance, submit_review is among them"),
        ("ready_for_testing", "done", "states: done cannot be asked for; these can: blocked, ready_for_testing"),
        ("[ready_for_testing]", "[]", "it may call request_state, and is allowed no state to ask for"),
        ("[ready_for_testing]", "[finished]", "states.0: Input should be"),
        ("prompt: Draw it.", "", "prompt: Field required"),
        ("prompt: Draw it.", "prompt: ''", "prompt: String should have at least 1 character"),
        ("intent: Draws.", "intent: Draws.\ncolour: red", "colour: Extra inputs are not permitted"),
        ("intent: Draws.", "intent: {", "cannot be read"),
    ],
)
def test_a_role_that_could_not_be_called_is_refused_with_its_key(
    before: str, after: str, told: str, tmp_path: Path
) -> None:
    path = tmp_path / "draughtsman.yaml"
    path.write_text(SOUND.replace(before, after))
    with pytest.raises(SettingsError) as refused:
        read_role(path)
    assert str(refused.value).startswith(f"{path}: ")
    assert told in str(refused.value)
