"""Serves a built page, and hands requests under a prefix on to the services behind it.

Python's own library alone and no import of ours: a container runs this very text (`source()`) by `python3 -c`, and a
host runs it as a process.
"""

import argparse
import http.client
import io
import json
import mimetypes
import os
import re
import socket
import socketserver
import stat
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, unquote_to_bytes, urlsplit

CONNECTIONS = 64
"""Served at once; more are told to come back."""
HEADERS_SIZE, BODY_SIZE, CHUNK = 64 * 1024, 64 * 1024**2, 64 * 1024
HEADERS_TIME, BODY_TIME, SENDING_TIME, CONNECTING_TIME, ANSWER_TIME = 15.0, 300.0, 30.0, 5.0, 60.0
"""Seconds that a client may take for its request line and headers (waiting between two requests included), for its
whole body and for each chunk of an answer; that a service may take to be reached, and for each part of its answer."""
DROPPED = {"keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer", "connection"}
DROPPED |= {"transfer-encoding", "upgrade", "expect", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"}
"""Headers for one connection alone, and those that are set here."""
TYPES = {".js": "text/javascript", ".mjs": "text/javascript", ".map": "application/json", ".webp": "image/webp"}
TYPES = mimetypes.types_map | TYPES | {".woff": "font/woff", ".woff2": "font/woff2"}
HASHED = re.compile(r"[-.](?=[\w-]*[A-Z0-9])[\w-]{8,}\.\w+")
"""A name with a hash of its content in it: `index-DiwrgTda.js`."""


def source() -> str:
    """The text of this file, to be handed to a Python elsewhere."""
    return Path(__file__).read_text()


class Refused(OSError):
    """A client sends more than it may, or takes too long; the argument is the status to answer with."""


class Bounded(io.RawIOBase):
    """What a client sends, within the size and time of the phase that it is in."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.expect(0, 0)

    def expect(self, size: int, seconds: float) -> None:
        """Begin a phase."""
        self._left, self._deadline = size, time.monotonic() + seconds

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._left <= 0:
            raise Refused(431)
        self._connection.settimeout(max(self._deadline - time.monotonic(), 0.001))
        try:
            count = self._connection.recv_into(buffer)
        finally:
            self._connection.settimeout(SENDING_TIME)
        self._left -= count
        return count


class Gateway(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """A thread for each connection, of which there are at most CONNECTIONS."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], root: Path, routes: dict[str, SplitResult]) -> None:
        self.root = root
        self.routes = sorted(routes.items(), key=lambda route: -len(route[0]))
        self._free = threading.Semaphore(CONNECTIONS)
        super().__init__(address, Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        if self._free.acquire(blocking=False):
            return super().process_request(request, client_address)
        with suppress(OSError):
            request.sendall(b"HTTP/1.1 503 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        return self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is nothing to be told of."""


class Handler(BaseHTTPRequestHandler):
    """One connection, which may carry several requests."""

    protocol_version = request_version = "HTTP/1.1"
    requestline = command = ""
    server: Gateway

    def setup(self) -> None:
        super().setup()
        self._client = Bounded(self.connection)
        self.rfile = io.BufferedReader(self._client, CHUNK)

    def handle_one_request(self) -> None:
        self._client.expect(HEADERS_SIZE, HEADERS_TIME)
        try:
            super().handle_one_request()
        except Refused as refused:
            self.send_error(refused.args[0])

    def log_error(self, *_: Any) -> None:
        """Answers are logged as requests; a connection that times out in silence is none."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """A refusal as JSON; what is left of the request is not read, so the connection ends."""
        content = json.dumps({"error": message or explain or http.client.responses[code]}).encode()
        self.close_connection = True
        lines = [("Content-Type", "application/json"), ("Cache-Control", "no-store"), ("Connection", "close")]
        self._answer(code, [*lines, ("Content-Length", str(len(content)))], [content])

    def respond(self) -> None:
        """Answer one request, whatever its method."""
        path = self.path.partition("?")[0]
        segments = _segments(path)
        length, *more = self.headers.get_all("Content-Length", ["0"])
        folded = any("\n" in value or "\r" in value for value in self.headers.values())
        base = next((to for prefix, to in self.server.routes if f"{path}/".startswith(f"{prefix}/")), None)
        if segments is None or folded or more or not re.fullmatch("[0-9]{1,18}", length):
            self.send_error(400)
        elif "Transfer-Encoding" in self.headers:
            self.send_error(411)
        elif int(length) > BODY_SIZE:
            self.send_error(413)
        elif base is not None:
            self._hand_on(base, int(length))
        elif self.command in {"GET", "HEAD"} and length == "0":
            self._serve([*segments, "index.html"] if path.endswith("/") else segments)
        else:
            self.send_error(405)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = respond  # noqa: N815 - found by name

    def _serve(self, segments: list[str]) -> None:
        file = _open(self.server.root, segments)
        navigates = "text/html" in self.headers.get("Accept", "")
        if file is None and navigates and ("." not in segments[-1] or segments[-1] == "index.html"):
            # A page that only the application in the browser knows.
            segments = ["index.html"]
            file = _open(self.server.root, segments)
        if file is None:
            return self.send_error(404)
        with file:
            size = os.fstat(file.fileno()).st_size
            kind = TYPES.get(Path(segments[-1]).suffix.lower(), "application/octet-stream")
            immutable = segments[0] == "assets" and HASHED.search(segments[-1])
            headers = [
                ("Content-Type", f"{kind}; charset=utf-8" if kind.startswith("text/") else kind),
                ("Content-Length", str(size)),
                ("Cache-Control", "public, max-age=31536000, immutable" if immutable else "no-cache"),
                ("X-Content-Type-Options", "nosniff"),
            ]
            return self._answer(200, headers, iter(lambda: file.read(CHUNK), b""))

    def _hand_on(self, base: SplitResult, length: int) -> None:
        there = http.client.HTTPConnection(base.hostname or "", base.port or 80, timeout=CONNECTING_TIME)
        try:
            answer = self._ask(there, base, length)
        except Refused:
            raise
        except TimeoutError:
            self.send_error(504, f"{base.netloc} does not answer in time")
        except (OSError, http.client.HTTPException, ValueError) as error:
            self.send_error(502, f"{base.netloc} does not answer: {type(error).__name__}")
        else:
            headers = [(name, " ".join(value.split())) for name, value in _end_to_end(answer.headers)]
            if answer.length is None:
                # How long it is shows at its end, which only the end of the connection can tell.
                self.close_connection = True
                headers.append(("Connection", "close"))
            self._answer(answer.status, headers, iter(lambda: answer.read1(CHUNK), b""))
            self.close_connection |= bool(answer.length)
        finally:
            there.close()

    def _ask(self, there: http.client.HTTPConnection, base: SplitResult, length: int) -> http.client.HTTPResponse:
        there.connect()
        there.sock.settimeout(ANSWER_TIME)
        there.putrequest(self.command, base.path.rstrip("/") + self.path, skip_host=True, skip_accept_encoding=True)
        own = [("X-Forwarded-For", self.client_address[0]), ("X-Forwarded-Host", self.headers.get("Host", ""))]
        for name, value in [*_end_to_end(self.headers), *own, ("X-Forwarded-Proto", "http"), ("Connection", "close")]:
            there.putheader(name, value)
        there.endheaders()
        self._client.expect(length, BODY_TIME)
        while length:
            try:
                chunk = self.rfile.read1(min(length, CHUNK))
            except TimeoutError:
                raise Refused(408) from None
            if not chunk:
                raise Refused(400)
            there.send(chunk)
            length -= len(chunk)
        return there.getresponse()

    def _answer(self, status: int, headers: Iterable[tuple[str, str]], chunks: Iterable[bytes]) -> None:
        """Send an answer; a body that cannot be sent to its end ends the connection."""
        self.log_request(status)
        self.send_response_only(status)
        for name, value in headers:
            self.send_header(name, value)
        try:
            self.end_headers()
            for chunk in chunks if self.command != "HEAD" else ():
                self.wfile.write(chunk)
        except (OSError, http.client.HTTPException):
            self.close_connection = True


def _segments(path: str) -> list[str] | None:
    """The parts of a path; None where it climbs, hides, or holds what no name of a file does."""
    try:
        text = unquote_to_bytes(path).decode()
    except UnicodeError:
        return None
    parts = [part for part in text.split("/") if part]
    hidden = any(part.startswith(".") and part != ".well-known" for part in parts)
    return None if not path.startswith("/") or hidden or not text.isprintable() or "\\" in text else parts


def _open(root: Path, segments: Sequence[str]) -> io.BufferedReader | None:
    """A plain file below the root, reached without following any link."""
    folder = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for name in segments[:-1]:
            inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=folder)
            os.close(folder)
            folder = inner
        # A pipe would be waited for.
        file = os.open(segments[-1], os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=folder)
    except OSError:
        return None
    finally:
        os.close(folder)
    if stat.S_ISREG(os.fstat(file).st_mode):
        return os.fdopen(file, "rb")
    os.close(file)
    return None


def _end_to_end(headers: Any) -> Iterator[tuple[str, str]]:
    """The headers that are not for this connection alone."""
    named = {name.strip().lower() for value in headers.get_all("Connection", []) for name in value.split(",")}
    return ((name, value) for name, value in headers.items() if name.lower() not in DROPPED | named)


def _route(text: str) -> tuple[str, SplitResult]:
    prefix, _, target = text.partition("=")
    base = urlsplit(target)
    if not re.fullmatch("(/[^/]+)+", prefix) or base.scheme != "http" or not base.hostname:
        raise argparse.ArgumentTypeError(f"must read /prefix=http://host:port, not {text!r}")
    return prefix, base


def serve(arguments: Sequence[str] | None = None) -> None:
    """Serve until ended."""
    parser = argparse.ArgumentParser(description="Serve a built page, and hand requests under a prefix on.")
    parser.add_argument("--root", type=Path, required=True, help="the folder of the page")
    parser.add_argument("--route", type=_route, action="append", default=[], help="/prefix=http://host:port")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    given = parser.parse_args(arguments)
    with Gateway((given.host, given.port), given.root, dict(given.route)) as gateway:
        gateway.serve_forever()


if __name__ == "__main__":
    serve()
