"""What the events of one issue add up to: the line that leads from its card to its delivery."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from orket_pipelines.store import Event


@dataclass(frozen=True, slots=True)
class Review:
    """What a reviewer said of `commit`. `kept`: it said so of an older commit with the same patch."""

    attempt: int
    reviewer: str
    verdict: str
    commit: str
    body: str
    kept: bool = False


@dataclass(frozen=True, slots=True)
class History:
    """One issue as its events tell it so far. What has not happened yet is None, empty or 0.

    `tests` is the last run of the project's tests: purpose (`head` or `merged`), commit, passed, counts, seconds.
    `suites` are the last runs on a sandbox, by suite; `sandbox` is the last deployment that they were run on.
    `reviews` are those of all attempts, in order, and `awaits` says whose is still needed; `cost` is in USD and None
    while no turn had a price.
    `violations` counts what was refused, `settled` those of them that came before the issue was done; `refused` tells
    of the last.
    """

    card_id: str
    kind: str = "issue"
    name: str = ""
    rock_id: str | None = None
    state: str = "ready"
    wait_reason: str | None = None
    note: str = ""
    seat: str | None = None
    source: str | None = None
    content_hash: str = ""
    depends_on: tuple[str, ...] = ()
    attempt: int = 1
    repository: str = ""
    branch: str = ""
    commit: str | None = None
    message: str = ""
    pull_request: int | None = None
    pull_request_state: str = ""
    reviews: tuple[Review, ...] = ()
    awaits: str | None = None
    merge_commit: str | None = None
    tests: dict[str, Any] | None = None
    suites: dict[str, dict[str, Any]] = field(default_factory=dict)
    sandbox: dict[str, Any] | None = None
    turns: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cost: float | None = None
    models: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    violations: int = 0
    settled: int = 0
    refused: str = ""


def follow(history: History, event: Event) -> History:
    """The history with one more event; a kind that tells nothing new leaves it as it is."""
    told = _TOLD.get(event.kind)
    return told(history, event.payload) if told else history


def _card(history: History, payload: dict[str, Any]) -> History:
    return replace(
        history,
        kind=payload["kind"],
        name=payload["name"],
        rock_id=payload.get("rock_id"),
        seat=payload.get("seat"),
        source=payload.get("source"),
        content_hash=payload.get("content_hash") or "",
        depends_on=tuple(payload.get("depends_on") or ()),
    )


def _moved(history: History, payload: dict[str, Any]) -> History:
    rock = payload.get("rock") or history.rock_id
    note = payload.get("note") or ""
    state = payload["to"]
    settled = history.violations if state == "done" else history.settled
    waits = payload.get("wait_reason")
    return replace(history, state=state, wait_reason=waits, note=note, rock_id=rock, settled=settled)


def _attempted(history: History, payload: dict[str, Any]) -> History:
    attempt, branch = payload["attempt"], payload["branch"]
    begun = replace(history, attempt=attempt, repository=payload["repository"], branch=branch)
    return replace(begun, pull_request=None, awaits=None, labels=())


def _turned(history: History, payload: dict[str, Any]) -> History:
    cost = payload.get("cost")
    models = history.models if payload["model"] in history.models else (*history.models, payload["model"])
    return replace(
        history,
        turns=history.turns + 1,
        input_tokens=history.input_tokens + (payload.get("input_tokens") or 0),
        output_tokens=history.output_tokens + (payload.get("output_tokens") or 0),
        cost=history.cost if cost is None else (history.cost or 0.0) + cost,
        models=models,
    )


def _committed(history: History, payload: dict[str, Any]) -> History:
    branch = payload.get("branch") or history.branch
    return replace(history, commit=payload["commit"], message=payload.get("message") or "", branch=branch)


def _opened(history: History, payload: dict[str, Any]) -> History:
    return replace(history, pull_request=payload["number"], pull_request_state="open", repository=payload["repository"])


def _reviewed(history: History, payload: dict[str, Any], *, kept: bool = False) -> History:
    commit, body = payload.get("commit") or "", payload.get("body") or ""
    review = Review(history.attempt, payload["reviewer"], str(payload["verdict"]), commit, body, kept)
    return replace(history, reviews=(*history.reviews, review), awaits=payload.get("awaits"))


def _merged(history: History, payload: dict[str, Any]) -> History:
    return replace(history, pull_request_state="merged", merge_commit=payload["merge_commit"])


def _tested(history: History, payload: dict[str, Any]) -> History:
    if payload.get("purpose") != "sandbox":
        return replace(history, tests=payload)
    return replace(history, suites={**history.suites, payload["suite"]: payload})


def _refused(history: History, payload: dict[str, Any]) -> History:
    told = f"{payload['rule']}, by {payload['actor']}: {payload['reason']}. {payload['fix']}"
    return replace(history, violations=history.violations + 1, refused=told)


_TOLD: dict[str, Callable[[History, dict[str, Any]], History]] = {
    "card.created": lambda history, payload: replace(_card(history, payload), state=payload.get("state") or "ready"),
    "card.changed": _card,
    "card.moved": _moved,
    "attempt.started": _attempted,
    "turn.completed": _turned,
    "code.committed": _committed,
    "tests.finished": _tested,
    "card.deployed": lambda history, payload: replace(history, sandbox=payload),
    "pull_request.opened": _opened,
    "pull_request.reviewed": _reviewed,
    "pull_request.approval_kept": partial(_reviewed, kept=True),
    "pull_request.merged": _merged,
    "pull_request.closed": lambda history, _: replace(history, pull_request_state="closed"),
    "pull_request.labeled": lambda history, payload: replace(history, labels=tuple(payload["labels"])),
    "policy.violated": _refused,
}
