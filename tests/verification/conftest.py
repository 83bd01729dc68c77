"""A service on loopback that answers as a test says."""

import http.server
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from orket_pipelines.verification import Target

Answer = tuple[int, dict[str, str], bytes]


@dataclass
class Service:
    """`answers` maps `METHOD /path` to an answer, or to what makes one of the request's body; `asked` holds what came:
    method and path, headers, body. `raw` answers with bytes of its own, slowly."""

    url: str = ""
    answers: dict[str, Answer | Callable[[bytes], Answer]] = field(default_factory=dict)
    raw: Callable[[Any], None] | None = None
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def target(self) -> Target:
        """The service as a sandbox's front."""
        return Target("sandbox", "web", {"web": self.url})


def answer(document: object = None, status: int = 200, **headers: str) -> Answer:
    """An answer in JSON."""
    body = b"" if document is None else json.dumps(document).encode()
    return status, {"content-type": "application/json"} | headers, body


def text(body: str, status: int = 200) -> Answer:
    """An answer in HTML."""
    return status, {"content-type": "text/html; charset=utf-8"}, body.encode()


@pytest.fixture
def service() -> Iterator[Service]:
    found = Service()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline(65_537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            self.answer()

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            asked = f"{self.command} {self.path}"
            found.asked.append((asked, {name.lower(): value for name, value in self.headers.items()}, body))
            if found.raw is not None:
                found.raw(self.wfile)
                self.close_connection = True
                return
            made = found.answers.get(asked, answer({"detail": "there is none"}, 404))
            status, headers, content = made(body) if callable(made) else made
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content if self.command != "HEAD" else b"")

        def log_message(self, *_arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_port}"
    yield found
    server.shutdown()
    server.server_close()
