"""One close look at every service of a sandbox: for `orket sandboxes diagnose`, which makes sense of it."""

from dataclasses import dataclass
from typing import Any

from orket_pipelines.clock import Clock
from orket_pipelines.sandboxes.diagnosing import SHOWN
from orket_pipelines.sandboxes.following import WINDOW, unseen
from orket_pipelines.sandboxes.model import Service, Sighting
from orket_pipelines.sandboxes.probing import Ask, is_answer
from orket_pipelines.sandboxes.runtime import Condition, Handles, Runtime

LISTENING = 1.0
"""Seconds that logs are listened to, to see how fast they grow."""
COMPLAINTS_IN = 5 * SHOWN
"""Lines in which a complaint is looked for."""


@dataclass(frozen=True, slots=True)
class Look:
    """How to look. Where the engine does not answer, EngineUnavailable: nothing is known then, and nothing is made up.

    `urls` are those of health checks by service; `services` those of the plan.
    """

    runtime: Runtime
    ask: Ask
    clock: Clock

    def at(
        self, sandbox: str, handles: Handles, services: tuple[Service, ...], urls: dict[str, str]
    ) -> tuple[Sighting, ...]:
        """What there is to see of each service that was started."""
        conditions = self.runtime.conditions(sandbox, handles)
        rates = self._rates(handles)
        said = self.runtime.logs(handles, tail=COMPLAINTS_IN)
        ended = {name: each.ended for name, each in conditions.items() if each.ended is not None}
        databases = (name for name in handles.get("databases", {}) if name in ended)
        gone = tuple(Sighting(name, ended=ended[name], said=said.get(name, "")) for name in databases)
        return gone + tuple(
            Sighting(
                each.name,
                port=handles.get("ports", {}).get(each.name),
                start=each.start,
                ended=conditions[each.name].ended,
                restarts=conditions[each.name].restarts,
                restarts_before=handles.get("restarts", {}).get(each.name, 0),
                rate=rates.get(each.name),
                said=said.get(each.name, ""),
                **self._asked(each, handles, conditions[each.name], urls),
            )
            for each in services
            if each.name in conditions
        )

    def _asked(self, service: Service, handles: Handles, condition: Condition, urls: dict[str, str]) -> dict[str, Any]:
        """What it answers, and where it listens if it does not; what has ended is not asked."""
        if condition.ended is not None:
            return {}
        status = self.ask(urls[service.name]) if service.name in urls else None
        return {
            "status": status,
            "listening": None if is_answer(status) else self.runtime.listening(handles, service.name),
        }

    def _rates(self, handles: Handles) -> dict[str, float]:
        """Characters a second that each log grew by; at least so many, where it grew by more than is looked at."""
        before = self.runtime.logs(handles, tail=1, stamped=True)
        began = self.clock.monotonic()
        self.clock.sleep(LISTENING)
        seconds = max(self.clock.monotonic() - began, LISTENING)
        after = self.runtime.logs(handles, tail=WINDOW, stamped=True)
        grown = {name: unseen(unseen(None, before.get(name, "")).last, text) for name, text in after.items()}
        return {name: sum(len(line) + 1 for line in news.lines) / seconds for name, news in grown.items()}
