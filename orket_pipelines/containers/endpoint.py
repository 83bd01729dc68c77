"""Where the engine listens, and single requests to it whose answer is read as it comes.

The Docker SDK does everything else. It is not used here, because what it reads of a stream blocks without bound and may
lose what came in one piece with the headers.
"""

import json
import os
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

DEFAULT_HOST = "unix:///var/run/docker.sock"
TICK = 0.05
"""Seconds between two questions whether to stop, while nothing comes."""
HEADERS_LIMIT = 64 * 1024
CHUNK = 64 * 1024
FRAME_HEADER = 8
"""One byte for the stream, three of nothing, four for the length of what follows."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`host` as DOCKER_HOST has it; `certificates` the folder of ca.pem, cert.pem and key.pem, None without TLS."""

    host: str = DEFAULT_HOST
    certificates: Path | None = None
    verify: bool = True

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Self:
        """By DOCKER_HOST, DOCKER_TLS_VERIFY and DOCKER_CERT_PATH, as Docker's own programs read them."""
        verify, folder = environment.get("DOCKER_TLS_VERIFY"), environment.get("DOCKER_CERT_PATH")
        found = Path(folder or "~/.docker").expanduser() if verify or folder else None
        return cls(environment.get("DOCKER_HOST") or DEFAULT_HOST, found, verify=bool(verify))

    def open(self, timeout: float) -> socket.socket:
        """A connection. Raises: OSError; ValueError where the host is of a kind that is not spoken here."""
        parts = urlsplit(self.host)
        if parts.scheme == "unix":
            return _open_socket(parts.path, timeout)
        if parts.scheme == "context":
            raise ValueError("Docker has no such context, or cannot read it; docker context ls lists them")
        if parts.scheme == "ssh":
            way = f"ssh -nNT -L /tmp/engine.sock:/var/run/docker.sock {parts.netloc}"
            raise ValueError(f"ssh is not spoken here: forward it ({way}), then DOCKER_HOST=unix:///tmp/engine.sock")
        if parts.scheme not in {"tcp", "http", "https"} or not parts.hostname:
            raise ValueError("only unix:// and tcp:// addresses of an engine are understood")
        opened = socket.create_connection((parts.hostname, parts.port or 2375), timeout)
        # A machine that vanished says nothing: the kernel asks in silence.
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        if self.certificates is None and parts.scheme != "https":
            return opened
        return self._context().wrap_socket(opened, server_hostname=parts.hostname)

    def _context(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        if self.certificates is not None:
            if self.verify:
                context.load_verify_locations(self.certificates / "ca.pem")
            context.load_cert_chain(self.certificates / "cert.pem", self.certificates / "key.pem")
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return context


@dataclass(frozen=True, slots=True)
class Request:
    """`body` is sent as JSON, None is no body. With `upgrade` the answer is the connection itself; otherwise the
    request is HTTP/1.0, so that what comes is the plain answer until the end."""

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    upgrade: bool = False

    def encode(self) -> bytes:
        """As it is sent."""
        content = b"" if self.body is None else json.dumps(self.body).encode()
        lines = [f"{self.method} {self.path} HTTP/1.{int(self.upgrade)}", "Host: docker"]
        lines += ["Connection: Upgrade", "Upgrade: tcp"] if self.upgrade else ["Connection: close"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        lines += [] if self.body is None else ["Content-Type: application/json"]
        return "\r\n".join([*lines, f"Content-Length: {len(content)}", "", ""]).encode() + content


class Stream:
    """One request on a connection of its own, whose answer may take as long as it likes.

    Use as a context manager. Raises: OSError where the engine does not take the request or does not begin to answer
    within `timeout` seconds.
    """

    def __init__(self, endpoint: Endpoint, request: Request, *, timeout: float) -> None:
        self._socket = endpoint.open(timeout)
        try:
            self._socket.sendall(request.encode())
            self.status, self.headers, self._rest = self._read_head()
            self._socket.settimeout(TICK)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def receive(self) -> bytes | None:
        """What comes next: empty at the end, None where nothing came within a tick."""
        if self._rest:
            taken, self._rest = self._rest, b""
            return taken
        try:
            return self._socket.recv(CHUNK)
        except TimeoutError:
            return None

    def receive_all(self, timeout: float) -> bytes:
        """As much as the headers promise, or everything until the end. Raises: TimeoutError after `timeout` seconds of
        silence."""
        self._socket.settimeout(timeout)
        promised, received = int(self.headers.get("content-length", -1)), self._rest
        while len(received) != promised and (more := self._socket.recv(CHUNK)):
            received += more
        return received

    def _read_head(self) -> tuple[int, dict[str, str], bytes]:
        received = b""
        while b"\r\n\r\n" not in received:
            more = self._socket.recv(CHUNK)
            if not more or len(received) > HEADERS_LIMIT:
                raise ConnectionError("the engine ended the connection before it answered")
            received += more
        head, _, rest = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        try:
            return int(first.split()[1]), {name.lower(): value.strip() for name, _, value in pairs}, rest
        except (IndexError, ValueError):
            raise ConnectionError(f"what answers is no engine: {first[:80]!r}") from None


class Frames:
    """Takes a multiplexed stream apart, whatever the pieces that it comes in; nothing is kept but a header."""

    def __init__(self) -> None:
        self._header = b""
        self._left = 0

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The output in `data`, standard output and error in the order in which they came."""
        view = memoryview(data)
        while view:
            if self._left:
                piece = view[: self._left]
                self._left -= len(piece)
                yield bytes(piece)
            else:
                piece = view[: FRAME_HEADER - len(self._header)]
                self._header += piece
                if len(self._header) == FRAME_HEADER:
                    self._left, self._header = int.from_bytes(self._header[4:], "big"), b""
            view = view[len(piece) :]


def _open_socket(path: str, timeout: float) -> socket.socket:
    opened = socket.socket(socket.AF_UNIX)
    try:
        opened.settimeout(timeout)
        opened.connect(path)
    except BaseException:
        opened.close()
        raise
    return opened
