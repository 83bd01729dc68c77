"""One tool call: the gate, the tool, a checkpoint of what it changed, and its outcome, stored in one transaction."""

from dataclasses import dataclass
from typing import Any

from pydantic_ai.messages import ToolCallPart

from orket_pipelines.agents import records
from orket_pipelines.agents.approvals import ASKED, Approval, ask_approval, needed
from orket_pipelines.agents.gate import Allowed, Denied, judge_call
from orket_pipelines.agents.history import Exchange, History
from orket_pipelines.agents.model import Assignment, Outcome
from orket_pipelines.agents.prompts import denied_text
from orket_pipelines.agents.records import TOOL, CallResult, Session
from orket_pipelines.agents.redaction import Redact
from orket_pipelines.agents.roles import Role
from orket_pipelines.agents.tools.model import Desk, Reach, ToolResult
from orket_pipelines.agents.tools.registry import TOOLS
from orket_pipelines.errors import (
    ContainerError,
    EngineUnavailable,
    GitError,
    LeaseLost,
    OrketError,
    Stopped,
    StoreError,
    WorkbenchError,
)
from orket_pipelines.policy import Violation, record_violation
from orket_pipelines.store import Transaction, append, failpoint, new_id, reach
from orket_pipelines.store.effects import DONE, begin_in, end
from orket_pipelines.workbench.paths import why_protected

CHECKPOINT_TAKEN = failpoint("agents.checkpoint_taken")
BEFORE_END = failpoint("agents.before_end")
EXCERPT = 500
"""Characters of an argument or a result that an event carries."""
OURS = (Stopped, StoreError, LeaseLost, WorkbenchError, EngineUnavailable, ContainerError)
"""What a model cannot mend: the session stops there, and goes on when it is taken up again."""


@dataclass(frozen=True, slots=True)
class Work:
    """A session in progress: what all its calls need."""

    desk: Desk
    assignment: Assignment
    role: Role
    session: Session
    history: History
    redact: Redact


@dataclass(frozen=True, slots=True)
class Done:
    """A call that is over and not stored yet. `result` holds what else is to be stored with it, and its outcome."""

    call: ToolCallPart
    stored: CallResult
    result: ToolResult


def begin_calls(tx: Transaction, work: Work, exchange: Exchange) -> None:
    """Store the intents of an answer's calls, in the transaction that stores the answer."""
    fence = work.desk.store.fence
    token = fence.token if fence is not None else None
    for position, call in enumerate(exchange.calls):
        intent = {"turn": exchange.number, "position": position, "call_id": call.tool_call_id, "tool": call.tool_name}
        key = _key(work.session, exchange.number, call)
        begin_in(tx, TOOL, key, subject=work.session.id, intent=intent, fencing_token=token)


def perform_call(work: Work, call: ToolCallPart) -> Outcome | None:
    """Judge a call of the last answer, run it if it is allowed, and store what came of it.

    Returns the session's outcome where the call ends it, or the one that is stored with it. Raises: ApprovalNeeded,
    Stopped, StoreError, LeaseLost, WorkbenchError; the call is then still open.
    """
    exchange = work.history.exchanges[-1]
    reach(TOOL.after_intent)
    outcome = _store(work, exchange, _carry_out(work, exchange, call))
    reach(TOOL.after_outcome)
    return outcome


def closing_call(work: Work, exchange: Exchange, before: Done | None = None) -> Done | None:
    """What comes of the first open call after `before`, where it can end the session and does nothing else.

    It is to be stored with what comes before it. None where there is no such call, or it is not allowed as it stands.
    """
    waiting = [call for call in exchange.open_calls if before is None or call is not before.call]
    if not waiting or (before is not None and before.result.outcome is not None):
        return None
    tool = TOOLS.get(waiting[0].tool_name)
    if tool is None or tool.reach is not Reach.SESSION or tool.name in work.desk.settings.approvals:
        return None
    judged = _judge(work, exchange, waiting[0])
    if isinstance(judged, Denied):
        return None
    return _as_done(work, waiting[0], _run(work, waiting[0], judged))


def _carry_out(work: Work, exchange: Exchange, call: ToolCallPart) -> Done:
    clock = work.desk.store.clock
    started = clock.monotonic()
    judged = _judge(work, exchange, call)
    if isinstance(judged, Allowed):
        judged = _decided(work, call, judged)
    if isinstance(judged, Denied):
        return _as_done(work, call, _denied(work, call, judged))
    result, tree = _run(work, call, judged), None
    reach(TOOL.after_effect)
    if judged.tool.reach is Reach.CHECKOUT:
        result, tree = _checkpoint(work, call, result)
    return _as_done(work, call, result, tree=tree, seconds=clock.monotonic() - started)


def _judge(work: Work, exchange: Exchange, call: ToolCallPart) -> Allowed | Denied:
    return judge_call(work.role, exchange.card_state, call.tool_name, call.args or {}, work.history.tools_called)


def _as_done(
    work: Work,
    call: ToolCallPart,
    result: ToolResult,
    *,
    tree: str | None = None,
    seconds: float = 0.0,
) -> Done:
    verdict = "denied" if result.denied else "failed" if result.failed else "done"
    return Done(call, CallResult(verdict, work.redact(result.text), tree, round(seconds, 3)), result)


def _decided(work: Work, call: ToolCallPart, allowed: Allowed) -> Allowed | Denied:
    """What a person says of a call of a tool that the settings hold back. Raises: ApprovalNeeded until somebody has."""
    if allowed.tool.name not in work.desk.settings.approvals:
        return allowed
    session, turn = work.session, work.history.exchanges[-1].number
    arguments = work.redact(call.args_as_json_str())
    wanted = Approval(
        new_id(), _key(session, turn, call), session.card_id, session.id, session.role, allowed.tool.name, arguments
    )
    with work.desk.store.write() as tx:
        found = ask_approval(tx, wanted)
    reach(ASKED)
    if found.granted is None:
        raise needed(found)
    if found.granted:
        return allowed
    why = f": {found.reason}" if found.reason else ""
    fix = "Reach your goal in another way, or ask in a comment or with request_state blocked, reason input."
    return Denied("approval", f"{found.decided_by} refused this call{why}", fix)


def _denied(work: Work, call: ToolCallPart, denied: Denied) -> ToolResult:
    violation = Violation(
        denied.rule,
        work.role.name,
        {"tool": call.tool_name, "arguments": _abridged(work, call)},
        denied.reason,
        denied.fix,
        card_id=work.session.card_id,
        session_id=work.session.id,
    )
    text = denied_text(denied.rule, denied.reason, denied.fix)
    return ToolResult(text, denied=True, record=lambda tx: record_violation(tx, violation))


def _run(work: Work, call: ToolCallPart, allowed: Allowed) -> ToolResult:
    """What the tool says. Whatever goes wrong in it is told to the model: a call never takes the line down."""
    try:
        return allowed.tool.run(work.desk, work.assignment, allowed.arguments)
    except OURS:
        raise
    except OrketError as error:
        return _told(work, call, error)
    except Exception as error:  # noqa: BLE001 - a defect of one tool must not stop everybody's work
        defect = f"{allowed.tool.name} has a defect and did not finish ({type(error).__name__}: {error})."
        return ToolResult(f"{defect} Reach your goal in another way.", failed=True)


def _checkpoint(work: Work, call: ToolCallPart, result: ToolResult) -> tuple[ToolResult, str | None]:
    """Keep the tree that a call left behind. What git cannot keep or nobody may change is put back, which is told."""
    code, checkout, repository = work.desk.code, work.desk.workbench.checkout, work.assignment.repository
    before = work.history.tree
    try:
        tree = code.snapshot(repository, checkout)
    except GitError as error:
        if before is None:
            raise
        code.restore(repository, before, checkout)
        text = f"What this call left behind cannot be stored; the files are as they were before it. {error}"
        return ToolResult(text, failed=True), before
    if tree == before:
        return result, tree
    trespass = _trespass(work, before, tree)
    if before is not None and trespass is not None:
        code.restore(repository, before, checkout)
        reach(CHECKPOINT_TAKEN)
        return _denied(work, call, trespass), before
    code.keep(repository, checkpoint_name(work.session.id), tree)
    reach(CHECKPOINT_TAKEN)
    return result, tree


def _trespass(work: Work, before: str | None, after: str) -> Denied | None:
    """What a command changed that agents may not: the gate has seen its words, not its deeds."""
    if before is None:
        return None
    for path in work.desk.code.changed_paths(work.assignment.repository, before, after):
        reason = why_protected(path)
        if reason is not None:
            return Denied(
                "protected_path",
                f"the call changed {path!r}: {reason}; the files are as they were before the call",
                "Reach your goal without changing this path, or ask a person: request_state blocked, reason input.",
            )
    return None


def checkpoint_name(session_id: str) -> str:
    """The hidden ref that holds the last checkpoint of a session."""
    return f"checkpoints/{session_id}"


def _store(work: Work, exchange: Exchange, done: Done) -> Outcome | None:
    """Store a call, and the one after it where that closes the session: all in one transaction."""
    closing = closing_call(work, exchange, done)
    calls = [done] if closing is None else [done, closing]
    try:
        with work.desk.store.write() as tx:
            for each in calls:
                store_call(tx, work, exchange, each)
    except OURS:
        raise
    except OrketError as error:
        # What was to follow from the call is against a rule: nothing was written, and the model is told.
        told, known = _told(work, done.call, error), done.stored
        refused = _as_done(work, done.call, told, tree=known.tree, seconds=known.seconds)
        calls = [refused]
        with work.desk.store.write() as tx:
            store_call(tx, work, exchange, refused)
    for each in calls:
        work.history.settle(exchange, each.call.tool_call_id, each.stored)
    return calls[-1].result.outcome


def store_call(tx: Transaction, work: Work, exchange: Exchange, done: Done) -> None:
    """Result, what follows from it, the event, and the end of the session where this is it."""
    session, turn = work.session, exchange.number
    if done.result.record is not None:
        done.result.record(tx)
    end(tx, _key(session, turn, done.call), DONE, records.as_stored(done.stored))
    payload = {
        "session_id": session.id,
        "card": session.card_id,
        "role": session.role,
        "turn": turn,
        "call_id": done.call.tool_call_id,
        "tool": done.call.tool_name,
        "arguments": _abridged(work, done.call),
        "verdict": "denied" if done.stored.verdict == "denied" else "allowed",
        "outcome": done.stored.verdict,
        "seconds": done.stored.seconds,
        "result": done.stored.text[:EXCERPT],
    }
    append(tx, "tool.called", session.card_id, payload)
    if done.result.outcome is not None:
        end_session(tx, work, done.result.outcome)


def end_session(tx: Transaction, work: Work, outcome: Outcome) -> None:
    """Store how the session ended, and what is to follow from it."""
    reach(BEFORE_END)
    records.end_session(tx, work.session, outcome)
    if work.desk.follow is not None:
        work.desk.follow(tx, work.session, outcome)


def _told(work: Work, call: ToolCallPart, error: OrketError) -> ToolResult:
    """What a model is told of an error; what a rule refused is on record besides."""
    if error.rule is not None:
        return _denied(work, call, Denied(error.rule, str(error), error.next_step))
    return ToolResult(f"{error} {error.next_step}".rstrip(), failed=True)


def _abridged(work: Work, call: ToolCallPart) -> dict[str, Any]:
    """The arguments of a call, every string cut to what an event carries."""
    given = call.args_as_dict()
    return {name: work.redact(value)[:EXCERPT] if isinstance(value, str) else value for name, value in given.items()}


def _key(session: Session, turn: int, call: ToolCallPart) -> str:
    return f"{TOOL.name}:{session.id}:{turn}:{call.tool_call_id}"
