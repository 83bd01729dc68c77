"""What `rocks deliver`, `issues deliver` and `demo` share: show a delivery while it goes, stop it well, sum it up."""

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import typer

from orket_pipelines.cards.model import TERMINAL, WaitReason
from orket_pipelines.cli.progress import Refresh, line_by_line, live_table, silent
from orket_pipelines.cli.records import Totals, addresses_of, repositories_of, totals_of
from orket_pipelines.cli.terminal import FAILED, INTERRUPTED, Terminal, complain, typed
from orket_pipelines.delivery import RETRIED, Delivery, Factory, Result, open_factory
from orket_pipelines.delivery.claims import Obstacle
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store

BEAT = 0.2
"""Seconds between two looks at the store."""


@dataclass(frozen=True, slots=True)
class Left:
    """What a delivery leaves to be looked at: repositories, and the address of each rock's application."""

    repositories: Sequence[Path]
    applications: Mapping[str, str]


Deliver = Callable[[Factory, threading.Event], list[Delivery]]


@dataclass(slots=True)
class Line:
    """A delivery in a thread of its own, so that the terminal stays free to show it."""

    factory: Factory
    deliver: Deliver
    stop: threading.Event = field(default_factory=threading.Event)
    deliveries: list[Delivery] = field(default_factory=list)
    error: BaseException | None = None

    def run(self, refresh: Refresh) -> None:
        """Until all is delivered or has stopped. Raises: what the delivery raised."""
        thread = threading.Thread(target=self._work, name="delivery", daemon=True)
        thread.start()
        while thread.is_alive():
            refresh()
            thread.join(BEAT)
        if self.error is not None:
            raise self.error

    def _work(self) -> None:
        try:
            self.deliveries = self.deliver(self.factory, self.stop)
        except BaseException as error:  # noqa: BLE001 - raised again by run(), in the thread that can explain it
            self.error = error


def deliver_watched(
    terminal: Terminal, settings: Settings, issues: Sequence[str], deliver: Deliver, *, again: str, after: Sequence[str]
) -> None:
    """Deliver with progress and a summary; `after` are the commands to type next, `again` is the one that does this.

    Raises: typer.Exit with 1 where an issue is left, 130 where the delivery was interrupted.
    """
    began = time.monotonic()
    with open_factory(settings) as factory:
        terminal.say(factory.isolation)
        terminal.say(model_in_use(settings))
        line = Line(factory, deliver)
        with stoppable(terminal, line.stop), _shown(terminal, factory.store, issues) as refresh:
            line.run(refresh)
        with factory.store.read() as tx:
            totals, names, addresses = totals_of(tx, issues), repositories_of(tx, issues), addresses_of(tx, issues)
    folder = settings.home.resolve() / "repositories" / settings.workspace
    made = Left([folder / f"{name}.git" for name in names], addresses)
    _sum_up(terminal, line.deliveries, totals, time.monotonic() - began, made)
    left = [delivery for delivery in line.deliveries if delivery.card.state not in TERMINAL]
    if line.stop.is_set():
        terminal.say(f"\nstopped with {len(left)} issues to go; the same command carries on")
        raise typer.Exit(INTERRUPTED)
    if left:
        for delivery in left:
            terminal.say(f"{delivery.card.id} {_standing(delivery)}")
        terminal.say()
        complain(
            f"{len(left)} of {len(line.deliveries)} issues are not done", _remedy(left, again), machine=terminal.machine
        )
        raise typer.Exit(FAILED)
    terminal.say("\nnext:\n" + "\n".join(f"  {typed(each)}" for each in after))


def model_in_use(settings: Settings) -> str:
    """Which model answers, and where."""
    if not settings.is_scripted:
        from orket_pipelines.agents.models.catalog import model_names, told_server

        told = [f"{name} at {told_server(settings, name)}" for name in model_names(settings)]
        return "\n".join(f"model: {each}" for each in told)
    return f"scripted model: it plays {settings.playbooks or 'examples/'}, no language model is used"


def _shown(terminal: Terminal, store: Store, issues: Sequence[str]) -> AbstractContextManager[Refresh]:
    if terminal.machine:
        return silent()
    return live_table(store, issues) if sys.stdout.isatty() else line_by_line(store, issues)


@contextmanager
def stoppable(terminal: Terminal, stop: threading.Event) -> Iterator[None]:
    """Asked once, the delivery stops at its next checkpoint; asked again, the process ends at once."""

    def ask(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            # Not sys.exit: nothing may wait here, and all that was done is stored.
            os._exit(INTERRUPTED)
        stop.set()
        terminal.say("\nstopping at the next checkpoint; once more to leave at once")

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _sum_up(terminal: Terminal, deliveries: Sequence[Delivery], totals: Totals, seconds: float, left: Left) -> None:
    terminal.data(_report(deliveries, totals, seconds, left))
    done = sum(delivery.result is Result.DONE for delivery in deliveries)
    cost = f"${totals.cost:.2f}" + (f" and {totals.unpriced} turns of unknown price" if totals.unpriced else "")
    facts = {
        "issues": f"{done} of {len(deliveries)} done",
        "pull requests": f"{totals.pull_requests} opened, {totals.merged} merged",
        "test runs": f"{totals.test_runs}, {totals.failed_test_runs} of them failed and went back to their author",
        "tool calls denied": totals.denied,
        "model": f"{totals.turns} turns in {totals.sessions} sessions, cost {cost}",
        "elapsed": f"{seconds:.0f} s",
    }
    terminal.say("\n".join(["", *(f"{name + ':':<19}{value}" for name, value in facts.items())]))
    for repository in left.repositories:
        terminal.say(f"\nthe code: {repository}\n  git clone {repository}")
    for rock, address in left.applications.items():
        terminal.say(f"\nthe application: {address}\n  {typed(f'orket sandboxes show {rock}')}")


def _standing(delivery: Delivery) -> str:
    """Why an issue is not done, to be read after its name."""
    card = delivery.card
    if card.wait_reason is not None:
        return f"waits for {card.wait_reason}: {card.note}"
    return delivery.reason.removeprefix("it ")


def _remedy(left: Sequence[Delivery], again: str) -> str:
    """The next thing to type, by the most urgent of what keeps issues from being done."""
    waiting = [delivery.card for delivery in left if delivery.card.wait_reason is not None]
    asked = [card for card in waiting if card.wait_reason not in RETRIED]
    if asked and asked[0].wait_reason is WaitReason.REVIEW:
        return f"Review it: orket issues review {asked[0].id} --approve (or --request-changes --body TEXT)"
    if asked:
        return f'Answer what is asked: orket issues deliver {asked[0].id} --answer "TEXT"'
    if all(delivery.reason.startswith(Obstacle.CANCELED) for delivery in left):
        return "Take what is canceled out of depends_on and import the file again, or cancel these too: orket status"
    if not waiting and left[0].card.rock_id is not None:
        return f"Deliver what is waited for, too: orket rocks deliver {left[0].card.rock_id}"
    return f"Mend what stands above, then run the same command again: {again}"


def _report(deliveries: Sequence[Delivery], totals: Totals, seconds: float, left: Left) -> dict[str, Any]:
    issues = [{"id": each.card.id, "result": each.result, "reason": each.reason} for each in deliveries]
    return {"issues": issues, **asdict(totals), "seconds": round(seconds, 3), **asdict(left)}
