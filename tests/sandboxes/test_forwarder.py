"""The forwarder as a process on loopback, between clients and services that do as they please."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from orket_pipelines.sandboxes import forwarder

pytestmark = pytest.mark.slow
MEGABYTES = b"x" * 5_000_000


class Forwarding:
    """A forwarder as a process: its own port, which is its only way, and the port at which names are asked for."""

    def __init__(self, folder: Path) -> None:
        self.ways = folder / "ways"
        self.port, self.asked = free_port(), free_port()

    def lead(self, target: int, **named: int) -> None:
        written = self.ways.with_suffix(".new")
        lines = {str(self.port): target, **named}
        written.write_text("".join(f"{key}=127.0.0.1:{each}\n" for key, each in lines.items()))
        written.replace(self.ways)

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), 20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def forwarding(folder: Path, target: int) -> Iterator[Forwarding]:
    """A forwarder to that port."""
    made = Forwarding(folder)
    made.lead(target)
    words = [str(made.ways), str(made.asked), str(made.port)]
    process = subprocess.Popen([sys.executable, "-I", "-c", forwarder.source(), *words])
    try:
        for port in (made.asked, made.port):
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.02)
        yield made
    finally:
        process.kill()
        process.wait()


@contextmanager
def serving(says: bytes = b"") -> Iterator[int]:
    """The port of a service that reads until its client has said all, and says it again, after `says`."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_serve, args=(server, says), daemon=True).start()
        yield server.getsockname()[1]


def _serve(server: socket.socket, says: bytes) -> None:
    with suppress(OSError):
        while True:
            threading.Thread(target=_echo, args=(server.accept()[0], says), daemon=True).start()


def _echo(client: socket.socket, says: bytes) -> None:
    with client, suppress(OSError):
        client.sendall(says + read_all(client))


def read_all(connection: socket.socket) -> bytes:
    received = b""
    while data := connection.recv(1_000_000):
        received += data
    return received


def test_what_is_said_arrives_whole_both_ways_and_the_end_of_it_does_too(tmp_path: Path) -> None:
    with serving() as target, forwarding(tmp_path, target) as forwarded:
        for said in (b"", b"hello", MEGABYTES):
            with forwarded.connect() as client:
                client.sendall(said)
                client.shutdown(socket.SHUT_WR)
                assert read_all(client) == said


def test_a_service_that_is_not_there_ends_the_connection_and_not_the_forwarder(tmp_path: Path) -> None:
    with serving() as target:
        closed = target
    with forwarding(tmp_path, closed) as forwarded:
        for _ in range(3):
            with forwarded.connect() as client, suppress(ConnectionResetError):
                assert read_all(client) == b""


def test_connections_that_say_nothing_hold_nobody_up(tmp_path: Path) -> None:
    with serving() as target, forwarding(tmp_path, target) as forwarded:
        silent = [forwarded.connect() for _ in range(100)]
        with forwarded.connect() as client:
            client.sendall(b"hello")
            client.shutdown(socket.SHUT_WR)
            assert read_all(client) == b"hello"
        for each in silent:
            each.close()


def said(client: socket.socket, words: bytes) -> bytes:
    client.sendall(words)
    client.shutdown(socket.SHUT_WR)
    return read_all(client)


def test_who_connects_comes_to_what_the_file_says_by_then_and_who_is_connected_stays(tmp_path: Path) -> None:
    with (
        serving(b"old ") as old,
        serving(b"new ") as new,
        forwarding(tmp_path, old) as forwarded,
        forwarded.connect() as before,
    ):
        before.sendall(b"hel")
        time.sleep(0.2)
        forwarded.lead(new)
        with forwarded.connect() as after:
            assert said(after, b"hello") == b"new hello"
        assert said(before, b"lo") == b"old hello"


def test_what_does_not_serve_yet_is_reached_by_its_name_at_a_port_for_that(tmp_path: Path) -> None:
    with serving(b"old ") as old, serving(b"new ") as new, forwarding(tmp_path, old) as forwarded:
        forwarded.lead(old, api=new)
        for words, answer in ((b"api\nhello", b"new hello"), (b"page\nhello", b""), (b"x" * 100_000, b"")):
            refused = suppress(ConnectionResetError, BrokenPipeError)
            with socket.create_connection(("127.0.0.1", forwarded.asked), 20) as client, refused:
                assert said(client, words) == answer
        with forwarded.connect() as client:
            assert said(client, b"hello") == b"old hello"
