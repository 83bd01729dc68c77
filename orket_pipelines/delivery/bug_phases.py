"""Bug-fix phases looked after: what is found in the forge taken in, ends carried out, critical bugs worked on.

An end is decided in the store before anything follows from it. Then, in this order: the sandbox's logs are kept, it is
taken down, the phase is closed with all that is open moved on, and its report is written. Killed between any two, the
next look carries on.
"""

import hashlib
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orket_pipelines import bugs
from orket_pipelines.bugs import Phase, PhaseReport
from orket_pipelines.bugs.page import page
from orket_pipelines.bugs.records import critical_bugs, update_phase
from orket_pipelines.cards.bugs import BUG, Bug, Finding, FoundIn, Source, bugs_of, report
from orket_pipelines.cards.identifiers import slug
from orket_pipelines.delivery.crew import Crew, deliver_issue
from orket_pipelines.delivery.deploying import holding_sandbox
from orket_pipelines.delivery.factory import Factory
from orket_pipelines.delivery.model import Delivery
from orket_pipelines.delivery.records import merged_attempts
from orket_pipelines.errors import OrketError
from orket_pipelines.sandboxes import Sandbox, SandboxState
from orket_pipelines.sandboxes.records import sandbox_of_rock
from orket_pipelines.store import Lease, Transaction, effect_kind, failpoint, perform, reach
from orket_pipelines.store.effects import DONE as EFFECT_DONE
from orket_pipelines.store.effects import Result, repeatable
from orket_pipelines.store.effects import find as find_effect

KEEP_LOGS, WRITE_REPORT = effect_kind("bugs.keep_logs"), effect_kind("bugs.write_report")
CHECKED = failpoint("bugs.checked")
SANDBOX_ENDED = failpoint("bugs.sandbox_ended")
CLOSED = failpoint("bugs.closed")

LOG_LINES = 5_000
"""Lines of each service that are kept, from the end."""
REPORT_FILE = "report.html"


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look at a phase came to. `found` are bugs that the forge knew of; `trouble` why its end could not be
    carried out, which the next look tries again."""

    phase: Phase
    found: tuple[Bug, ...] = ()
    trouble: str = ""


def look_after_phases(factory: Factory, *, stop: threading.Event) -> list[Looked]:
    """Begin the phases that are due, and look after each that goes on. Trouble with one does not keep the others."""
    _begin_missing(factory)
    with factory.store.read() as tx:
        phases, unwritten = bugs.list_phases(tx), _unwritten(tx)
    for phase in unwritten:
        _write_report(factory, phase)
    return [look_after_phase(factory, phase.rock_id, stop=stop) for phase in phases if not stop.is_set()]


def look_after_phase(factory: Factory, rock_id: str, *, stop: threading.Event) -> Looked:
    """Look after the phase of one rock. Raises: CardError where it has none."""
    found: tuple[Bug, ...] = ()
    trouble = ""
    try:
        found = _take_in(factory, rock_id)
        with factory.store.write() as tx:
            phase = bugs.check(tx, rock_id, factory.store.clock.moment(), factory.settings.bug_phases)
        reach(CHECKED)
        if phase.ends_as is not None:
            _end(factory, rock_id, stop)
    except OrketError as error:
        trouble = f"{error}. {error.next_step}" if error.next_step else str(error)
    with factory.store.read() as tx:
        return Looked(bugs.get_phase(tx, rock_id), found, trouble)


def report_path(factory: Factory, rock_id: str) -> Path:
    """Where the report of an ended phase lies, beside the kept logs."""
    return factory.settings.home / "artifacts" / factory.store.workspace_id / rock_id / "bug-phase" / REPORT_FILE


def fix_critical(factory: Factory, rock_id: str, *, stop: threading.Event) -> list[Delivery]:
    """Deliver the critical bugs of a rock; what became of each.

    As many at once as the phase's own limit allows, which holds over all that work on them (`places.py`).
    """
    with factory.store.read() as tx:
        ids = [bug.card.id for bug in critical_bugs(tx, rock_id)]
    crew = Crew(ids)
    with ThreadPoolExecutor(factory.settings.bug_phases.concurrency, thread_name_prefix=rock_id) as pool:
        return list(pool.map(lambda card_id: deliver_issue(factory, card_id, stop=stop, crew=crew), ids))


def _begin_missing(factory: Factory) -> None:
    moment, rules = factory.store.clock.moment(), factory.settings.bug_phases
    with factory.store.read() as tx:
        missing = bugs.undone(tx) if rules.days else []
    # Mostly none: a look that changes nothing takes no turn at writing.
    if missing:
        with factory.store.write() as tx:
            for rock in bugs.undone(tx):
                bugs.begin(tx, rock, moment, rules)


def _unwritten(tx: Transaction) -> list[Phase]:
    """Phases that are over, and whose report is not written: whoever was about to died."""
    over = [phase for phase in bugs.list_phases(tx, over=True) if phase.is_over]
    written = {phase.rock_id: find_effect(tx, f"{WRITE_REPORT.name}:{phase.rock_id}") for phase in over}
    return [phase for phase in over if (found := written[phase.rock_id]) is None or found.outcome != EFFECT_DONE]


def _take_in(factory: Factory, rock_id: str) -> tuple[Bug, ...]:
    """What people labelled as a bug in the forge: a pull request that was merged. Each once, whatever became of it."""
    with factory.store.read() as tx:
        merged = merged_attempts(tx, rock_id)
        known = {bug.found_in.scenario for bug in bugs_of(tx, rock_id) if bug.source is Source.FORGE}
    found = []
    for attempt in merged:
        scenario = f"pull request {attempt.repository}#{attempt.pull_request}"
        if scenario in known:
            continue
        request = factory.forge.pull_request(attempt.repository, attempt.pull_request or 0)
        if BUG not in request.labels:
            continue
        said = factory.forge.comments(attempt.repository, request.number)
        text = "\n\n".join([f"{scenario} bears the label {BUG}.", *(f"{each.author}: {each.body}" for each in said)])
        place = FoundIn(attempt.merge_commit, None, scenario)
        found.append(
            Finding(f"{request.title} (#{request.number})", text, source=Source.FORGE, by="forge", found_in=place)
        )
    if not found:
        return ()
    with factory.store.write() as tx:
        return tuple(report(tx, rock_id, finding) for finding in found)


def _end(factory: Factory, rock_id: str, stop: threading.Event) -> None:
    with holding_sandbox(factory, rock_id, stop) as lease:
        with factory.store.read() as tx:
            sandbox = sandbox_of_rock(tx, rock_id)
        _keep_logs(factory, rock_id, sandbox)
        _take_down(factory, sandbox, lease)
        reach(SANDBOX_ENDED)
        with factory.store.write() as tx:
            phase = bugs.close(tx, rock_id, factory.store.clock.moment(), factory.settings.bug_phases)
    reach(CLOSED)
    _write_report(factory, phase)


def _keep_logs(factory: Factory, rock_id: str, sandbox: Sandbox | None) -> None:
    """Once for a phase: what is taken down has nothing more to say."""

    def act() -> Result:
        stage = factory.stage
        if stage is None or sandbox is None or sandbox.state is SandboxState.DELETED:
            return {"logs": []}
        said = stage.sandboxes.logs(sandbox, tail=LOG_LINES)
        folder = report_path(factory, rock_id).parent
        return {"logs": [_kept(factory, folder / f"{slug(name)}.log", name, text) for name, text in said.items()]}

    def record(tx: Transaction, result: Result) -> None:
        update_phase(tx, bugs.get_phase(tx, rock_id), logs=result["logs"])

    intent = {"sandbox": sandbox.id if sandbox else None}
    perform(factory.store, KEEP_LOGS, rock_id, subject=rock_id, intent=intent, act=act, probe=repeatable, record=record)


def _take_down(factory: Factory, sandbox: Sandbox | None, lease: Lease) -> None:
    if factory.stage is not None and sandbox is not None and sandbox.state is not SandboxState.DELETED:
        factory.stage.sandboxes.under(lease).down(sandbox)


def _write_report(factory: Factory, phase: Phase) -> None:
    """Write the report of a phase that is over, once."""
    if phase.closing is None:
        return
    told = PhaseReport.from_json(phase.closing)

    def act() -> Result:
        return _kept(factory, report_path(factory, phase.rock_id), "report", page(told))

    perform(
        factory.store,
        WRITE_REPORT,
        phase.rock_id,
        subject=phase.rock_id,
        intent={"state": str(phase.state)},
        act=act,
        probe=repeatable,
    )


def _kept(factory: Factory, path: Path, service: str, text: str) -> dict[str, Any]:
    """Write a file whole or not at all; what may be told of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    content, half = text.encode(errors="replace"), path.with_suffix(".new")
    half.write_bytes(content)
    half.replace(path)
    where = path.relative_to(factory.settings.home).as_posix()
    return {"service": service, "path": where, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}
