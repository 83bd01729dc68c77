"""The line: `next_step(facts)` says what an issue needs next, the worker claims and performs it, over and over.

Names load at their first use: who only asks how work stands does not wait for the model library.
"""

from typing import TYPE_CHECKING

from orket_pipelines.first_use import on_first_use

if TYPE_CHECKING:
    from orket_pipelines.delivery.crew import RETRIED, Crew, deliver_issue
    from orket_pipelines.delivery.factory import Factory, open_factory
    from orket_pipelines.delivery.model import Delivery, Result
    from orket_pipelines.delivery.pool import deliver_rock

__all__ = ["RETRIED", "Crew", "Delivery", "Factory", "Result", "deliver_issue", "deliver_rock", "open_factory"]

__getattr__ = on_first_use(
    __name__,
    {
        "RETRIED": "crew",
        "Crew": "crew",
        "Delivery": "model",
        "Factory": "factory",
        "Result": "model",
        "deliver_issue": "crew",
        "deliver_rock": "pool",
        "open_factory": "factory",
    },
)
