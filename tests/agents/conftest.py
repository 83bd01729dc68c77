"""A desk on the shipped fakes, and a server that speaks OpenAI's chat completions, well or badly, as a test says."""

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai import models

from orket_pipelines.agents.model import Assignment, Purpose
from orket_pipelines.agents.tools.model import Desk
from orket_pipelines.cards.model import Card, CardKind, CardState
from orket_pipelines.cards.records import insert_cards
from orket_pipelines.git.fake import MemoryCode
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store
from orket_pipelines.workbench.fake import MemoryWorkbenches

Reply = Callable[["Handler", dict[str, Any]], None]
TRICKLE = 0.05
"""Seconds between two pieces of a slow answer."""


class ProtocolServer:
    """Answers the nth request with the nth reply that the test lined up; the last one answers all further requests."""

    def __init__(self) -> None:
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.released = threading.Event()
        self._replies: list[Reply] = []
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.protocol = self  # type: ignore[attr-defined]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def close(self) -> None:
        self.released.set()
        self._server.shutdown()
        self._server.server_close()

    def answers(self, text: str | None = None, *, meanwhile: Callable[[], None] = lambda: None, **calls: Any) -> None:
        """Words, and calls as `tool=arguments`; arguments that are a string are sent as they are.

        `meanwhile` happens while the model thinks.
        """
        written = [(name, given if isinstance(given, str) else json.dumps(given)) for name, given in calls.items()]

        def reply(handler: "Handler", request: dict[str, Any]) -> None:
            meanwhile()
            handler.answer(request, text, written)

        self._replies.append(reply)

    def refuses(self, status: int, message: str = "no", **headers: str) -> None:
        body = json.dumps({"error": {"message": message, "type": "error", "code": None}}).encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._replies.append(lambda handler, _: handler.send(status, body, named))

    def sends(self, body: bytes, content_type: str = "application/json") -> None:
        self._replies.append(lambda handler, _: handler.send(200, body, {"Content-Type": content_type}))

    def hangs(self) -> None:
        """Takes the request and says nothing."""
        self._replies.append(lambda *_: void(self.released.wait(30)))

    def drips(self) -> None:
        """Sends a word now and then, for ever."""
        self._replies.append(lambda handler, _: handler.drip(self.released))

    def keeps_alive(self) -> None:
        """Sends comments of the protocol, for ever, and no word."""
        self._replies.append(lambda handler, _: handler.keep_alive(self.released))

    def breaks_off(self) -> None:
        """Starts an answer and resets the connection."""
        self._replies.append(lambda handler, _: handler.break_off())

    def take(self, request: dict[str, Any], headers: dict[str, str]) -> Reply:
        with self._lock:
            self.requests.append(request)
            self.headers.append(headers)
            return self._replies.pop(0) if len(self._replies) > 1 else self._replies[0]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        assert self.path == "/v1/chat/completions"
        server: ProtocolServer = self.server.protocol  # type: ignore[attr-defined]
        server.take(request, {name.lower(): value for name, value in self.headers.items()})(self, request)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
        pass

    def send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def answer(self, request: dict[str, Any], text: str | None, calls: list[tuple[str, str]]) -> None:
        if request.get("stream"):
            return self._stream(text, calls)
        tool_calls = [
            {"id": f"call-{at}", "type": "function", "function": {"name": name, "arguments": given}}
            for at, (name, given) in enumerate(calls)
        ]
        message = {"role": "assistant", "content": text, "tool_calls": tool_calls or None}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls" if calls else "stop"}
        usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
        body = {
            "id": "c1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [choice],
            "usage": usage,
        }
        return self.send(200, json.dumps(body).encode(), {})

    def drip(self, released: threading.Event) -> None:
        self._begin_stream()
        while not released.wait(TRICKLE):
            try:
                self._chunk({"content": "drop "})
            except OSError:
                return

    def keep_alive(self, released: threading.Event) -> None:
        self._begin_stream()
        while not released.wait(TRICKLE):
            try:
                self._piece(b": keep-alive\n\n")
            except OSError:
                return

    def break_off(self) -> None:
        self._begin_stream()
        self._chunk({"content": "The ans"})
        # Zero seconds to linger: the connection is reset rather than closed.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _stream(self, text: str | None, calls: list[tuple[str, str]]) -> None:
        self._begin_stream()
        for word in (text or "").split(" ") if text else []:
            self._chunk({"content": f"{word} "})
        for at, (name, given) in enumerate(calls):
            half = len(given) // 2
            function: dict[str, str] = {"name": name, "arguments": given[:half]}
            self._chunk({"tool_calls": [{"index": at, "id": f"call-{at}", "type": "function", "function": function}]})
            self._chunk({"tool_calls": [{"index": at, "function": {"arguments": given[half:]}}]})
        self._chunk({}, finish_reason="tool_calls" if calls else "stop")
        self._event({"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}})
        self._piece(b"data: [DONE]\n\n")
        self._piece(b"")

    def _begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None = None) -> None:
        self._event({"choices": [{"index": 0, "delta": delta, "finish_reason": finish_reason}]})

    def _event(self, said: dict[str, Any]) -> None:
        event = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", **said}
        self._piece(f"data: {json.dumps(event)}\n\n".encode())

    def _piece(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


def void(_: object) -> None:
    """A reply returns nothing."""


@pytest.fixture
def server() -> Iterator[ProtocolServer]:
    """A model server on loopback; talking to it is allowed, to any other is not."""
    opened = ProtocolServer()
    with models.override_allow_model_requests(allow_model_requests=True):
        yield opened
    opened.close()


@pytest.fixture
def code() -> MemoryCode:
    return MemoryCode()


@pytest.fixture
def desk(store: Store, code: MemoryCode, tmp_path: Path) -> Desk:
    """A coder's desk: the issue `hello` in progress, and a checkout of a repository with its first commit."""
    checkout = tmp_path / "checkout"
    code.check_out("hello-world", code.ensure("hello-world", title="Hello", at=0), checkout)
    with store.write() as tx:
        insert_cards(tx, [Card("hello", CardKind.ISSUE, "Say hello", state=CardState.IN_PROGRESS)])
    workbench = MemoryWorkbenches().open(checkout, name="hello")
    return Desk(store.acting(actor="coder"), code, workbench, Settings(home=tmp_path), threading.Event())


@pytest.fixture
def assignment(code: MemoryCode) -> Assignment:
    """The coder's first work on the issue."""
    return Assignment(
        card_id="hello",
        attempt=1,
        role="coder",
        purpose=Purpose.WORK,
        visit=1,
        subject_commit=str(code.head("hello-world", "main")),
        repository="hello-world",
        test_command=("pytest",),
        brief="Say hello.",
    )
