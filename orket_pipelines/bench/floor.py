"""The floor of durable agent work: bare fsynced commits, and bare steps of the model library."""

import sqlite3
import time
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel
from pydantic_ai import Agent, ToolOutput
from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart
from pydantic_ai.models.function import AgentInfo, FunctionModel
from pydantic_ai.usage import UsageLimits

ROW = "x" * 400
"""About what one of our rows holds."""
RUN = 25
"""Steps of one run of the bare agent."""


@dataclass(frozen=True, slots=True)
class Cost:
    """CPU and wall time in seconds."""

    cpu: float
    wall: float

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.cpu + other.cpu, self.wall + other.wall)

    def times(self, count: int) -> "Cost":
        """Multiplied by `count`."""
        return Cost(self.cpu * count, self.wall * count)

    def per(self, count: int) -> "Cost":
        """Divided by `count`."""
        return Cost(self.cpu / count, self.wall / count)


def commits(folder: Path, count: int) -> Cost:
    """`count` transactions of one row each, in SQLite's WAL with synchronous=FULL, as the store has it."""
    connection = sqlite3.connect(folder / "floor.db", isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, body TEXT)")
    cpu, wall = time.process_time(), time.monotonic()
    for _ in range(count):
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO rows (body) VALUES (?)", (ROW,))
        connection.execute("COMMIT")
    cost = Cost(time.process_time() - cpu, time.monotonic() - wall)
    connection.close()
    return cost


def server_commits(url: str, count: int) -> Cost:
    """The same on PostgreSQL, by its bare driver; the server's own CPU time is not in it."""
    engine = sa.create_engine(url)
    connection: Any = engine.raw_connection()
    with closing(connection), connection.cursor() as cursor:
        cursor.execute("CREATE TABLE orket_bench_floor (id serial PRIMARY KEY, body text)")
        connection.commit()
        cpu, wall = time.process_time(), time.monotonic()
        for _ in range(count):
            cursor.execute("INSERT INTO orket_bench_floor (body) VALUES (%s)", (ROW,))
            connection.commit()
        cost = Cost(time.process_time() - cpu, time.monotonic() - wall)
        cursor.execute("DROP TABLE orket_bench_floor")
        connection.commit()
    engine.dispose()
    return cost


def agent_steps(count: int, *, run: int = RUN) -> Cost:
    """`count` steps of a bare agent: a model without latency, and a call in each of a tool that does nothing.

    In runs of `run` steps, so that what a run costs to start is spread over many: the floor is not flattered by it.
    """
    agent = Agent(FunctionModel(partial(_answer, run)))

    @agent.tool_plain
    def note(text: str) -> str:
        """Take a note."""
        return text

    limits = UsageLimits(request_limit=None)
    agent.run_sync("warm up", usage_limits=limits)
    cpu, wall = time.process_time(), time.monotonic()
    for _ in range(max(1, count // run)):
        agent.run_sync("go on", usage_limits=limits)
    cost = Cost(time.process_time() - cpu, time.monotonic() - wall)
    measured = max(1, count // run) * run
    return Cost(cost.cpu * count / measured, cost.wall * count / measured)


def conversations(count: int) -> Cost:
    """`count` issues as bare agents talk of them, in two turns: an author, whose one answer calls a tool and asks for
    a review, and a guard, whose answer approves.

    Each is a run of its own, as it is in the line, with its outcome as the typed output: another role, other tools,
    nothing heard of what the author was told.
    """
    author = Agent(FunctionModel(_ask), output_type=ToolOutput(Request, name="request"), end_strategy="exhaustive")
    guard = Agent(FunctionModel(_approve), output_type=ToolOutput(Review, name="review"))

    @author.tool_plain
    def note(text: str) -> str:
        """Take a note."""
        return text

    author.run_sync("warm up")
    guard.run_sync("warm up")
    cpu, wall = time.process_time(), time.monotonic()
    for _ in range(count):
        author.run_sync("go on")
        guard.run_sync("go on")
    return Cost(time.process_time() - cpu, time.monotonic() - wall)


class Request(BaseModel):
    """What an author ends with."""

    state: str
    summary: str


class Review(BaseModel):
    """What a guard ends with."""

    verdict: str
    body: str


def _ask(_messages: list[ModelMessage], _info: AgentInfo) -> ModelResponse:
    request = ToolCallPart("request", {"state": "ready_for_testing", "summary": "done"})
    return ModelResponse(parts=[ToolCallPart("note", {"text": "noted"}), request])


def _approve(_messages: list[ModelMessage], _info: AgentInfo) -> ModelResponse:
    return ModelResponse(parts=[ToolCallPart("review", {"verdict": "approve", "body": "good"})])


def _answer(run: int, messages: list[ModelMessage], _info: AgentInfo) -> ModelResponse:
    steps = sum(isinstance(message, ModelResponse) for message in messages)
    if steps < run - 1:
        return ModelResponse(parts=[ToolCallPart("note", {"text": "noted"})])
    return ModelResponse(parts=[TextPart("done")])
