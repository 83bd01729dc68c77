"""`orket sessions`: what agents said and did."""

import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from orket_pipelines.cli.rocks import AFTER
from orket_pipelines.cli.terminal import Terminal, command, typed, when
from orket_pipelines.errors import OrketError

if TYPE_CHECKING:
    import threading
    from collections.abc import Sequence

    from orket_pipelines.agents.records import Session
    from orket_pipelines.agents.transcripts import Step, Transcript
    from orket_pipelines.cli.delivering import Deliver
    from orket_pipelines.delivery import Delivery, Factory
    from orket_pipelines.store import Store

group = typer.Typer()
Chosen = Annotated[str, typer.Argument(metavar="SESSION", help="The session's id.")]
Full = Annotated[bool, typer.Option("--full", envvar="ORKET_FULL", help="Results in full length.")]
LOOK = 0.5
"""Seconds between two looks at a session that is followed."""


@command(group, "list")
def list_all(
    terminal: Terminal,
    card: Annotated[str | None, typer.Option(envvar="ORKET_CARD", help="Only the sessions on this card.")] = None,
) -> None:
    """Every session: who worked on what, and how it ended."""
    from orket_pipelines.agents.records import list_sessions, turns_of
    from orket_pipelines.agents.transcripts import describe_end
    from orket_pipelines.cards.records import get_card

    with terminal.store() as store, store.read() as tx:
        sessions = list_sessions(tx, card_id=card)
        if card is not None and not sessions:
            get_card(tx, card)
        turns = {session.id: len(turns_of(tx, session.id)) for session in sessions}
    terminal.data([_summary(session) | {"turns": turns[session.id]} for session in sessions])
    rows = [
        (each.id, when(each.started_at), each.card_id, each.role, each.purpose, turns[each.id], describe_end(each))
        for each in sessions
    ]
    columns = ("id", "started", "card", "role", "purpose", "turns", "outcome")
    terminal.table(columns, rows, empty="No agent has worked yet. Let them: orket rocks deliver ROCK")


@command(group, "show")
def show(
    terminal: Terminal,
    session: Chosen,
    full: Full = False,
    page: Annotated[
        Path | None, typer.Option("--html", envvar="ORKET_HTML", help="Write it to this file, to be read in a browser.")
    ] = None,
) -> None:
    """A transcript: what the model said, what it called, and what it was told."""
    from orket_pipelines.agents.transcripts import write_page

    with terminal.store() as store:
        found = _read(store, session)
    if page is not None:
        page.write_text(write_page(found))
        terminal.data({"written": str(page)})
        terminal.say(f"The transcript is in {page}")
        return
    terminal.data(_for_machines(found))
    _tell_head(terminal, found.session)
    _tell(terminal, found.steps, full=full)
    _tell_end(terminal, found.session)


@command(group, "follow")
def follow(terminal: Terminal, session: Chosen, full: Full = False) -> None:
    """A transcript that goes on while the session does; Ctrl-C leaves it, and the session goes on."""
    told = 0
    with terminal.store() as store:
        found = _read(store, session)
        _tell_head(terminal, found.session)
        while True:
            # The last turn of a session that goes on may still have calls to come.
            whole = found.steps if found.session.ended_at else found.steps[:-1]
            for step in whole[told:]:
                if terminal.machine:
                    typer.echo(json.dumps(asdict(step), default=str))
            _tell(terminal, whole[told:], full=full)
            told = len(whole)
            if found.session.ended_at:
                break
            time.sleep(LOOK)
            found = _read(store, session)
    _tell_end(terminal, found.session)


@command(group, "resume")
def resume(
    terminal: Terminal,
    session: Chosen,
    issue: Annotated[
        str | None,
        typer.Option("--from", envvar="ORKET_FROM", help="Begin with this issue, then deliver the rest of its rock."),
    ] = None,
) -> None:
    """Carry a session on where it stands, and its issue to its end. Stopped in any way, the same command carries on."""
    from orket_pipelines.agents.records import get_session
    from orket_pipelines.agents.transcripts import describe_end
    from orket_pipelines.cards.records import get_card
    from orket_pipelines.cli.delivering import deliver_watched

    with terminal.store() as store, store.read() as tx:
        found = get_session(tx, session)
        card, first = get_card(tx, found.card_id), get_card(tx, issue or found.card_id)
    if found.outcome is not None and issue is None:
        raise OrketError(
            f"session {session} has ended: {describe_end(found)}", next_step=f"Go on: orket issues deliver {card.id}"
        )
    if first.rock_id != card.rock_id or (issue is not None and card.rock_id is None):
        raise OrketError(
            f"{first.id} is not of the rock that the session worked for",
            next_step=f"Go on: orket issues deliver {first.id}",
        )
    again = f"orket sessions resume {session}" + (f" --from {issue}" if issue else "")
    rock_id = card.rock_id if issue is not None else None
    deliver_watched(
        terminal, terminal.settings(), [first.id], _carrying_on(terminal, first.id, rock_id), again=again, after=AFTER
    )


@command(group, "switch-model")
def switch(
    terminal: Terminal,
    session: Chosen,
    model: Annotated[str, typer.Argument(metavar="MODEL", help="As in: orket models list.")],
) -> None:
    """Have a session that is not over go on with another model, from its next turn: one that runs, one that waits."""
    from orket_pipelines.agents.models.catalog import demand_model
    from orket_pipelines.agents.records import get_session, switch_model

    demand_model(terminal.settings(), model)
    with terminal.store() as store, store.write() as tx:
        switch_model(tx, get_session(tx, session), model)
    terminal.data({"session": session, "model": model})
    terminal.say(f"Session {session} goes on with {model} from its next turn.")
    terminal.say(f"If nobody works on it: {typed(f'orket sessions resume {session}')}")


def _carrying_on(terminal: Terminal, card_id: str, rock_id: str | None) -> "Deliver":
    """One issue to its end, and then what is left of its rock."""
    from orket_pipelines.cards.model import WaitReason
    from orket_pipelines.delivery import deliver_issue, deliver_rock

    def deliver(factory: "Factory", stop: "threading.Event") -> "list[Delivery]":
        delivered = deliver_issue(factory, card_id, stop=stop, on_waiting=terminal.say, resume=WaitReason)
        return [delivered] if rock_id is None or stop.is_set() else deliver_rock(factory, rock_id, stop=stop)

    return deliver


def _read(store: "Store", session_id: str) -> "Transcript":
    from orket_pipelines.agents.records import calls_of, get_session, turns_of
    from orket_pipelines.agents.transcripts import transcribe

    with store.read() as tx:
        return transcribe(get_session(tx, session_id), turns_of(tx, session_id), calls_of(tx, session_id))


def _tell_head(terminal: Terminal, session: "Session") -> None:
    called = f"{session.role} on {session.card_id}, called for {session.purpose} (visit {session.visit})"
    terminal.say(f"{called}, model {session.model}")


def _tell(terminal: Terminal, steps: "Sequence[Step]", *, full: bool) -> None:
    from orket_pipelines.cli.transcripts import ABRIDGED, tell

    for step in steps:
        terminal.say(tell(step, None if full else ABRIDGED))


def _tell_end(terminal: Terminal, session: "Session") -> None:
    from orket_pipelines.agents.transcripts import describe_end

    if session.ended_at:
        terminal.say(f"\nended: {describe_end(session)}")
    else:
        terminal.say(f"\nnot ended: it runs, or waits to be carried on: orket sessions resume {session.id}")


def _for_machines(found: "Transcript") -> dict[str, Any]:
    return asdict(found.session) | {
        "turns": [asdict(step.turn) for step in found.steps],
        "calls": [asdict(call) for call in found.calls],
    }


def _summary(session: "Session") -> dict[str, Any]:
    """A session without its prompt, which `show` has."""
    return {key: value for key, value in asdict(session).items() if key != "prompt"}
