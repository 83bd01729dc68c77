"""`orket sessions`: what agents said and did."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orket_pipelines.cli.terminal import Terminal, command, when

if TYPE_CHECKING:
    from orket_pipelines.agents.records import Call, CallResult, Session, Turn

group = typer.Typer()
ABRIDGED = 400
"""Characters of a tool's arguments or result that a transcript repeats; --json has all."""


@command(group, "list")
def list_all(
    terminal: Terminal,
    card: Annotated[str | None, typer.Option(envvar="ORKET_CARD", help="Only the sessions on this card.")] = None,
) -> None:
    """Every session: who worked on what, and how it ended."""
    from orket_pipelines.agents.records import list_sessions, turns_of
    from orket_pipelines.cards.records import get_card

    with terminal.store() as store, store.read() as tx:
        sessions = list_sessions(tx, card_id=card)
        if card is not None and not sessions:
            get_card(tx, card)
        turns = {session.id: len(turns_of(tx, session.id)) for session in sessions}
    terminal.data([_summary(session) | {"turns": turns[session.id]} for session in sessions])
    rows = [
        (each.id, when(each.started_at), each.card_id, each.role, each.purpose, turns[each.id], _ending(each))
        for each in sessions
    ]
    columns = ("id", "started", "card", "role", "purpose", "turns", "outcome")
    terminal.table(columns, rows, empty="No agent has worked yet. Let them: orket rocks deliver ROCK")


@command(group, "show")
def show(
    terminal: Terminal,
    session: Annotated[str, typer.Argument(metavar="SESSION", help="The session's id.")],
    full: Annotated[bool, typer.Option("--full", envvar="ORKET_FULL", help="Results in full length.")] = False,
) -> None:
    """A transcript: what the model said, what it called, and what it was told."""
    from orket_pipelines.agents.records import calls_of, get_session, turns_of

    with terminal.store() as store, store.read() as tx:
        found, turns, calls = get_session(tx, session), turns_of(tx, session), calls_of(tx, session)
    terminal.data(
        asdict(found) | {"turns": [asdict(turn) for turn in turns], "calls": [asdict(call) for call in calls]}
    )
    terminal.say(
        f"{found.role} on {found.card_id}, called for {found.purpose} (visit {found.visit}), model {found.model}"
    )
    limit = None if full else ABRIDGED
    for turn in turns:
        terminal.say("\n".join(["", f"turn {turn.number}: {_spent(turn)}", *_spoken(turn, calls, limit)]))
    terminal.say(f"\nended: {_ending(found)}" if found.ended_at else "\nnot ended: it runs, or waits to be carried on")


def _spoken(turn: "Turn", calls: "list[Call]", limit: int | None) -> Iterator[str]:
    """The parts of the model's answer, each call followed by what came of it."""
    results = {call.call_id: call.result for call in calls if call.turn == turn.number}
    for part in (part for message in turn.messages for part in message.get("parts", ())):
        match part.get("part_kind"):
            case "text" | "thinking":
                yield _indented(str(part.get("content", "")), "  ", limit)
            case "tool-call":
                yield from _called(part["tool_name"], _arguments(part), limit)
                yield _told(results.get(part.get("tool_call_id")), limit)


def _called(tool: str, arguments: dict[str, Any], limit: int | None) -> Iterator[str]:
    """The call on a line, with what is short; what has lines of its own comes below it."""
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in arguments.items()}
    short = [f"{name}={text}" for name, text in texts.items() if "\n" not in text]
    yield _abridged(" ".join([f"  → {tool}", *short]), limit)
    for name, text in texts.items():
        if "\n" in text:
            yield f"    {name}:\n{_indented(text, '    │ ', limit)}"


def _told(result: "CallResult | None", limit: int | None) -> str:
    if result is None:
        return "    (no result: it runs, or a process died in it)"
    mark = "" if result.verdict == "done" else f"[{result.verdict}] "
    return _indented(mark + result.text, "    ", limit)


def _arguments(part: dict[str, Any]) -> dict[str, Any]:
    """What the model said to the tool, which may be anything."""
    said = part.get("args") or {}
    if isinstance(said, str):
        try:
            said = json.loads(said)
        except ValueError:
            return {"arguments": said}
    return said if isinstance(said, dict) else {"arguments": said}


def _abridged(text: str, limit: int | None) -> str:
    if limit is None or len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text) - limit} characters more)"


def _indented(text: str, margin: str, limit: int | None) -> str:
    return "\n".join(margin + line for line in _abridged(text.strip(), limit).splitlines())


def _spent(turn: "Turn") -> str:
    seconds = (turn.ended_at - turn.started_at) / 1e6
    cost = "price unknown" if turn.cost is None else f"${turn.cost:.4f}"
    return f"{turn.input_tokens} tokens in, {turn.output_tokens} out, {cost}, {seconds:.1f} s"


def _ending(session: "Session") -> str:
    outcome = session.outcome
    if outcome is None:
        return "running"
    if outcome.failure:
        return f"failed: {outcome.failure}"
    return str(outcome.request or outcome.verdict or "guidance given")


def _summary(session: "Session") -> dict[str, Any]:
    """A session without its prompt, which `show` has."""
    return {key: value for key, value in asdict(session).items() if key != "prompt"}
