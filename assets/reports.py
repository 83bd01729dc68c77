"""What an event means in the asset graph: something made, something noticed, something judged. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dagster import AssetCheckSeverity, MetadataValue

from assets.history import History
from assets.links import link, trace
from orket_pipelines.store import Event

Values = Mapping[str, MetadataValue | str | int | float]


@dataclass(frozen=True, slots=True)
class Made:
    """A materialization of one partition. `version` names its content: equal versions, equal content."""

    asset: str
    partition: str | None
    version: str
    description: str
    metadata: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Noticed:
    """An observation: worth knowing, and nothing new was made."""

    asset: str
    partition: str
    description: str
    metadata: Values = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged:
    """A check of one partition. WARN means that a person is waited for, ERROR that something failed."""

    asset: str
    check: str
    partition: str
    passed: bool
    description: str
    severity: AssetCheckSeverity = AssetCheckSeverity.ERROR
    metadata: Values = field(default_factory=dict)


Report = Made | Noticed | Judged
ISSUE_KINDS = frozenset({"issue", "utility", "app"})


def reports_of(event: Event, history: History) -> list[Report]:
    """What to report of `event`, about an issue that now has this history; nothing for most kinds."""
    if history.kind not in ISSUE_KINDS:
        return []
    if event.kind in {"card.created", "card.changed"}:
        return [card_made(history)]
    if event.kind == "card.moved":
        return [card_made(history), *_moved(event, history)]
    if event.kind == "code.committed":
        return [code_made(history)]
    if event.kind == "tests.finished":
        return [tests_made(history), *_present(tests_passed(history))]
    if event.kind.startswith("pull_request."):
        merged = event.kind == "pull_request.merged" and history.rock_id is not None
        made: list[Report] = [pull_request_made(history), *_present(review_approved(history))]
        return [*made, mainline_made(history)] if merged else made
    return [_violation(event, history)] if event.kind == "policy.violated" else []


def standing(history: History) -> list[Report]:
    """Everything that stands of an issue now, for a person who asks for it again; nothing is done for it."""
    made: list[Report] = [card_made(history)]
    if history.commit is not None:
        made.append(code_made(history))
    if history.tests is not None:
        made += [tests_made(history), *_present(tests_passed(history))]
    if history.pull_request is not None:
        made += [pull_request_made(history), *_present(review_approved(history))]
    made.append(not_stuck(history))
    return [*made, delivery_made(history)] if history.state == "done" else made


def card_made(history: History) -> Made:
    """The card as it stands; its version is that of its text, so that code made from an older text shows."""
    waits = {"waits for": f"{history.wait_reason}: {history.note}"} if history.wait_reason else {}
    about: Values = {
        "state": history.state,
        **waits,
        "card file": history.source or "",
        "violations": history.violations,
    }
    version = history.content_hash or history.card_id
    return Made("cards", history.card_id, version, f"{history.name}: {history.state}", _about(history, about))


def code_made(history: History) -> Made:
    """What the author committed last."""
    about: Values = {"commit": history.commit or "", "message": history.message, "branch": history.branch}
    description = history.message.partition("\n")[0]
    return Made("generated_code", history.card_id, history.commit or "", description, _about(history, about))


def pull_request_made(history: History) -> Made:
    """The pull request as it stands."""
    last = history.reviews[-1] if history.reviews else "not reviewed yet"
    about: Values = {
        "pull request": history.pull_request or 0,
        "pull request state": history.pull_request_state,
        "reviews": ", ".join(history.reviews) or last,
        "last review": history.review,
        "merge commit": history.merge_commit or "",
    }
    version = f"{history.pull_request}:{history.pull_request_state}:{len(history.reviews)}:{last}:{history.commit}"
    description = f"#{history.pull_request} {history.pull_request_state}, {last}"
    return Made("pull_requests", history.card_id, version, description, _about(history, about))


def mainline_made(history: History) -> Made:
    """The rock's main line after an issue came in."""
    commit = history.merge_commit or ""
    about: Values = {
        "commit": commit,
        "issue": link("cards", history.card_id),
        "pull request": history.pull_request or 0,
    }
    metadata: Values = {**_traced(history), **about, "repository": history.repository}
    return Made("mainline", history.rock_id, commit, f"{history.name} came in as {commit[:12]}", metadata)


def tests_made(history: History) -> Made:
    """The report of the last test run."""
    tests = history.tests or {}
    counts = {name: number for name, number in (tests.get("counts") or {}).items() if number is not None}
    commit, purpose = tests.get("commit") or "", tests.get("purpose") or ""
    seconds = round(float(tests.get("seconds") or 0), 2)
    about: Values = {
        "suite": tests.get("suite") or "",
        "tested": _TESTED.get(purpose, purpose),
        "commit": commit,
        **counts,
        "seconds": seconds,
    }
    version = f"{commit}:{purpose}:{tests.get('passed')}"
    return Made("test_reports", history.card_id, version, _result(history), _about(history, about))


def delivery_made(history: History) -> Made:
    """The issue is done: merged, tested, approved."""
    about: Values = {
        "merge commit": history.merge_commit or "",
        "pull request": history.pull_request or 0,
        "reviews": ", ".join(history.reviews),
        "attempts": history.attempt,
        "violations": history.violations,
    }
    version = history.merge_commit or f"{history.card_id}:{history.attempt}"
    return Made("delivered", history.card_id, version, f"{history.name} is delivered", _about(history, about))


def tests_passed(history: History) -> Judged | None:
    """Whether the last test run passed; None before the first."""
    if history.tests is None:
        return None
    passed = bool(history.tests["passed"])
    return Judged("test_reports", "tests_passed", history.card_id, passed, _result(history), metadata=_traced(history))


def review_approved(history: History) -> Judged | None:
    """What the reviewer said last; None before a review."""
    if not history.reviews:
        return None
    verdict = history.reviews[-1]
    told = f"{history.reviewer}: {verdict}. {history.review}".strip()
    metadata = {**_traced(history), "reviews": ", ".join(history.reviews)}
    passed = verdict == "approved"
    return Judged("pull_requests", "review_approved", history.card_id, passed, told, metadata=metadata)


def not_stuck(history: History) -> Judged:
    """Blocked is red; waiting for a person is yellow."""
    told = f"{history.state}: {history.wait_reason}: {history.note}" if history.wait_reason else history.state
    stuck = history.state in {"blocked", "waiting_for_developer"}
    metadata = dict(_traced(history))
    if stuck:
        metadata["next step"] = f"Settle what it waits for, then: orket issues deliver {history.card_id}"
    return Judged("cards", "not_stuck", history.card_id, not stuck, told, severity_of(history.state), metadata)


def severity_of(state: str) -> AssetCheckSeverity:
    """Yellow where a person is waited for."""
    return AssetCheckSeverity.WARN if state == "waiting_for_developer" else AssetCheckSeverity.ERROR


_TESTED = {"head": "the branch", "merged": "the merged tree, before main moved"}


def _moved(event: Event, history: History) -> list[Report]:
    """A card that begins to wait, or stops waiting, is judged; one that is done is delivered."""
    stuck = {"blocked", "waiting_for_developer"}
    judged: list[Report] = [not_stuck(history)] if {event.payload["from"], event.payload["to"]} & stuck else []
    if history.state == "done":
        return [not_stuck(history), delivery_made(history)]
    return judged


def _violation(event: Event, history: History) -> Noticed:
    told = {name: str(event.payload.get(name) or "") for name in ("rule", "actor", "reason", "fix")}
    metadata = {**_traced(history), **told, "attempted": MetadataValue.json(event.payload.get("attempted") or {})}
    return Noticed("cards", history.card_id, f"Policy violation ({told['rule']}): {told['reason']}", metadata)


def _result(history: History) -> str:
    tests = history.tests or {}
    counts = ", ".join(f"{number} {name}" for name, number in (tests.get("counts") or {}).items() if number)
    said = "passed" if tests.get("passed") else "failed"
    return f"{_TESTED.get(tests.get('purpose') or '', 'tests')}: {said}{f' ({counts})' if counts else ''}"


def _about(history: History, about: Values) -> Values:
    """What is worth knowing first comes first; what is empty is left out."""
    spent: dict[str, MetadataValue | str | int | float] = {"attempt": history.attempt, "turns": history.turns}
    if history.cost is not None:
        spent["cost in USD"] = round(history.cost, 6)
    if history.models:
        spent["model"] = ", ".join(history.models)
    if history.rock_id:
        spent["rock"] = link("rocks", history.rock_id)
    return {**_traced(history), **{name: value for name, value in about.items() if value != ""}, **spent}


def _traced(history: History) -> Values:
    return {"trace": MetadataValue.md(trace(history))}


def _present(judged: Judged | None) -> list[Report]:
    return [judged] if judged else []
