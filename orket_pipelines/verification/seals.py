"""Whether a run's report is the one that its pytest wrote, at an end of its own: see `e2e/orket_seal.py`. Pure."""

import hmac
import re

from orket_pipelines.verification.e2e.orket_seal import PREFIX, seal_line

_seal = re.compile(rf"{PREFIX} -?\d+ [0-9a-f]+\s*$")


def without_seals(log: str) -> tuple[str, list[str]]:
    """A log as people read it, and the seals that stood in it."""
    lines = log.splitlines(keepends=True)
    seals = [line.strip() for line in lines if _seal.match(line)]
    if not seals:
        return log, []
    kept = "".join(line for line in lines if not _seal.match(line))
    # The empty line before it goes with it.
    return kept.removesuffix("\n") if kept.endswith("\n\n") else kept, seals


def doubt_about(seals: list[str], key: str, exit_code: int | None, report: bytes) -> str:
    """Why a report cannot be believed; empty where its seal fits it and the exit code of the process."""
    if len(seals) != 1:
        ended = "said more than once how it ended" if seals else "never came to its own end"
        return f"pytest {ended} (the process ended with exit code {exit_code}), so that its report proves nothing"
    if exit_code is not None and hmac.compare_digest(seals[0], seal_line(key, exit_code, report)):
        return ""
    said = seals[0].split()[1]
    if said != str(exit_code):
        return f"pytest ended with exit code {said} and the process with {exit_code}: something else ended it"
    return "the JUnit report is not the one that pytest wrote: something rewrote it, so that it proves nothing"
