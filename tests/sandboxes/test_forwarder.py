"""The forwarder as a process on loopback, between clients and services that do as they please."""

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from orket_pipelines.sandboxes import forwarder

pytestmark = pytest.mark.slow
MEGABYTES = b"x" * 5_000_000


@contextmanager
def forwarding(target: int) -> Iterator[int]:
    """The port of a forwarder to that port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-I", "-c", forwarder.source(), f"{port}=127.0.0.1:{target}"])
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.02)
        yield port
    finally:
        process.kill()
        process.wait()


@contextmanager
def serving() -> Iterator[int]:
    """The port of a service that reads until its client has said all, and says it again."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_serve, args=(server,), daemon=True).start()
        yield server.getsockname()[1]


def _serve(server: socket.socket) -> None:
    with suppress(OSError):
        while True:
            threading.Thread(target=_echo, args=(server.accept()[0],), daemon=True).start()


def _echo(client: socket.socket) -> None:
    with client, suppress(OSError):
        client.sendall(read_all(client))


def read_all(connection: socket.socket) -> bytes:
    received = b""
    while data := connection.recv(1_000_000):
        received += data
    return received


def test_what_is_said_arrives_whole_both_ways_and_the_end_of_it_does_too() -> None:
    with serving() as target, forwarding(target) as port:
        for said in (b"", b"hello", MEGABYTES):
            with socket.create_connection(("127.0.0.1", port), 20) as client:
                client.sendall(said)
                client.shutdown(socket.SHUT_WR)
                assert read_all(client) == said


def test_a_service_that_is_not_there_ends_the_connection_and_not_the_forwarder() -> None:
    with serving() as target:
        closed = target
    with forwarding(closed) as port:
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", port), 20) as client, suppress(ConnectionResetError):
                assert read_all(client) == b""


def test_connections_that_say_nothing_hold_nobody_up() -> None:
    with serving() as target, forwarding(target) as port:
        silent = [socket.create_connection(("127.0.0.1", port), 20) for _ in range(100)]
        with socket.create_connection(("127.0.0.1", port), 20) as client:
            client.sendall(b"hello")
            client.shutdown(socket.SHUT_WR)
            assert read_all(client) == b"hello"
        for each in silent:
            each.close()
