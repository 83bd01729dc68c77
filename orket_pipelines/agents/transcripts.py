"""A session as people read it: who said what, what was called, and what came of it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from orket_pipelines.agents.records import Call, CallResult, Session, Turn

SHORT = 80
"""Characters of an argument that stands in the line of its call."""
PAGE = Path(__file__).parent / "templates" / "transcript.html"


@dataclass(frozen=True, slots=True)
class Said:
    """Words: of the model, thought or spoken, or of the factory to the model."""

    by: str
    text: str


@dataclass(frozen=True, slots=True)
class Called:
    """A tool call; `result` is None while it runs, or where a process died in it."""

    tool: str
    arguments: Mapping[str, str]
    result: CallResult | None


@dataclass(frozen=True, slots=True)
class Step:
    """One turn: what it cost, and its parts in order."""

    turn: Turn
    parts: tuple[Said | Called, ...]


@dataclass(frozen=True, slots=True)
class Transcript:
    """A session with what it was told first, and its turns; `calls` are its calls as they are stored."""

    session: Session
    prompt: tuple[Said, ...]
    steps: tuple[Step, ...]
    calls: tuple[Call, ...]


def transcribe(session: Session, turns: Sequence[Turn], calls: Sequence[Call]) -> Transcript:
    """The transcript of what is stored."""
    prompt = tuple(_words(part, "factory") for message in session.prompt for part in message.get("parts", ()))
    steps = tuple(Step(turn, tuple(_parts(turn, calls))) for turn in turns)
    return Transcript(session, prompt, steps, tuple(calls))


def describe_cost(turn: Turn) -> str:
    """Tokens, price and time of one turn."""
    cost = "price unknown" if turn.cost is None else f"${turn.cost:.4f}"
    seconds = (turn.ended_at - turn.started_at) / 1e6
    return f"{turn.input_tokens} tokens in, {turn.output_tokens} out, {cost}, {seconds:.1f} s"


def describe_end(session: Session) -> str:
    """How a session ended, in a word or a line."""
    outcome = session.outcome
    if outcome is None:
        return "running"
    if outcome.failure:
        return f"failed: {outcome.failure}"
    return str(outcome.request or outcome.verdict or "guidance given")


def write_page(transcript: Transcript) -> str:
    """The transcript as one HTML file that needs nothing else; whatever a model wrote is text in it."""
    session = transcript.session
    about = f"{session.role} on {session.card_id}: {session.purpose}, visit {session.visit}"
    return Template(PAGE.read_text()).substitute(
        title=escape(about),
        model=escape(session.model),
        ending=escape(describe_end(session)),
        prompt="\n".join(_said(each) for each in transcript.prompt),
        steps="\n".join(_step(step) for step in transcript.steps),
    )


def _parts(turn: Turn, calls: Sequence[Call]) -> Iterator[Said | Called]:
    results = {call.call_id: call.result for call in calls if call.turn == turn.number}
    for message in turn.messages:
        by = "factory" if message.get("kind") == "request" else "model"
        for part in message.get("parts", ()):
            if part.get("part_kind") == "tool-call":
                yield Called(part["tool_name"], _arguments(part), results.get(part.get("tool_call_id")))
            elif part.get("content"):
                yield _words(part, by)


def _words(part: Mapping[str, Any], by: str) -> Said:
    thought = part.get("part_kind") == "thinking"
    return Said("model, thinking" if thought else by, str(part.get("content", "")))


def _arguments(part: Mapping[str, Any]) -> dict[str, str]:
    """What the model said to the tool, which may be anything."""
    said = part.get("args") or {}
    if isinstance(said, str):
        try:
            said = json.loads(said)
        except ValueError:
            return {"arguments": said}
    given = said if isinstance(said, dict) else {"arguments": said}
    return {name: value if isinstance(value, str) else json.dumps(value) for name, value in given.items()}


def _step(step: Step) -> str:
    parts = "\n".join(_said(part) if isinstance(part, Said) else _called(part) for part in step.parts)
    head = f"turn {step.turn.number} <small>{escape(describe_cost(step.turn))}</small>"
    return f'<section id="turn-{step.turn.number}"><h2>{head}</h2>\n{parts}\n</section>'


def _said(said: Said) -> str:
    kind = said.by.replace(", ", "-")
    return f'<div class="{escape(kind)}"><b>{escape(said.by)}</b><pre>{escape(said.text.strip())}</pre></div>'


def _called(called: Called) -> str:
    verdict = called.result.verdict if called.result else "open"
    short = " ".join(
        f"{name}={text}" for name, text in called.arguments.items() if "\n" not in text and len(text) < SHORT
    )
    given = "".join(f"<b>{escape(name)}</b><pre>{escape(text)}</pre>" for name, text in called.arguments.items())
    result = called.result.text if called.result else "no result: it runs, or a process died in it"
    line = f"<code>{escape(called.tool)}</code> {escape(short)} <i>{verdict}</i>"
    told = f"{given}<b>result</b><pre>{escape(result)}</pre>"
    return f'<details class="{verdict}"><summary>{line}</summary>{told}</details>'
