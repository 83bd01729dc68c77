"""Killed while a phase is looked after, at its end: the next look ends it the same."""

import threading
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from orket_pipelines.agents.models.playbook import Playbook
from orket_pipelines.agents.models.scripted import Scripted
from orket_pipelines.bugs import begin
from orket_pipelines.cards.bugs import Finding, Severity, bugs_of, report
from orket_pipelines.cards.model import Card, CardKind, CardState
from orket_pipelines.cards.records import get_card, insert_cards
from orket_pipelines.clock import FakeClock
from orket_pipelines.containers import MemoryEngine
from orket_pipelines.delivery import Factory
from orket_pipelines.delivery.bug_phases import look_after_phases
from orket_pipelines.delivery.nightly import verify_again
from orket_pipelines.delivery.stage import Stage
from orket_pipelines.dependencies import MemoryInstaller
from orket_pipelines.forge import MemoryForge
from orket_pipelines.git import MemoryCode
from orket_pipelines.sandboxes import Deployment, SandboxState, open_sandboxes
from orket_pipelines.settings import Settings
from orket_pipelines.store import LeaseKeeper, Store, tables
from orket_pipelines.store.failpoints import registered
from orket_pipelines.verification.fake import MemoryBrowsers
from orket_pipelines.verification.model import Case, CaseOutcome, Suite, SuiteReport
from orket_pipelines.verification.reports import report_of
from orket_pipelines.workbench import MemoryWorkbenches
from tests.kills import do_and_die

pytestmark = pytest.mark.slow

ROCK, DAY = "fire", 86_400
SWEPT = [name for name in registered() if name.startswith("bugs.")]
PAGE = {"name": "page", "kind": "e2e", "file": "page.py", "source": "x", "digest": "d"}


def fail_the_page(suite: Suite, *_: Any, **__: Any) -> SuiteReport:
    outcome = CaseOutcome.FAILED if suite.name == "page" else CaseOutcome.PASSED
    return report_of([Case("test_page", outcome, 0.1, "blank")], exit_code=int(suite.name == "page"), log="")


def opened(home: Path, url: str, *, days: float) -> Factory:
    """What a process has in hands that many days after the rock was delivered."""
    clock = FakeClock()
    clock.advance(days * DAY)
    settings = Settings(home=home, database_url=url)
    store = Store.open(url, clock=clock)
    engine = MemoryEngine(home, lambda _spec, _command: (None, "listening"), path=home / "engine.jsonl")
    sandboxes = open_sandboxes(settings, store, MemoryInstaller(), engine=engine)
    code = MemoryCode()
    return Factory(
        settings=settings,
        store=store,
        code=code,
        forge=MemoryForge(code),
        workbenches=MemoryWorkbenches(lambda *_: (_ for _ in ()).throw(AssertionError("nothing is worked on"))),
        models=Scripted(Playbook.model_validate({"cards": {}})),
        leases=LeaseKeeper(store),
        stage=Stage(replace(sandboxes, ask=lambda _: 200), MemoryBrowsers(None), lambda _: True, fail_the_page),
        engine=engine,
    )


def prepare(home: Path, url: str) -> None:
    """A rock in its phase, with a sandbox that runs and a bug that somebody reported."""
    source = home.parent / "source"
    source.mkdir(exist_ok=True)
    (source / "orket.yaml").write_text("services: {api: {kind: web, start: [python, server.py]}}\n")
    with opened(home, url, days=0) as factory:
        with factory.store.write() as tx:
            details = {"suites": [PAGE]}
            insert_cards(tx, [Card(ROCK, CardKind.ROCK, "Fire", CardState.DONE, rock_id=ROCK, details=details)])
            begin(tx, get_card(tx, ROCK), factory.store.clock.moment(), factory.settings.bug_phases)
            report(tx, ROCK, Finding("It burns", "Look.", Severity.CRITICAL))
        assert factory.stage is not None
        made = factory.stage.sandboxes.deploy(Deployment(ROCK, ROCK, "c1", source), stop=threading.Event())
        assert made.state is SandboxState.RUNNING


def last_night(home: Path, url: str) -> None:
    """What a process does in the night in which the phase ends; what was tried once is not tried again."""
    with opened(home, url, days=7.5) as factory:
        with factory.store.read() as tx:
            tried = any(bug.by == "nightly" for rock in (ROCK, f"{ROCK}-phase2") for bug in bugs_of(tx, rock))
        if not tried:
            verify_again(factory, ROCK, stop=threading.Event())
        (looked,) = look_after_phases(factory, stop=threading.Event()) or (None,)
        assert looked is None or not looked.trouble


@dataclass(frozen=True)
class End:
    cards: dict[str, tuple[Any, ...]]
    phase: tuple[Any, ...]
    effects: Counter[tuple[Any, ...]]
    events: Counter[str]
    runs: Counter[tuple[Any, ...]]
    comments: int
    sandbox: list[Any]
    engine: tuple[int, int, int]
    files: dict[str, bytes]


def look(home: Path, url: str) -> End:
    with closing(Store.open(url)) as store, store.read() as tx:
        cards, phases, effects, runs = (tables.cards.c, tables.bug_phases.c, tables.effects.c, tables.test_runs.c)
        rows = tx.execute(sa.select(cards.id, cards.state, cards.rock_id, cards.parent_id))
        (phase,) = tx.execute(sa.select(phases.state, phases.left_to, phases.extensions, phases.logs, phases.elapsed))
        did = tx.execute(sa.select(effects.kind, effects.outcome))
        tried = tx.execute(sa.select(runs.id, runs.suite, runs.passed))
        found = MemoryEngine(home, path=home / "engine.jsonl")
        kept, sandbox_id = home / "artifacts", tx.execute(sa.select(tables.sandboxes.c.id)).scalars().one().encode()
        return End(
            cards={row.id: tuple(row)[1:] for row in rows},
            phase=(phase.state, phase.left_to, phase.extensions, str(phase.logs), phase.elapsed),
            effects=Counter(tuple(row) for row in did),
            events=Counter(tx.execute(sa.select(tables.events.c.kind)).scalars()),
            runs=Counter(tuple(row) for row in tried),
            comments=len(tx.execute(sa.select(tables.comments.c.id)).all()),
            sandbox=[tuple(row) for row in tx.execute(sa.select(tables.sandboxes.c.state, tables.sandboxes.c.urls))],
            engine=(len(found.containers({})), len(found.networks({})), len(found.volumes({}))),
            files={
                str(path.relative_to(kept)): _nameless(path.read_bytes(), sandbox_id)
                for path in kept.rglob("*")
                if path.is_file()
            },
        )


def _nameless(content: bytes, sandbox_id: bytes) -> bytes:
    """Without the id of the sandbox, which is told whole or by its beginning."""
    return content.replace(sandbox_id, b"ID").replace(sandbox_id[:12], b"ID")


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> End:
    home = tmp_path_factory.mktemp("undisturbed") / "home"
    home.mkdir()
    url = f"sqlite:///{home / 'orket.db'}"
    prepare(home, url)
    last_night(home, url)
    return look(home, url)


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """PostgreSQL is killed on among the further kills."""
    return f"sqlite:///{tmp_path / 'orket.db'}"


@pytest.fixture
def home(tmp_path: Path, database_url: str) -> Path:
    home = tmp_path / "home"
    home.mkdir()
    prepare(home, database_url)
    return home


def test_the_story_ends_with_a_second_rock_kept_logs_and_nothing_that_runs(undisturbed: End) -> None:
    assert undisturbed.phase[:3] == ("completed", "fire-phase2", 0)
    assert undisturbed.cards["fire-bug-it-burns"] == ("ready", "fire-phase2", "fire-phase2-bugs")
    assert undisturbed.cards["fire-bug-page-test-page"] == ("ready", "fire-phase2", "fire-phase2-bugs")
    assert undisturbed.engine == (0, 0, 0)
    assert sorted(undisturbed.files) == ["default/fire/bug-phase/api.log", "default/fire/bug-phase/report.html"]


@pytest.mark.parametrize("failpoint", SWEPT)
def test_a_kill_changes_nothing_in_the_end(failpoint: str, home: Path, database_url: str, undisturbed: End) -> None:
    assert do_and_die(lambda: last_night(home, database_url), failpoint) == failpoint
    last_night(home, database_url)
    assert look(home, database_url) == undisturbed


@pytest.mark.chaos
@pytest.mark.postgres
@pytest.mark.parametrize("failpoint", SWEPT)
def test_a_kill_on_postgresql_and_one_in_the_recovery_change_nothing_either(
    failpoint: str, tmp_path: Path, postgres: Any, undisturbed: End
) -> None:
    home, url = tmp_path / "home", postgres.create()
    home.mkdir()
    prepare(home, url)
    assert do_and_die(lambda: last_night(home, url), failpoint) == failpoint
    do_and_die(lambda: last_night(home, url), *SWEPT)
    last_night(home, url)
    assert look(home, url) == undisturbed
