"""The worker: claims an issue and takes one step after another until it is done or waits."""

import threading
from dataclasses import replace

from orket_pipelines.agents.ledger import demand_time
from orket_pipelines.cards.model import TERMINAL, WAITING, Card, CardState, WaitReason
from orket_pipelines.cards.records import get_card
from orket_pipelines.delivery.factory import Factory, project_of
from orket_pipelines.delivery.facts import Look, look
from orket_pipelines.delivery.model import Delivery, Facts, Limits, Rest, Result
from orket_pipelines.delivery.next_step import next_step
from orket_pipelines.delivery.steps import take_step
from orket_pipelines.delivery.work import Work, move, wait
from orket_pipelines.errors import (
    ApprovalNeeded,
    BudgetSpent,
    ContainerError,
    EffectInDoubt,
    EngineUnavailable,
    ForgeError,
    GitError,
    InstallFailed,
    InstallInterrupted,
    LeaseLost,
    ModelError,
    OrketError,
    SandboxError,
    Stopped,
    TransitionRefused,
    WorkbenchError,
)
from orket_pipelines.policy import refusals_on_record
from orket_pipelines.review import rules_of
from orket_pipelines.settings import Settings
from orket_pipelines.store import Lease, Store, failpoint, reach

STEP_DONE = failpoint("worker.step_done")
BEFORE_RELEASE = failpoint("worker.before_release")
OVERTAKEN = 3
"""How often in a row a card may be moved by somebody else under a worker before it gives up."""
ENGINE_POLL = 1.0
"""Seconds between two tries while the container engine does not answer; settings.engine_patience ends them."""
WAITED_FOR = (
    ModelError,
    ForgeError,
    GitError,
    WorkbenchError,
    ContainerError,
    InstallFailed,
    InstallInterrupted,
    SandboxError,
    EffectInDoubt,
)
"""What the world around the factory has to mend: the card waits for it."""


def deliver_claimed(factory: Factory, card_id: str, lease: Lease, *, stop: threading.Event) -> Delivery:
    """Work on an issue under a lease that the caller took, and give the lease back."""
    store = factory.store.acting(fence=lease)
    try:
        return report(_work(factory, store, card_id, stop))
    except Stopped as stopped:
        return Delivery(_card(factory.store, card_id), Result.STOPPED, str(stopped))
    except LeaseLost as lost:
        return Delivery(_card(factory.store, card_id), Result.STOPPED, str(lost))
    finally:
        reach(BEFORE_RELEASE)
        factory.leases.release(lease)


def report(card: Card, reason: str = "") -> Delivery:
    """What became of an issue, as its card says; `reason` where it was not even taken up."""
    if card.state is CardState.DONE:
        return Delivery(card, Result.DONE)
    if card.state in TERMINAL:
        return Delivery(card, Result.CANCELED, card.note)
    waits = f"{card.wait_reason}: {card.note}" if card.wait_reason else reason or f"it is {card.state}"
    return Delivery(card, Result.WAITING, waits)


def _work(factory: Factory, store: Store, card_id: str, stop: threading.Event) -> Card:
    """Step by step until there is nothing more to do; returns the card as it then stands."""
    limits = limits_of(factory.settings)
    overtaken, before = 0, None
    lost_at: float | None = None
    work = _take_up(factory, store, card_id, stop)
    seen: Look | None = None
    while not stop.is_set():
        seen = _look(work, seen)
        work = replace(work, facts=seen.facts)
        step = next_step(work.facts, limits)
        if isinstance(step, Rest):
            return work.card
        if work.facts == before and overtaken == 0:
            wait(work, WaitReason.SYSTEM, f"{step} changed nothing: this is a fault of orket, please report it")
            continue
        before = work.facts
        try:
            demand_time(store, card_id, since=work.since, limit=factory.settings.issue_timeout)
            with refusals_on_record(work.store, doing=type(step).__name__, card_id=card_id):
                take_step(work, step)
            overtaken, lost_at = 0, None
        except TransitionRefused:
            overtaken += 1
            if overtaken >= OVERTAKEN:
                raise
        except EngineUnavailable as error:
            before, lost_at = None, lost_at or store.clock.monotonic()
            _wait_for_engine(work, error, since=lost_at)
        except ApprovalNeeded as error:
            wait(_look_again(work), WaitReason.INPUT, _explain(error))
        except BudgetSpent as error:
            wait(_look_again(work), WaitReason.RESOURCE, _explain(error))
        except WAITED_FOR as error:
            wait(_look_again(work), WaitReason.SYSTEM, _explain(error))
        reach(STEP_DONE)
    raise Stopped("a stop was asked for; everything so far is stored")


def _wait_for_engine(work: Work, error: EngineUnavailable, *, since: float) -> None:
    """A moment before the step is tried again; the card waits where that has gone on for too long."""
    if work.store.clock.monotonic() - since >= work.factory.settings.engine_patience:
        wait(_look_again(work), WaitReason.SYSTEM, _explain(error))
    else:
        work.store.clock.sleep(ENGINE_POLL)


def _look(work: Work, last: Look | None = None) -> Look:
    """At a glance: whatever is asked about in turn changes under the issue's lease alone."""
    with work.store.glance() as tx:
        return look(tx, work.card, last)


def _look_again(work: Work) -> Work:
    return replace(work, facts=_look(work).facts)


def _take_up(factory: Factory, store: Store, card_id: str, stop: threading.Event) -> Work:
    """A card that waits was claimed because its wait is over."""
    with store.glance() as tx:
        facts = Facts(get_card(tx, card_id))
        project = project_of(tx, facts.card)
    work = Work(factory, store, facts, project, stop, since=store.clock.monotonic())
    if work.card.state in WAITING:
        move(work, CardState.IN_PROGRESS)
    return work


def _card(store: Store, card_id: str) -> Card:
    with store.glance() as tx:
        return get_card(tx, card_id)


def limits_of(settings: Settings) -> Limits:
    """What `next_step` heeds, as the settings say."""
    return Limits(rules_of(settings), settings.rework_limit, settings.session_failures, settings.same_failure_limit)


def _explain(error: OrketError) -> str:
    return f"{error}. {error.next_step}" if error.next_step else str(error)
