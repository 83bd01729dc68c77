"""A session whose process is killed, at any failpoint, ends as if nothing had happened."""

import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.agents import run_session
from orket_pipelines.agents.approvals import decide, list_approvals
from orket_pipelines.agents.model import Assignment, Outcome, Purpose
from orket_pipelines.agents.models.playbook import Playbook
from orket_pipelines.agents.models.scripted import Scripted
from orket_pipelines.agents.records import list_sessions, turns_of
from orket_pipelines.agents.tools.model import Desk
from orket_pipelines.cards.model import Card, CardKind, CardState
from orket_pipelines.cards.records import comments_of, insert_cards
from orket_pipelines.errors import ApprovalNeeded
from orket_pipelines.git.fake import MemoryCode
from orket_pipelines.policy import list_violations
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store, read_events
from orket_pipelines.store.failpoints import registered
from orket_pipelines.workbench.fake import MemoryWorkbenches, ended
from orket_pipelines.workbench.model import Execution
from tests.kills import do_and_die

pytestmark = pytest.mark.slow

COUNT = {"run_command": {"command": ["count"]}}
SCRIPT: list[dict[str, Any]] = [
    {"say": "Two steps that add up.", "calls": [COUNT, {"comment": {"body": "Counting."}}, COUNT]},
    {"expect": "Commented", "say": "Words alone."},
    {"expect": "called no tool", "calls": [{"write_file": {"path": ".github/x.yml", "content": ""}}, COUNT]},
    {
        "expect": "counted to 3",
        "calls": [{"request_state": {"state": "ready_for_testing", "summary": "Counted."}}],
    },
]
RESTORED = "agents.checkout_restored"
PLACES = [name for name in registered() if name.startswith("agents.") and name != RESTORED]


def count(checkout: Path, _command: Sequence[str]) -> Execution:
    """A command that does more each time it runs: run twice, it shows."""
    counter = checkout / "counter.txt"
    reached = int(counter.read_text()) + 1 if counter.exists() else 1
    counter.write_text(str(reached))
    return ended(output=f"counted to {reached}")


def hold(folder: Path, turns: list[dict[str, Any]] = SCRIPT, *, url: str = "") -> Outcome:
    """What one process does: open everything, hold the session, close. The store is at `url`, or in the folder."""
    store = Store.open(url or f"sqlite:///{folder / 'orket.db'}")
    code = MemoryCode(folder / "code")
    commit = code.ensure("counting", title="Counting", at=0)
    checkout = folder / "checkout"
    with store.write() as tx:
        if not read_events(tx, limit=1):
            insert_cards(tx, [Card("count", CardKind.ISSUE, "Count", state=CardState.IN_PROGRESS)])
    if not checkout.exists():
        code.check_out("counting", commit, checkout)
    desk = Desk(
        store.acting(actor="coder"),
        code,
        MemoryWorkbenches(count).open(checkout, name="count"),
        Settings(home=folder, approvals=frozenset({"comment"})),
        threading.Event(),
    )
    assignment = Assignment("count", 1, "coder", Purpose.WORK, 1, commit, "counting", (), "Count to three.")
    scene = {"purpose": "work", "turns": turns}
    models = Scripted(Playbook.model_validate({"cards": {"count": {"coder": [scene]}}}))
    try:
        return run_session(desk, models, assignment)
    except ApprovalNeeded:
        with store.write() as tx:
            (asked,) = list_approvals(tx, undecided=True)
            decide(tx, asked.id, granted=True, by="person")
        return run_session(desk, models, assignment)
    finally:
        store.close()


def story(folder: Path, *, url: str = "") -> dict[str, Any]:
    """All that a session leaves behind, apart from ids and times."""
    store = Store.open(url or f"sqlite:///{folder / 'orket.db'}")
    with store.read() as tx:
        (session,) = list_sessions(tx)
        told = {
            "events": [event.kind for event in read_events(tx)],
            "calls": [
                (event.payload["call_id"], event.payload["outcome"], event.payload["result"])
                for event in read_events(tx)
                if event.kind == "tool.called"
            ],
            "comments": comments_of(tx, "count"),
            "violations": [violation.rule for violation in list_violations(tx)],
            "turns": len(turns_of(tx, session.id)),
            "outcome": session.outcome,
            "counter": (folder / "checkout" / "counter.txt").read_text(),
        }
    store.close()
    return told


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("undisturbed")
    hold(folder)
    return story(folder)


def test_the_moment_at_which_a_person_is_asked_is_among_the_places() -> None:
    """No delivery comes there, so that it is killed here alone."""
    assert "agents.approval_asked" in PLACES


def test_the_undisturbed_session_did_what_its_script_says(undisturbed: dict[str, Any]) -> None:
    assert undisturbed["counter"] == "3"
    assert undisturbed["comments"] == [("coder", "Counting.")]
    assert len(undisturbed["violations"]) == 1
    assert undisturbed["turns"] == 4


@pytest.mark.parametrize("time", [1, 2, 5])
@pytest.mark.parametrize("place", PLACES)
def test_a_session_that_is_killed_ends_the_same(
    place: str, time: int, tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    died = do_and_die(lambda: hold(tmp_path), place, count=time)
    assert died or time > 1, f"{place} is never reached"
    assert hold(tmp_path) == undisturbed["outcome"]
    assert story(tmp_path) == undisturbed


def test_a_session_that_is_killed_again_and_again_ends_the_same(
    tmp_path: Path, database_url: str, undisturbed: dict[str, Any]
) -> None:
    for place in PLACES:
        do_and_die(lambda: hold(tmp_path, url=database_url), place)
    hold(tmp_path, url=database_url)
    assert story(tmp_path, url=database_url) == undisturbed


def test_a_session_that_is_killed_while_it_is_taken_up_again_ends_the_same(
    tmp_path: Path, undisturbed: dict[str, Any]
) -> None:
    for place in ("agents.tool.after_effect", RESTORED, RESTORED):
        assert do_and_die(lambda: hold(tmp_path), place) == place
    hold(tmp_path)
    assert story(tmp_path) == undisturbed
