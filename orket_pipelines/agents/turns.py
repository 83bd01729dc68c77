"""What the loop is made of: taking a session up, one turn of the model, and ending without a result."""

from dataclasses import replace
from functools import lru_cache

from pydantic_ai.messages import ModelMessage, ModelResponse
from pydantic_ai.tools import ToolDefinition

from orket_pipelines.agents import records
from orket_pipelines.agents.approvals import demand_known
from orket_pipelines.agents.budgets import Line, Scope, describe_left, limited
from orket_pipelines.agents.calls import Work, begin_calls, checkpoint_name, closing_call, end_session, store_call
from orket_pipelines.agents.history import Exchange, History, as_turn, opening, settled, written
from orket_pipelines.agents.ledger import demand_budget, demand_time
from orket_pipelines.agents.model import Assignment, Outcome
from orket_pipelines.agents.models.model import LanguageModel
from orket_pipelines.agents.models.talk import Talk
from orket_pipelines.agents.prompts import compile_prompt, left_text
from orket_pipelines.agents.records import TOOL, Session, Turn
from orket_pipelines.agents.redaction import redactor
from orket_pipelines.agents.roles import Role
from orket_pipelines.agents.tools.model import Desk, Reach, Tool
from orket_pipelines.agents.tools.registry import TOOLS
from orket_pipelines.cards.records import get_state
from orket_pipelines.errors import Stopped
from orket_pipelines.store import failpoint, new_id, reach

SILENT_TURNS = 3
"""Answers in a row without a tool call after which a session ends."""
CIRCLES = 2
"""Circles after which a session ends; the model is told of those before."""
SESSION_STORED = failpoint("agents.session_stored")
SESSION_CREATED = failpoint("agents.session_created")
CHECKOUT_RESTORED = failpoint("agents.checkout_restored")
BEFORE_REQUEST = failpoint("agents.before_model_request")
TURN_STORED = failpoint("agents.turn_stored")


def take_up(desk: Desk, model: LanguageModel, role: Role, assignment: Assignment) -> Work:
    """The session of the assignment as it stands: ended, running, or begun here.

    The checkout of a running one is put back to its last checkpoint: what was done to it since has no outcome.
    """
    settings, redact = desk.settings, redactor(desk.settings)
    demand_known(settings.approvals, TOOLS)
    with desk.store.glance() as tx:
        session = records.find_session(tx, assignment)
    if session is None:
        prompt = opening(*map(redact, compile_prompt(role, assignment, settings, model.dialect)))
        session = _begin(desk, model, assignment, role, prompt)
        history = History.begun(session, role, prompt)
        history.fit(settings.model_context)
        return Work(desk, assignment, role, session, history, redact)
    if session.outcome is not None:
        return Work(desk, assignment, role, session, History.begun(session, role), redact)
    with desk.store.read() as tx:
        turns, calls = records.turns_of(tx, session.id), records.calls_of(tx, session.id)
        card_state = get_state(tx, session.card_id)
    history = History.rebuilt(session, role, turns, calls, card_state)
    history.fit(settings.model_context)
    if history.tree is not None:
        desk.code.restore(assignment.repository, history.tree, desk.workbench.checkout)
    reach(CHECKOUT_RESTORED)
    return Work(desk, assignment, role, session, history, redact)


def take_turn(work: Work, talk: Talk) -> Outcome | None:
    """Ask the model that the session goes on with, and store its answer with the intents of its calls.

    Returns the session's outcome where the answer does nothing but end it. Raises: BudgetSpent, ModelError, Stopped.
    """
    store, history = work.desk.store, work.history
    _heed_switch(work, talk)
    limits = _limits(work)
    started, begun = store.clock.now(), store.clock.monotonic()
    reach(BEFORE_REQUEST)
    answer = talk.ask(history.messages)
    response = settled(answer.response)
    reach(TOOL.before_intent)
    number = len(history.exchanges) + 1
    with store.write() as tx:
        turn = _turn(number, response, answer.model, started, tx.now)
        note = "" if history.is_warned else _note(limits, turn)
        exchange = Exchange(number, response, get_state(tx, work.session.card_id), note=note)
        turn = replace(turn, messages=as_turn(exchange))
        records.insert_turn(tx, work.session, turn, store.clock.monotonic() - begun)
        for silent in answer.silent:
            records.record_silence(tx, work.session, turn, model=silent.model, reason=work.redact(silent.reason))
        begin_calls(tx, work, exchange)
        closing = closing_call(work, exchange)
        if closing is not None:
            store_call(tx, work, exchange, closing)
    history.exchanges.append(exchange)
    reach(TURN_STORED)
    if closing is None:
        return None
    history.settle(exchange, closing.call.tool_call_id, closing.stored)
    return closing.result.outcome


def giving_up(work: Work) -> Outcome | None:
    """How the session must end now without a result; None where it may go on."""
    limit, circles = work.desk.settings.turn_limit, work.history.circles
    if len(circles) >= CIRCLES:
        return Outcome(failure=f"it was stuck, and went on after it was told so: {circles[-1]}", stuck=True)
    if work.history.silent_turns >= SILENT_TURNS:
        return Outcome(failure=f"the model answered {SILENT_TURNS} times in a row without calling a tool")
    if len(work.history.exchanges) >= limit:
        return Outcome(failure=f"turn limit {limit} reached without an outcome")
    return None


def end_without_result(work: Work, outcome: Outcome) -> Outcome:
    """End the session with a failure."""
    with work.desk.store.write() as tx:
        end_session(tx, work, outcome)
    return outcome


def stop_if_asked(desk: Desk) -> None:
    """Raises: Stopped."""
    if desk.stop.is_set():
        raise Stopped("stopped between two steps of a session; everything so far is stored")


@lru_cache
def tool_definitions(role: Role) -> tuple[ToolDefinition, ...]:
    """What a model is told of the tools of a role, in the order of their names."""
    return tuple(_definition(TOOLS[name]) for name in sorted(role.tools))


def _definition(tool: Tool) -> ToolDefinition:
    return ToolDefinition(
        name=tool.name, description=tool.description, parameters_json_schema=tool.arguments.model_json_schema()
    )


def _begin(desk: Desk, model: LanguageModel, assignment: Assignment, role: Role, prompt: list[ModelMessage]) -> Session:
    tree = None
    if any(TOOLS[name].reach is Reach.CHECKOUT for name in role.tools):
        tree = desk.code.snapshot(assignment.repository, desk.workbench.checkout)
    session = Session(
        id=new_id(),
        card_id=assignment.card_id,
        attempt=assignment.attempt,
        role=role.name,
        purpose=assignment.purpose,
        visit=assignment.visit,
        subject_commit=assignment.subject_commit,
        model=model.name,
        prompt=written(prompt),
        starting_tree=tree,
    )
    with desk.store.write() as tx:
        records.insert_session(tx, session)
    reach(SESSION_STORED)
    if tree is not None:
        desk.code.keep(assignment.repository, checkpoint_name(session.id), tree)
    reach(SESSION_CREATED)
    return session


def _heed_switch(work: Work, talk: Talk) -> None:
    """Somebody may have switched the session's model meanwhile, in whatever process."""
    with work.desk.store.glance() as tx:
        name = records.switched_to(tx, work.session.id)
    if name is not None:
        talk.go_on_with(name)


def _limits(work: Work) -> list[Line]:
    """Every limit that holds for the next answer. Raises: BudgetSpent."""
    settings, store, since = work.desk.settings, work.desk.store, work.desk.since
    found = [Line(Scope.SESSION, "turns", len(work.history.exchanges), settings.turn_limit)]
    if since is not None:
        found.append(demand_time(store, work.session.card_id, since=since, limit=settings.issue_timeout))
    if limited(settings.budgets):
        with store.read() as tx:
            found += demand_budget(tx, settings.budgets, work.session.card_id)
    return found


def _note(limits: list[Line], turn: Turn) -> str:
    """What the model is told of what is left after this answer; empty while that is enough."""
    used = {"turns": 1, "requests": 1, "tokens": turn.input_tokens + turn.output_tokens, "cost": turn.cost or 0}
    left = [replace(line, spent=line.spent + used.get(line.measure, 0)) for line in limits]
    nearly = [line for line in left if line.is_nearly_spent]
    return left_text(describe_left(nearly)) if nearly else ""


def _turn(number: int, response: ModelResponse, model: LanguageModel, started_at: int, ended_at: int) -> Turn:
    return Turn(
        number=number,
        messages=[],
        model=model.name,
        input_tokens=response.usage.input_tokens,
        output_tokens=response.usage.output_tokens,
        cost=model.price(response.usage),
        started_at=started_at,
        ended_at=ended_at,
    )
