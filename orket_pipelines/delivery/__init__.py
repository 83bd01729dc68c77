"""The line: `next_step(facts)` says what an issue needs next, the worker claims and performs it, over and over."""

from orket_pipelines.delivery.crew import RETRIED, Crew, deliver_issue
from orket_pipelines.delivery.factory import Factory, open_factory
from orket_pipelines.delivery.model import Delivery, Result
from orket_pipelines.delivery.pool import deliver_rock

__all__ = ["RETRIED", "Crew", "Delivery", "Factory", "Result", "deliver_issue", "deliver_rock", "open_factory"]
