"""What the author of a change gets back of a failed run: cut to what a model can use; pure.

Everything in it was written by what was tried: hostile data, which the brief fences.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence

from orket_pipelines.verification.model import BAD, Case, SuiteReport

CASES = 5
"""Failing cases that are told with their message; the rest by name."""
NAMES = 20
CASE_LIMIT = 1_200
"""Characters of one case's message."""
RUNNER_LIMIT = 2_000
"""Characters of the runner's own output, where no case says what went wrong."""
SERVICE_LIMIT = 1_500
"""Characters of what one service said."""
SERVICES = 3
AROUND = 6
"""Lines before and after a line of trouble."""
TAIL = 12
"""Lines from the end of a log without trouble."""
ROOM = 7_500
"""Characters of all that is told at once: a brief has room for 8,000 of one piece of feedback."""
_trouble = re.compile(r"(error|exception|traceback|panic|fatal|critical|unhandled)\b|\b5\d\d\b", re.IGNORECASE)
_varying = re.compile(r"0x[0-9a-fA-F]+|\b[0-9a-f]{12,}\b|\d+")
_verdict_line = re.compile(r"(FAILED|ERROR|E  |not ok|--- FAIL|×|✖|●)")  # noqa: RUF001 - as runners print it


def findings(
    name: str,
    commit: str,
    report: SuiteReport,
    *,
    run_id: str = "",
    services: Mapping[str, str] | None = None,
) -> str:
    """The failing tests, their messages, the pictures by name, and what the sandbox's `services` said around it."""
    parts = [_headline(name, commit, report), *_cases(report)]
    if not any(case.message.strip() for case in failing(report)):
        parts.append(f"The runner said last:\n{ending(report.log, RUNNER_LIMIT)}")
    pictures = [artifact.name for artifact in report.artifacts if artifact.media_type == "image/png"]
    if pictures and run_id:
        parts.append(f"Pictures ({', '.join(pictures[:NAMES])}): orket tests open {run_id}")
    for service, log in list((services or {}).items())[:SERVICES]:
        if said := around_trouble(log):
            parts.append(f"Service {service} of the sandbox said:\n{said}")
    return "\n\n".join(parts)


def shared_out(told: Sequence[str], room: int = ROOM) -> tuple[str, ...]:
    """Each cut so that all together fit in `room`; the beginning is kept, where the failing cases stand."""
    share = room // max(1, len(told))
    return tuple(text if len(text) <= share else f"{text[: share - 4]}\n[…]" for text in told)


def failing(report: SuiteReport) -> list[Case]:
    """The cases that did not pass."""
    return [case for case in report.cases if case.outcome in BAD]


def digest_of(name: str, report: SuiteReport) -> str:
    """The same for the same failure: which cases failed, and the first line of why, without numbers that vary."""
    bad = failing(report)
    told = [f"{case.name}: {_first_line(case.message)}" for case in bad] or _verdict_lines(report.log)
    return digest_of_texts([name, *sorted(told)])


def digest_of_texts(texts: Iterable[str]) -> str:
    """The same for texts that differ in numbers and addresses alone."""
    return hashlib.sha256("\0".join(_varying.sub("#", text) for text in texts).encode()).hexdigest()[:16]


def around_trouble(log: str) -> str:
    """The last lines of trouble in a log with those around them; without trouble its end."""
    lines = log.splitlines()
    marked = [number for number, line in enumerate(lines) if _trouble.search(line)]
    if not marked:
        return ending("\n".join(lines[-TAIL:]), SERVICE_LIMIT)
    first = max(0, marked[-1] - 2 * AROUND)
    return ending("\n".join(lines[first : marked[-1] + AROUND + 1]), SERVICE_LIMIT)


def ending(text: str, limit: int) -> str:
    """The end of a text, which says where it was cut."""
    text = text.strip("\n")
    return text if len(text) <= limit else f"[…]\n{text[-limit:]}"


def _headline(name: str, commit: str, report: SuiteReport) -> str:
    bad, tried = len(failing(report)), len(report.cases)
    told = f": {bad} of {tried} cases did not pass" if bad else ""
    return f"Suite {name} failed on commit {commit[:12]}{told}."


def _cases(report: SuiteReport) -> Iterator[str]:
    bad = failing(report)
    for case in bad[:CASES]:
        yield f"{case.name}: {case.outcome} after {case.seconds:.1f} s\n{_cut(case.message)}".rstrip()
    if more := bad[CASES:]:
        names = ", ".join(case.name for case in more[:NAMES])
        yield f"and {len(more)} more: {names}{', …' if len(more) > NAMES else ''}"


def _cut(message: str) -> str:
    """Beginning and end: the assertion stands at one of them, by the runner."""
    if len(message) <= CASE_LIMIT:
        return message
    half = CASE_LIMIT // 2
    return f"{message[:half]}\n[…]\n{message[-half:]}"


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _verdict_lines(log: str) -> Sequence[str]:
    """The lines in which runners name what failed; the last ones where none does."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    return [line for line in lines if _verdict_line.match(line)] or lines[-TAIL:]
