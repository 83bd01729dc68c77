"""Killed by SIGKILL at every failpoint, the next process ends where an undisturbed one does."""

import json
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.store.failpoints import registered

from .ends import End, look
from .line import run

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
ELSEWHERE = {
    # No tool of the story is one that a person decides about.
    "agents.approval_asked": "tests/agents/test_session_resume.py",
    # Only where there is no engine; the deployment around it is the same.
    "sandboxes.after_process": "tests/sandboxes/test_on_processes.py",
    # Asked for by a person, or by age: no delivery does it.
    "sandboxes.stop.": "tests/chaos/test_sandboxes_ended.py",
    "sandboxes.down.": "tests/chaos/test_sandboxes_ended.py",
    # There is room for both in the story.
    "sandboxes.given_up": "tests/chaos/test_sandboxes_replaced.py",
    # A phase goes on for days after the story.
    "bugs.": "tests/chaos/test_bug_phases.py",
    "dependencies.forgotten": "tests/dependencies/test_container_installer.py",
    # Every commit of the story can be started, and no effect is refused.
    "sandboxes.failed_cleared": "tests/chaos/test_sandboxes_ended.py",
    "effects.failure_stored": "tests/store/test_effects_killed.py",
    # Where the real things stand in for the fakes.
    "dependencies.after_rename": "tests/dependencies/test_process_installer.py",
    "git.": "tests/git/test_git_crashes.py",
}
"""Failpoints, or beginnings of their names, that a delivery in containers never comes to, and who kills there."""
RECOVERING = {
    "agents.checkout_restored": "agents.tool.after_effect",
    "effects.doubt_settled": "forge.merge.after_effect",
}
"""Failpoints that only a process comes to that follows one killed at the other."""
SHARES = 8
"""Stories that are told to be killed in, in every run of the suite. Neighbours of one effect are in different ones."""
MIGRATING = {"store.before_migration_commit", "store.after_migration_commit"}
"""On PostgreSQL tests/store/test_migrations.py kills there: a database of the server of the tests has its schema."""
OF_TESTS = "test."
"""What the names of failpoints begin with that the tests of the store make for themselves."""
SWEPT = [name for name in registered() if not name.startswith((*ELSEWHERE, *RECOVERING, OF_TESTS))]


def test_the_story_takes_every_turn_of_the_line(undisturbed: End) -> None:
    """Else the kills would prove little."""
    states = {card_id: row[0] for card_id, row in undisturbed.cards.items()}
    assert states == {
        "fire": "done",
        "fire-all": "done",
        "first": "done",
        "second": "done",
        "fourth": "done",
        "fifth": "done",
        "smoke": "in_progress",
        "smoke-all": "in_progress",
        "third": "blocked",
        "third-requirements-1": "blocked",
    }
    purposes = {(card, role, purpose) for card, role, purpose, _, _ in undisturbed.sessions}
    assert purposes == {
        ("first", "coder", "work"),
        ("first", "integrity_guard", "review"),
        ("second", "coder", "work"),
        ("second", "coder", "tests_failed"),
        ("second", "coder", "conflict"),
        ("second", "integrity_guard", "review"),
        ("third", "coder", "work"),
        ("third", "coder", "changes_requested"),
        ("third", "integrity_guard", "review"),
        ("third", "lead_architect", "guidance"),
        ("fifth", "coder", "work"),
        ("fifth", "coder", "verification_failed"),
        ("fifth", "integrity_guard", "review"),
        ("fourth", "coder", "work"),
        ("fourth", "integrity_guard", "review"),
    }
    assert undisturbed.main["shared.txt"] == "first and second\n"
    assert undisturbed.deeds["forge open"] == undisturbed.deeds["forge end"] == 6
    assert undisturbed.missed == 0


def test_the_story_ends_with_what_it_deployed_and_nothing_else(undisturbed: End) -> None:
    pages = {key: count for key, count in undisturbed.trials.items() if key[2] == "page"}
    assert pages == {
        ("fifth", 1, "page", "sandbox", False): 1,
        ("fifth", 2, "page", "sandbox", True): 1,
        ("fourth", 1, "page", "sandbox", True): 1,
    }
    assert undisturbed.events["dependencies.failed", ""] == 1
    assert undisturbed.events["dependencies.installed", ""] == 4
    assert undisturbed.sandboxes == [
        ("fire", "running", 5, "", True),
        ("fire", "port", "(probe)"),
        ("fire", "port", "api"),
        ("fire", "port", "page"),
        ("fire", "subnet", "beside"),
        ("fire", "subnet", "sealed"),
        ("nobody", "subnet", "front"),
    ]
    running = [("service", "5-api"), ("service", "5-page"), ("forwarder", "forwarder")]
    assert undisturbed.engine == {
        "containers": Counter((purpose, name, True) for purpose, name in running),
        "networks": Counter(service=2, forwarder=1),
        "volumes": Counter(named=4, of_nobody=0, gone=0),
    }
    assert undisturbed.files == ["sandbox of fire: 5", "sandbox of fire: ways"]


def test_every_failpoint_is_killed_at_here_or_where_it_can_be_reached() -> None:
    assert len(SWEPT) >= 100
    assert set(RECOVERING.values()) <= set(SWEPT)
    for beginning, sweep in ELSEWHERE.items():
        assert any(name.startswith(beginning) for name in registered()), f"{beginning} is no failpoint any more"
        assert beginning in (ROOT / sweep).read_text(), f"{sweep} does not kill at {beginning}"


def killed_in_turn(home: Path, failpoints: set[str]) -> list[str]:
    """Deliver until a process comes to its end, each killed at the first that none before it was; where they died."""
    killed: list[str] = []
    while died := run(home, *failpoints.difference(killed)):
        killed.append(died)
    return killed


def sweep(left: set[str], make_home: Callable[[], Path], undisturbed: End) -> None:
    while left:
        home = make_home()
        killed = killed_in_turn(home, left)
        assert killed, f"the line never came to {sorted(left)}"
        assert look(home) == undisturbed, f"killed at {killed}"
        left -= set(killed)


@pytest.mark.sqlite
@pytest.mark.parametrize("share", range(SHARES))
def test_kills_at_every_failpoint_change_nothing_in_the_end(
    share: int, undisturbed: End, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Many in one story, one after the other, each at the first of those to come that a process reaches.

    What a story passed by while another failpoint of the share was armed is killed at in one more.
    """
    sweep(set(SWEPT[share::SHARES]), lambda: tmp_path_factory.mktemp("killed"), undisturbed)


@pytest.mark.postgres
@pytest.mark.parametrize("share", [3, *(pytest.param(n, marks=pytest.mark.chaos) for n in range(SHARES) if n != 3)])
def test_on_postgresql_it_ends_as_on_sqlite_wherever_it_is_killed(
    share: int, undisturbed: End, tmp_path_factory: pytest.TempPathFactory, postgres: Any
) -> None:
    """A rock delivered there, with a share of the kills; with all of them where all are tried."""

    def make_home() -> Path:
        home = tmp_path_factory.mktemp("on-postgresql")
        (home / "workspace.json").write_text(json.dumps({"database_url": postgres.create()}))
        return home

    sweep(set(SWEPT[share::SHARES]) - MIGRATING, make_home, undisturbed)


@pytest.mark.sqlite
def test_where_two_have_to_approve_kills_among_their_reviews_change_nothing(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    def make_home() -> Path:
        home = tmp_path_factory.mktemp("two-reviewers")
        told = {"reviewers": "integrity_guard,technical_reviewer", "required_approvals": 2}
        (home / "workspace.json").write_text(json.dumps(told))
        return home

    undisturbed = make_home()
    assert not run(undisturbed)
    end = look(undisturbed)
    reviewed = {card for card, role, purpose, *_ in end.sessions if (role, purpose) == ("technical_reviewer", "review")}
    assert reviewed == {"first", "second", "fourth", "fifth"}, "what the guard sends back goes to nobody else"
    sweep({name for name in SWEPT if name.startswith(("forge.review.", "forge.merge."))}, make_home, end)


@pytest.mark.parametrize("failpoint", RECOVERING)
def test_a_kill_during_the_recovery_from_another_changes_nothing_either(
    failpoint: str, undisturbed: End, tmp_path: Path
) -> None:
    for died in (RECOVERING[failpoint], failpoint, ""):
        assert run(tmp_path, died) == died
    assert look(tmp_path) == undisturbed


@pytest.mark.chaos
@pytest.mark.parametrize("failpoint", SWEPT)
def test_a_kill_changes_nothing_in_the_end(failpoint: str, undisturbed: End, tmp_path: Path) -> None:
    """By itself: what the others have to be compared with when a share of them fails."""
    assert run(tmp_path, failpoint) == failpoint, f"the line never came to {failpoint}"
    assert not run(tmp_path)
    assert look(tmp_path) == undisturbed


@pytest.mark.chaos
@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.parametrize("failpoint", SWEPT)
def test_a_later_kill_changes_nothing_either(failpoint: str, count: int, undisturbed: End, tmp_path: Path) -> None:
    """Some places are reached once; the line then comes to its end undisturbed."""
    if run(tmp_path, failpoint, count=count):
        assert not run(tmp_path)
    assert look(tmp_path) == undisturbed


@pytest.mark.chaos
@pytest.mark.parametrize("failpoint", SWEPT)
def test_the_next_process_may_be_killed_at_the_same_place(failpoint: str, undisturbed: End, tmp_path: Path) -> None:
    assert run(tmp_path, failpoint) == failpoint
    if run(tmp_path, failpoint):
        assert not run(tmp_path)
    assert look(tmp_path) == undisturbed
