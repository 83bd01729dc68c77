"""A server of models that thinks, errs, hangs and loops at random, by a seed: it answers in the protocol, on a fake
clock, without a network.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

import httpx2

from orket_pipelines.agents.models.catalog import chain_of
from orket_pipelines.agents.models.model import LanguageModel
from orket_pipelines.agents.models.openai_compatible import open_compatible
from orket_pipelines.agents.prompts import read_header
from orket_pipelines.clock import FakeClock
from orket_pipelines.settings import Settings

Call = tuple[str, dict[str, Any] | str]
"""The name of a tool and its arguments; those that are a string are sent as they are."""
FOR_EVER = 1e9
LINE = 100_000
"""Seconds that nothing outlasts; what is longer than the longest answer, in characters."""


@dataclass
class Mood:
    """What goes on in one conversation: `stuck` are calls that are repeated from now on, `chatty` never calls."""

    stuck: list[Call] = field(default_factory=list)
    chatty: bool = False


@dataclass
class Moods:
    """`met` counts what happened, by its name."""

    settings: Settings
    clock: FakeClock
    random: Random
    met: dict[str, int] = field(default_factory=dict)
    _moods: dict[str, Mood] = field(default_factory=dict)
    _due: list[str] = field(default_factory=list)
    _weather: tuple[str, float] = ("", 0.0)

    def chain(self, name: str | None) -> tuple[str, ...]:
        return chain_of(self.settings, name or self.settings.model)

    def open(self, name: str) -> LanguageModel:
        wire = httpx2.AsyncClient(transport=httpx2.MockTransport(self.answer))
        return open_compatible(self.settings, name, http_client=wire)

    async def answer(self, request: httpx2.Request) -> httpx2.Response:
        """One request: in bad weather an error, else an answer after a while."""
        asked = json.loads(request.content)
        what = self._fault()
        self.met[what] = self.met.get(what, 0) + 1
        await asyncio.sleep(self.random.uniform(5, 90))
        return await (FAULTS[what](self, asked) if what in FAULTS else self._speak(asked))

    def _fault(self) -> str:
        """What this request meets: each fault as often as the others. A storm of 429 and a server that is down last for
        minutes.
        """
        kind, until = self._weather
        if self.clock.monotonic() < until:
            return kind
        if self.random.random() < 0.85:
            return "well"
        self._due = self._due or self.random.sample(sorted(FAULTS), len(FAULTS))
        kind = self._due.pop()
        if kind in {"storm", "down"}:
            self._weather = (kind, self.clock.monotonic() + self.random.uniform(60, 600))
        return kind

    async def _speak(self, asked: dict[str, Any]) -> httpx2.Response:
        words, calls = self._think(asked)
        return _said(asked, words, calls)

    def _think(self, asked: dict[str, Any]) -> tuple[str, list[Call]]:
        header = read_header(next(each["content"] for each in asked["messages"] if each["role"] == "user"))
        mood = self._moods.setdefault(" ".join(header.values()), Mood())
        turn = sum(each["role"] == "assistant" for each in asked["messages"])
        if not mood.stuck and not mood.chatty and self.random.random() < 0.02:
            mood.chatty = self.random.random() < 0.3
            mood.stuck = [self._deed(header) for _ in range(self.random.randint(1, 5))]
        if mood.chatty:
            return "I think about it.", []
        if mood.stuck:
            return "", [mood.stuck[turn % len(mood.stuck)]]
        if turn > self.random.randint(0, 6):
            return "That is it.", [*self._mend(header), self._end(header)]
        return "", [self._deed(header) for _ in range(self.random.randint(1, 4))]

    def _deed(self, header: dict[str, str]) -> Call:
        """One call on the way; a part of them is not allowed, and a part fails."""
        own = f"{header['card']}/{self.random.randint(1, 3)}.txt"
        deeds: list[Call] = [
            ("read_file", {"path": self.random.choice(["README.md", own, "shared.txt", "../secret", "missing.txt"])}),
            ("list_files", {}),
            ("card_context", {}),
            ("comment", {"body": f"On {header['card']}."}),
            ("run_tests", {}),
        ]
        if header["role"] == "coder":
            word = self.random.choice(["fine", "fine", "fine", "broken"])
            deeds += [
                ("write_file", {"path": own, "content": f"{word} {header['visit']}\n"}),
                ("write_file", {"path": "shared.txt", "content": f"{header['card']} {word}\n"}),
                ("write_file", {"path": ".github/workflows/ci.yml", "content": "on: push\n"}),
                ("edit_file", {"path": own, "old": "broken", "new": "fine"}),
                ("delete_file", {"path": own, "confirm": self.random.random() < 0.5}),
                ("run_command", {"command": ["make", str(self.random.randint(1, 9))]}),
            ]
        return self.random.choice(deeds)

    def _mend(self, header: dict[str, str]) -> list[Call]:
        """What an author does in the end, mostly: whatever was broken is not any more."""
        if header["role"] != "coder" or self.random.random() < 0.2:
            return []
        paths = [*(f"{header['card']}/{at}.txt" for at in (1, 2, 3)), "shared.txt"]
        return [("write_file", {"path": path, "content": "fine\n"}) for path in paths]

    def _end(self, header: dict[str, str]) -> Call:
        if header["role"] == "lead_architect":
            return ("submit_guidance", {"body": "Do it another way."})
        if header["role"] == "integrity_guard":
            verdict = "approve" if self.random.random() < 0.7 else "request_changes"
            return ("submit_review", {"verdict": verdict, "body": "I have read it."})
        if self.random.random() < 0.9:
            return ("request_state", {"state": "ready_for_testing", "summary": "It is done."})
        ends: list[Call] = [
            ("request_state", {"state": "blocked", "summary": "Which port?", "wait_reason": "input"}),
            ("ask_to_be_excused", {"reason": "I may not do this."}),
        ]
        return self.random.choice(ends)

    async def _storm(self, _asked: dict[str, Any]) -> httpx2.Response:
        wait = str(self.random.randint(1, 7_200))
        return httpx2.Response(429, headers={"Retry-After": wait}, json={"error": {"message": "slow down"}})

    async def _down(self, _asked: dict[str, Any]) -> httpx2.Response:
        raise httpx2.ConnectError("connection refused")

    async def _hang(self, _asked: dict[str, Any]) -> httpx2.Response:
        await asyncio.sleep(FOR_EVER)
        raise AssertionError("it waited for ever")

    async def _drip(self, asked: dict[str, Any]) -> httpx2.Response:
        async def drops() -> AsyncIterator[bytes]:
            while True:
                yield _event({"content": "drop "})
                await asyncio.sleep(5)

        return _stream(drops()) if asked.get("stream") else await self._hang(asked)

    async def _keep_alive(self, asked: dict[str, Any]) -> httpx2.Response:
        async def comments() -> AsyncIterator[bytes]:
            while True:
                yield b": keep-alive\n\n"
                await asyncio.sleep(5)

        return _stream(comments()) if asked.get("stream") else await self._hang(asked)

    async def _reset(self, asked: dict[str, Any]) -> httpx2.Response:
        async def pieces() -> AsyncIterator[bytes]:
            yield _event({"content": "The ans"})
            raise httpx2.ReadError("connection reset")

        return _stream(pieces()) if asked.get("stream") else await self._down(asked)

    async def _cut(self, asked: dict[str, Any]) -> httpx2.Response:
        """An answer that stops in its midst, as if that were its end."""
        whole = (await self._speak(asked)).content if not asked.get("stream") else _event({"content": "I sh"})
        return httpx2.Response(200, headers=_kind(asked), content=whole[: len(whole) * 2 // 3])

    async def _garbage(self, asked: dict[str, Any]) -> httpx2.Response:
        body = self.random.choice([b"<html>Bad gateway</html>", b"[1, 2]", b"{}", b"", b"null", b"\x00\xff"])
        return httpx2.Response(200, headers=_kind(asked), content=b"data: " * bool(asked.get("stream")) + body)

    async def _refusal(self, _asked: dict[str, Any]) -> httpx2.Response:
        status = self.random.choice([400, 401, 404, 500, 502, 503])
        return httpx2.Response(status, json={"error": {"message": f"no, {status}"}})

    async def _too_long(self, asked: dict[str, Any]) -> httpx2.Response:
        if self.random.random() < 0.5:
            return _said(asked, "x" * LINE, [])
        told = {"message": "too long", "code": "context_length_exceeded", "type": "invalid_request_error"}
        return httpx2.Response(400, json={"error": told})

    async def _printed(self, asked: dict[str, Any]) -> httpx2.Response:
        call = {"name": "list_files", "arguments": {}}
        return _said(asked, f"<tool_call>\n{json.dumps(call)}\n</tool_call>", [])

    async def _clumsy(self, asked: dict[str, Any]) -> httpx2.Response:
        """No such tool, arguments that are cut or of the wrong kind, hundreds of calls, characters that none are."""
        calls: list[list[Call]] = [
            [("launch_missiles", {})],
            [("write_file", '{"path": "a.txt", "cont')],
            [("write_file", {"path": ["a.txt"], "content": None, "mode": "0777"})],
            [("read_file", {"path": f"{at}.txt"}) for at in range(100)],
            [("comment", {"body": "NUL \0 and half \ud800"}), ("", "")],
        ]
        return _said(asked, "\ud800 \0", self.random.choice(calls))

    async def _empty(self, asked: dict[str, Any]) -> httpx2.Response:
        return _said(asked, "", [])


FAULTS: dict[str, Callable[[Moods, dict[str, Any]], Awaitable[httpx2.Response]]] = {
    "storm": Moods._storm,
    "down": Moods._down,
    "hang": Moods._hang,
    "drip": Moods._drip,
    "keep-alive": Moods._keep_alive,
    "reset": Moods._reset,
    "cut": Moods._cut,
    "garbage": Moods._garbage,
    "refusal": Moods._refusal,
    "too long": Moods._too_long,
    "printed": Moods._printed,
    "clumsy": Moods._clumsy,
    "empty": Moods._empty,
}
"""What can go wrong with a request, besides that it is answered well."""


def _kind(asked: dict[str, Any]) -> dict[str, str]:
    return {"Content-Type": "text/event-stream" if asked.get("stream") else "application/json"}


def _stream(pieces: AsyncIterator[bytes]) -> httpx2.Response:
    return httpx2.Response(200, headers={"Content-Type": "text/event-stream"}, content=pieces)


def _said(asked: dict[str, Any], words: str, calls: list[Call]) -> httpx2.Response:
    """An answer, all at once or as a stream of two pieces."""
    usage = {"prompt_tokens": len(json.dumps(asked)) // 4, "completion_tokens": 50, "total_tokens": 0}
    named = [
        {
            "index": at,
            "id": f"call-{at}",
            "type": "function",
            "function": {"name": name, "arguments": given if isinstance(given, str) else json.dumps(given)},
        }
        for at, (name, given) in enumerate(calls)
    ]
    reason = "tool_calls" if calls else "stop"
    if asked.get("stream"):
        end = {"choices": [], "usage": usage}
        body = _event({"content": words, "tool_calls": named}) + _event({}, reason) + _chunk(end) + b"data: [DONE]\n\n"
        return httpx2.Response(200, headers=_kind(asked), content=body)
    message = {"role": "assistant", "content": words, "tool_calls": named or None}
    choices = [{"index": 0, "message": message, "finish_reason": reason}]
    told = {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": choices, "usage": usage}
    return httpx2.Response(200, headers=_kind(asked), content=json.dumps(told).encode())


def _event(delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
    return _chunk({"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]})


def _chunk(said: dict[str, Any]) -> bytes:
    chunk = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", **said}
    return f"data: {json.dumps(chunk)}\n\n".encode()
