"""Why a sandbox does not do what it should, in plain words, with what to do: pure, from what was seen of it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orket_pipelines.sandboxes.complaints import complaint_in
from orket_pipelines.sandboxes.judging import STORM
from orket_pipelines.sandboxes.model import SandboxState, Sighting
from orket_pipelines.sandboxes.probing import is_answer

SHOULD_ANSWER = frozenset({SandboxState.RUNNING, SandboxState.UNHEALTHY})
FLOOD = 100_000
"""Characters a second that no reader wants: an engine burns a core to write what a loop prints."""
SHOWN = 8
"""Lines of a log that a finding repeats."""
NOT_STARTED = re.compile(r"ended with (?:code )?(?:126|127)\b")
"""As shells tell that there is no such program, or that it may not be run."""
MEND = "Mend it in the repository; its next merge is deployed."
ANEW = "The next merge into the rock's main line deploys it anew."


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong. `service` None: the sandbox as a whole. `lines` are the end of what it said."""

    service: str | None
    what: str
    advice: str
    lines: tuple[str, ...] = ()


def explain(state: SandboxState, note: str, sightings: Sequence[Sighting]) -> list[Finding]:
    """What is wrong with a sandbox; nothing where all is well."""
    found = [finding for each in sightings for finding in _of_service(each)]
    if state in SHOULD_ANSWER and not sightings:
        return [Finding(None, "nothing is known of its services", ANEW)]
    whole = _of_whole(state, note)
    return [whole, *found] if whole is not None else found


def _of_whole(state: SandboxState, note: str) -> Finding | None:
    """Where nothing of it should run, why that is so."""
    match state:
        case SandboxState.FAILED:
            first, *lines = note.splitlines() or ["it failed, and nothing says why"]
            what, advice = complaint_in(note) or ("", _advice_for(first))
            return Finding(None, f"{first}; {what}" if what else first, advice, tuple(lines[-SHOWN:]))
        case SandboxState.STOPPED:
            return Finding(None, "a person stopped it", ANEW)
        case SandboxState.DELETED:
            return Finding(None, "nothing is left of it: it was removed", ANEW)
        case _:
            return None


def _advice_for(note: str) -> str:
    if "localhost" in note:
        return "Listen on 0.0.0.0, or on what the variable HOST says."
    if "PORT" in note or "listens nowhere" in note:
        return "Listen on the port that the variable PORT names, or say in orket.yaml which one it is."
    return MEND


def _of_service(seen: Sighting) -> Iterator[Finding]:
    if seen.ended is not None:
        yield _ended(seen)
        return
    if seen.restarts - seen.restarts_before >= STORM or (seen.restarts >= STORM and not is_answer(seen.status)):
        yield _restarting(seen)
    elif not is_answer(seen.status):
        yield _silent(seen)
    if seen.rate is not None and seen.rate >= FLOOD:
        what = f"it floods its log: about {seen.rate / 1000:.0f} kB a second, of which only the last 10 MB are kept"
        yield Finding(seen.service, what, "Say less: look for a loop that prints, or a log level of debug.", _end(seen))


def _ended(seen: Sighting) -> Finding:
    what = seen.ended or ""
    if NOT_STARTED.search(what):
        command = " ".join(seen.start) or "none is known"
        what, advice = f"its start command cannot be run: {command}", "Say how it is started in orket.yaml: services."
        return Finding(seen.service, what, advice, _end(seen))
    if "want of memory" in what:
        return Finding(seen.service, what, "Use less, or grant more: ORKET_CONTAINER_MEMORY.", _end(seen))
    return _with_complaint(seen, what, MEND)


def _restarting(seen: Sighting) -> Finding:
    what = f"it ends and is started again, {seen.restarts} times so far: a restart storm"
    return _with_complaint(seen, what, f"See why it ends in what it said. {MEND}")


def _silent(seen: Sighting) -> Finding:
    port, listening = seen.port, seen.listening
    if seen.status is not None:
        return _with_complaint(seen, f"it answers its health check with status {seen.status}", MEND)
    if listening is None or port is None:
        return _with_complaint(seen, "it runs and does not answer", MEND)
    if listening.get(port) is False:
        what = f"it listens on localhost inside its container, port {port}, where nobody else reaches it"
        return Finding(seen.service, what, "Listen on 0.0.0.0, or on what the variable HOST says.", _end(seen))
    if port in listening:
        what = f"it listens on port {port} and does not answer: it hangs, or is too busy"
        return _with_complaint(seen, what, MEND)
    others = ", ".join(str(other) for other in sorted(listening))
    what = f"it listens on {others}, not on {port}" if others else "it runs and listens nowhere"
    advice = "Listen on the port that the variable PORT names, or say in orket.yaml which one it is."
    return _with_complaint(seen, what, advice)


def _with_complaint(seen: Sighting, what: str, advice: str) -> Finding:
    known = complaint_in(seen.said)
    if known is None:
        return Finding(seen.service, what, advice, _end(seen))
    return Finding(seen.service, f"{what}; {known[0]}", known[1], _end(seen))


def _end(seen: Sighting) -> tuple[str, ...]:
    return tuple(seen.said.strip().splitlines()[-SHOWN:])
