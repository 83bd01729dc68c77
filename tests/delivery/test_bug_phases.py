"""The bug-fix phase on the line: begun by a delivery, ended with its logs kept, its sandbox down, its bugs moved on."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orket_pipelines.analytics import drain
from orket_pipelines.bugs import PhaseState, get_phase, list_phases
from orket_pipelines.cards.bugs import Finding, Severity, Source, bugs_of, report
from orket_pipelines.cards.model import Card, CardKind, CardState
from orket_pipelines.cards.records import get_card, insert_cards, list_cards
from orket_pipelines.clock import FakeClock
from orket_pipelines.delivery import Factory, deliver_rock
from orket_pipelines.delivery.bug_phases import fix_critical, look_after_phases, report_path
from orket_pipelines.delivery.model import Result
from orket_pipelines.delivery.nightly import verify_again
from orket_pipelines.delivery.stage import Stage
from orket_pipelines.delivery.suite_bugs import BUGS_OF_SUITE
from orket_pipelines.delivery.upkeep import look_after
from orket_pipelines.errors import EngineUnavailable
from orket_pipelines.sandboxes import MemorySandboxes, Sandbox, SandboxState
from orket_pipelines.sandboxes.records import get_sandbox
from orket_pipelines.store import read_events
from orket_pipelines.verification.fake import MemoryBrowsers
from orket_pipelines.verification.model import Browsers, Case, CaseOutcome, Suite, SuiteReport, Target
from orket_pipelines.verification.reports import broken, report_of

from .conftest import Line

pytestmark = pytest.mark.slow

DAY = 86_400
PAGE = {"name": "page", "kind": "e2e", "file": "page.py", "source": "def test_page(page): ...", "digest": "d"}
Tell = Callable[[Suite], SuiteReport]


def passing(suite: Suite) -> SuiteReport:
    return report_of([Case("test_it", CaseOutcome.PASSED, 0.1)], exit_code=0, log="")


def failing(suite: Suite, *names: str) -> SuiteReport:
    cases = [Case(name, CaseOutcome.FAILED, 0.1, f"{name} failed") for name in names]
    return report_of(cases, exit_code=1, log="")


@dataclass(frozen=True)
class Talking(MemorySandboxes):
    """As its fake, but it says something."""

    def logs(self, sandbox: Sandbox, *, tail: int = 200, stamped: bool = False) -> dict[str, str]:
        return {"app": "listening\nGET / 500\n"}


class World:
    """A rock that is delivered, on a stage of fakes; `tell` says what its suites come to."""

    def __init__(self, line: Line) -> None:
        self.line, self.tell = line, passing
        self.sandboxes: MemorySandboxes = Talking(line.store)
        rock = Card("shop", CardKind.ROCK, "Shop", rock_id="shop", details={"suites": [PAGE]})
        epic = Card("shop-epic", CardKind.EPIC, "Epic", parent_id="shop", rock_id="shop")
        one = Card("one", CardKind.ISSUE, "one", parent_id="shop-epic", rock_id="shop")
        with line.store.write() as tx:
            insert_cards(tx, [rock, epic, one])

    @property
    def factory(self) -> Factory:
        def run(suite: Suite, target: Target, *, browsers: Browsers, **about: Any) -> SuiteReport:
            return self.tell(suite)

        stage = Stage(self.sandboxes, MemoryBrowsers(None), lambda _: True, run)
        return replace(self.line.factory, stage=stage)

    def deliver(self) -> None:
        found = deliver_rock(self.factory, "shop", stop=threading.Event())
        assert {each.result for each in found} == {Result.DONE}

    def look(self) -> Any:
        return look_after_phases(self.factory, stop=threading.Event())

    def report(self, name: str, severity: Severity = Severity.MAJOR) -> str:
        with self.line.store.write() as tx:
            return report(tx, "shop", Finding(name, name, severity)).card.id

    def state(self, card_id: str) -> CardState:
        with self.line.store.read() as tx:
            return get_card(tx, card_id).state

    def sandbox(self) -> Sandbox:
        with self.line.store.read() as tx:
            return get_sandbox(tx, "shop")


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """The kills in tests/chaos try PostgreSQL."""
    return f"sqlite:///{tmp_path / 'orket.db'}"


@pytest.fixture
def world(line: Line) -> World:
    world = World(line)
    world.deliver()
    return world


def test_a_rock_that_is_delivered_is_done_and_enters_its_phase(world: World) -> None:
    assert world.state("shop") is CardState.DONE
    with world.line.store.read() as tx:
        assert get_phase(tx, "shop").state is PhaseState.ACTIVE


def test_no_phase_begins_where_its_length_is_nothing(line: Line) -> None:
    phases = line.settings.bug_phases.model_copy(update={"days": 0})
    line.settings = line.settings.model_copy(update={"bug_phases": phases})
    world = World(line)
    world.deliver()
    assert world.look() == []
    with line.store.read() as tx:
        assert (list_phases(tx, over=True), get_card(tx, "shop").state) == ([], CardState.DONE)


def test_a_rock_whose_last_issue_a_person_canceled_enters_its_phase_at_the_next_look(world: World) -> None:
    with world.line.store.write() as tx:
        tx.connection.exec_driver_sql("DELETE FROM bug_phases")
    assert [each.phase.rock_id for each in world.look()] == ["shop"]


def test_the_end_keeps_the_logs_takes_the_sandbox_down_and_moves_what_is_open(world: World, clock: FakeClock) -> None:
    bug = world.report("blank")
    clock.advance(7 * DAY)
    (looked,) = world.look()
    assert (looked.phase.state, looked.phase.left_to, looked.trouble) == (PhaseState.COMPLETED, "shop-phase2", "")
    assert world.sandbox().state is SandboxState.DELETED
    (log,) = looked.phase.logs
    assert (world.line.settings.home / log["path"]).read_text() == "listening\nGET / 500\n"
    shown = report_path(world.factory, "shop").read_text()
    assert all(text in shown for text in ("blank", log["sha256"], "What was open went to shop-phase2."))
    with world.line.store.read() as tx:
        assert get_card(tx, bug).rock_id == "shop-phase2"
    assert world.look() == []


def test_a_phase_goes_on_while_its_sandbox_cannot_be_taken_down_and_ends_when_it_can(
    world: World, clock: FakeClock
) -> None:
    class Stuck(Talking):
        def logs(self, sandbox: Sandbox, *, tail: int = 200, stamped: bool = False) -> dict[str, str]:
            raise EngineUnavailable("no engine answers", next_step="Start it.")

    clock.advance(7 * DAY)
    well, world.sandboxes = world.sandboxes, Stuck(world.line.store)
    (looked,) = world.look()
    assert (looked.phase.state, looked.trouble) == (PhaseState.ACTIVE, "no engine answers. Start it.")
    clock.jump(-2 * DAY)
    world.sandboxes = well
    assert [each.phase.state for each in world.look()] == [PhaseState.COMPLETED]


def test_the_sandbox_of_a_rock_in_its_phase_outlives_its_age(world: World, clock: FakeClock) -> None:
    clock.advance(6.9 * DAY)
    world.report("a", Severity.CRITICAL)
    with world.line.store.write() as tx:
        tx.connection.exec_driver_sql("UPDATE sandboxes SET expires_at = 1")
    assert look_after(world.factory).expired == ()
    assert world.sandbox().state is SandboxState.RUNNING


def test_critical_bugs_are_worked_on_at_once_and_the_others_wait(world: World) -> None:
    bad, other = world.report("blank", Severity.CRITICAL), world.report("slow")
    done = fix_critical(world.factory, "shop", stop=threading.Event())
    assert [(each.card.id, each.result) for each in done] == [(bad, Result.DONE)]
    assert (world.state(other), world.state("shop")) == (CardState.READY, CardState.DONE)


def test_what_runs_is_tried_again_and_each_failure_is_a_bug_that_its_suite_must_clear(world: World) -> None:
    world.tell = lambda suite: failing(suite, "test_title", "test_add") if suite.name == "page" else passing(suite)
    runs, found = verify_again(world.factory, "shop", stop=threading.Event())
    assert [(run.suite.name, run.purpose, run.report.passed) for run in runs] == [
        ("healthy", "nightly", True),
        ("page", "nightly", False),
    ]
    assert [bug.card.name for bug in found] == ["page: test_title", "page: test_add"]
    bug, sandbox = found[0], world.sandbox()
    assert (bug.source, bug.in_phase, bug.card.details["verified_by"]) == (Source.VERIFICATION, True, ["page"])
    assert (bug.found_in.commit, bug.found_in.sandbox) == (sandbox.commit, sandbox.id)


def test_the_same_failure_the_next_night_is_the_same_bug(world: World) -> None:
    world.tell = lambda suite: broken(suite.name, "no answer") if suite.name == "healthy" else passing(suite)
    (first,) = verify_again(world.factory, "shop", stop=threading.Event())[1]
    (second,) = verify_again(world.factory, "shop", stop=threading.Event())[1]
    assert (first.card.id, first.severity) == (second.card.id, Severity.CRITICAL)
    with world.line.store.read() as tx:
        ids = [event.payload["run_id"] for event in read_events(tx) if event.payload.get("purpose") == "nightly"]
        assert len(bugs_of(tx, "shop")) == 1
    assert len(set(ids)) == len(ids) == 4


def test_a_suite_of_which_everything_fails_does_not_flood_the_rock(world: World) -> None:
    names = [f"test_{number}" for number in range(30)]
    world.tell = lambda suite: failing(suite, *names) if suite.name == "page" else passing(suite)
    _, found = verify_again(world.factory, "shop", stop=threading.Event())
    assert len(found) == BUGS_OF_SUITE
    assert found[-1].card.details["description"] == "test_9 failed\n\n20 more cases failed with it."


def test_nothing_is_tried_where_nothing_runs(world: World) -> None:
    world.sandboxes.stop(world.sandbox())
    assert verify_again(world.factory, "shop", stop=threading.Event()) == ([], [])


def test_a_merged_pull_request_that_people_label_is_a_bug_once(world: World) -> None:
    forge = world.line.forge
    forge.label("shop", 1, ("bug",))
    forge.comment("shop", 1, author="ada", body="It lost my list.")
    (looked,) = world.look()
    (bug,) = looked.found
    assert (bug.source, bug.found_in.scenario) == (Source.FORGE, "pull request shop#1")
    assert "ada: It lost my list." in bug.card.details["description"]
    assert [each.found for each in world.look()] == [()]
    with world.line.store.read() as tx:
        assert len([card for card in list_cards(tx, rock_id="shop") if card.details.get("labels")]) == 1


def test_a_phase_from_the_delivery_to_the_second_rock_as_sql_and_the_report_tell_it(
    world: World, clock: FakeClock
) -> None:
    """Bugs are filed, the phase is extended twice, ends, and its second rock is delivered; clocks are set meanwhile."""
    for number in range(4):
        world.report(f"bad {number}", Severity.CRITICAL)
    for jump in (2 * DAY, -2 * DAY):
        clock.advance(7 * DAY)
        clock.jump(jump)
        (looked,) = world.look()
        assert looked.phase.state is PhaseState.EXTENDED
    world.tell = lambda suite: failing(suite, "test_title") if suite.name == "page" else passing(suite)
    verify_again(world.factory, "shop", stop=threading.Event())
    world.tell = passing
    assert [each.result for each in fix_critical(world.factory, "shop", stop=threading.Event())] == [Result.DONE] * 4
    clock.advance(6.9 * DAY)
    assert [each.phase.state for each in world.look()] == [PhaseState.EXTENDED]
    clock.advance(0.1 * DAY)
    (looked,) = world.look()
    assert (looked.phase.state, looked.phase.extensions, looked.phase.left_to) == ("completed", 2, "shop-phase2")
    assert world.sandbox().state is SandboxState.DELETED
    second = deliver_rock(world.factory, "shop-phase2", stop=threading.Event())
    assert [(each.card.name, each.result) for each in second] == [("page: test_title", Result.DONE)]

    folder = world.line.settings.home / "analytics"
    drain(world.line.store, folder)
    with duckdb.connect(str(folder / "snapshot.duckdb"), read_only=True) as snapshot:
        columns = "rock_id, state, round(elapsed_days, 2), extensions, found, fixed, left_to"
        (first, *_) = snapshot.execute(f"SELECT {columns} FROM bug_phase_summary").fetchall()  # noqa: S608 - right above
        counts = "SELECT count(*), sum(found), sum(fixed) FROM bug_rates WHERE rock_id = 'shop'"
        by_day = snapshot.execute(counts).fetchall()
        bugs = snapshot.execute("SELECT source, count(*) FROM bugs GROUP BY source ORDER BY source").fetchall()
    assert first == ("shop", "completed", 21.0, 2, 5, 4, "shop-phase2")
    assert by_day == [(21, 5, 4)]
    assert bugs == [("person", 4), ("verification", 1)]
    shown = report_path(world.factory, "shop").read_text()
    assert "completed, after 21 of 21 days: its 21 days are over. 5 bugs were found, 4 fixed." in shown
