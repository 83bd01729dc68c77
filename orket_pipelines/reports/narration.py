"""Events as sentences, for a delivery that is watched line by line, and for the page of a rock."""

from collections.abc import Callable
from typing import Any

from orket_pipelines.store import Event

Payload = dict[str, Any]
TOLD_FEEDBACK = frozenset({"conflict", "merged_tests_failed", "guidance", "rejected", "session_failed", "stuck"})
"""The other kinds of feedback have an event of their own."""
ON_SANDBOX = {"sandbox": "on the sandbox", "nightly": "on what had run for a while"}
WIDTH = 120
"""Characters of what somebody wrote that a line repeats."""


def tell(event: Event) -> str | None:
    """What happened, in one line; None where it is not worth one."""
    sentence = SENTENCES.get(event.kind)
    told = sentence(event.payload) if sentence else None
    return f"{event.subject}: {told}" if told else None


def _moved(payload: Payload) -> str:
    why = payload.get("wait_reason")
    waits = f", waits for {why}: {payload.get('note')}" if why else ""
    return f"{payload['from']} → {payload['to']}{waits}"


def _called(payload: Payload) -> str:
    return f"{payload['role']} is called: {payload['purpose'].replace('_', ' ')}"


def _tested(payload: Payload) -> str:
    counts = ", ".join(f"{count} {what}" for what, count in (payload.get("counts") or {}).items() if count)
    result = "passed" if payload["passed"] else "FAILED"
    occasion = ON_SANDBOX.get(payload.get("purpose") or "")
    what = f"suite {payload['suite']} {occasion} at" if occasion else "tests on"
    return f"{what} {payload['commit'][:8]} {result}" + (f" ({counts})" if counts else "")


def _deployed(payload: Payload) -> str:
    if payload["state"] == "running":
        return f"{payload['commit'][:8]} runs at {payload['url']}"
    return f"{payload['commit'][:8]} could not be deployed: {_shortened(payload['note'])}"


def _reviewed(payload: Payload) -> str:
    return f"{payload['reviewer']} {payload['verdict'].replace('_', ' ')}: {_shortened(payload['body'])}"


def _labelled(payload: Payload) -> str:
    return f"pull request #{payload['number']} labelled: {', '.join(payload['labels'])}"


def _feedback(payload: Payload) -> str | None:
    kind = payload["kind"]
    return f"{kind.replace('_', ' ')}: {_shortened(payload['body'])}" if kind in TOLD_FEEDBACK else None


def _shortened(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= WIDTH else f"{line[: WIDTH - 1]}…"


def _reported(payload: Payload) -> str:
    return f"a {payload['severity']} bug, found by {payload['by']}: {_shortened(payload['name'])}"


def _phase(payload: Payload) -> str:
    why = f": {_shortened(payload['reason'])}" if payload["reason"] else ""
    left = f"; what is open went to {payload['left_to']}" if payload.get("left_to") else ""
    return f"its bug-fix phase is {payload['state']}, of {payload['planned_days']:g} days{why}{left}"


SENTENCES: dict[str, Callable[[Payload], str | None]] = {
    "card.moved": _moved,
    "session.started": _called,
    "code.committed": lambda payload: f"committed {payload['commit'][:8]}: {payload['message'].splitlines()[0]}",
    "tests.finished": _tested,
    "card.deployed": _deployed,
    "feedback.given": _feedback,
    "pull_request.opened": lambda payload: f"pull request #{payload['number']} opened",
    "pull_request.reviewed": _reviewed,
    "pull_request.approval_kept": lambda payload: (
        f"{payload['reviewer']} has approved it: {_shortened(payload['body'])}"
    ),
    "pull_request.merged": lambda payload: f"pull request #{payload['number']} merged as {payload['merge_commit'][:8]}",
    "pull_request.labeled": _labelled,
    "pull_request.closed": lambda payload: f"pull request #{payload['number']} closed without a merge",
    "approval.requested": lambda payload: f"{payload['role']} asks a person: may {payload['tool']} be called?",
    "approval.decided": lambda payload: (
        f"{payload['by']} {'granted' if payload['granted'] else 'refused'} a call of {payload['tool']}"
    ),
    "bug.reported": _reported,
    "bug_phase.started": _phase,
    "bug_phase.extended": _phase,
    "bug_phase.ended": _phase,
    "policy.violated": lambda payload: f"refused: {_shortened(payload['reason'])}",
}
