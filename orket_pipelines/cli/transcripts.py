"""A transcript in the terminal: calls on a line each, longer texts indented below them."""

from collections.abc import Iterator

from orket_pipelines.agents.transcripts import Called, Said, Step, describe_cost

ABRIDGED = 400
"""Characters of a tool's arguments or result that a transcript repeats; --full and --json have all."""


def tell(step: Step, limit: int | None) -> str:
    """One turn."""
    return "\n".join(["", f"turn {step.turn.number}: {describe_cost(step.turn)}", *_parts(step, limit)])


def _parts(step: Step, limit: int | None) -> Iterator[str]:
    for part in step.parts:
        if isinstance(part, Said):
            yield _indented(part.text, "  " if part.by.startswith("model") else "  ✎ ", limit)
        else:
            yield from _called(part, limit)


def _called(called: Called, limit: int | None) -> Iterator[str]:
    """The call on a line, with what is short; what has lines of its own comes below it."""
    short = [f"{name}={text}" for name, text in called.arguments.items() if "\n" not in text]
    yield _abridged(" ".join([f"  → {called.tool}", *short]), limit)
    for name, text in called.arguments.items():
        if "\n" in text:
            yield f"    {name}:\n{_indented(text, '    │ ', limit)}"
    if called.result is None:
        yield "    (no result: it runs, or a process died in it)"
    else:
        mark = "" if called.result.verdict == "done" else f"[{called.result.verdict}] "
        yield _indented(mark + called.result.text, "    ", limit)


def _abridged(text: str, limit: int | None) -> str:
    if limit is None or len(text) <= limit:
        return text
    return f"{text[:limit]}… ({len(text) - limit} characters more)"


def _indented(text: str, margin: str, limit: int | None) -> str:
    return "\n".join(margin + line for line in _abridged(text.strip(), limit).splitlines())
