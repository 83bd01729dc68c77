"""What the proxy of installs lets through, and what it does not."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest

from orket_pipelines.dependencies import proxy

ANSWER = b"the package"


@pytest.fixture
def source() -> Iterator[int]:
    """A package source on loopback: the port where every connection gets ANSWER."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_answer_all, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]


def _answer_all(listener: socket.socket) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        with client:
            client.recv(100)
            client.sendall(ANSWER)


def _start(allowed: proxy.Allowed) -> int:
    listener = socket.create_server(("127.0.0.1", 0), backlog=100)
    threading.Thread(target=proxy.serve, args=(listener, allowed), daemon=True).start()
    port: int = listener.getsockname()[1]
    return port


def _ask(port: int, request: bytes, *, then: bytes = b"") -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(request)
        received = client.recv(1_000)
        if then and b" 200 " in received:
            client.sendall(then)
            received += b"".join(iter(lambda: client.recv(1_000), b""))
        return received


def _connect_to(target: str) -> bytes:
    return f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n".encode()


def test_an_allowed_host_is_reached_through_a_tunnel(source: int, capfd: pytest.CaptureFixture[str]) -> None:
    port = _start({("localhost", source): True})
    assert _ask(port, _connect_to(f"localhost:{source}"), then=b"hello").endswith(ANSWER)
    assert capfd.readouterr().out == f"allowed 'CONNECT localhost:{source} HTTP/1.1'\n"


def test_a_host_that_resolves_inside_is_refused_unless_a_person_named_it(
    source: int, capfd: pytest.CaptureFixture[str]
) -> None:
    port = _start({("localhost", source): False})
    assert b" 403 " in _ask(port, _connect_to(f"localhost:{source}"))
    assert "which is inside" in capfd.readouterr().out


@pytest.mark.parametrize(
    "request_line",
    [
        _connect_to("evil.example:443"),
        _connect_to("allowed.example:22"),
        _connect_to("169.254.169.254:80"),
        _connect_to("127.0.0.1:443"),
        _connect_to("[::1]:443"),
        _connect_to("allowed.example:443@evil.example:443"),
        _connect_to("allowed.example:443\t"),
        _connect_to("allowed.example:99999"),
        b"GET http://allowed.example/ HTTP/1.1\r\n\r\n",
        b"CONNECT allowed.example:443\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n",
        b"\r\n\r\n",
        b"CONNECT allowed.example:443 HTTP/1.1\r\nX: " + b"a" * 10_000 + b"\r\n\r\n",
    ],
    ids=lambda request: ascii(request[:40]),
)
def test_everything_else_is_refused_with_one_line_in_the_log(
    request_line: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    assert b" 403 " in _ask(_start({("allowed.example", 443): False}), request_line)
    said = capfd.readouterr().out
    assert said.startswith("refused '")
    assert said.count("\n") == 1


def test_a_request_cannot_forge_lines_of_the_log(capfd: pytest.CaptureFixture[str]) -> None:
    _ask(_start({}), b"CONNECT x\nallowed y:443 HTTP/1.1\r\n\r\n")
    assert capfd.readouterr().out.count("\n") == 1


def test_a_request_that_trickles_in_is_refused_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "PATIENCE", 0.5)
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", _start({})), timeout=20) as client:
        client.settimeout(0.1)
        received = b""
        while not received and time.monotonic() - started < 10:
            client.sendall(b"C")
            try:
                received = client.recv(100)
            except TimeoutError:
                continue
    assert b" 403 " in received
    assert time.monotonic() - started < 5


def test_a_source_that_does_not_answer_is_told_from_one_that_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        free = closed.getsockname()[1]
    assert b" 502 " in _ask(_start({("localhost", free): True}), _connect_to(f"localhost:{free}"))
    assert capfd.readouterr().out.startswith("unreachable '")


def test_connections_beyond_the_cap_are_closed_and_the_others_served(
    source: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxy, "CONNECTIONS", 1)
    port = _start({("localhost", source): True})
    with socket.create_connection(("127.0.0.1", port), timeout=20) as first:
        first.sendall(_connect_to(f"localhost:{source}"))
        assert b" 200 " in first.recv(100)
        with socket.create_connection(("127.0.0.1", port), timeout=20) as second:
            assert second.recv(100) == b""
        first.sendall(b"hello")
        assert first.recv(100) == ANSWER


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.1.2.3",
            "172.31.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.7",
            "224.0.0.1",
        ),
        *("::1", "fe80::1%eth0", "fd00::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "64:ff9b::a00:1"),
    ],
)
def test_addresses_of_machines_nearby_are_inside(address: str) -> None:
    assert proxy.is_inside(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "172.32.0.1", "2606:4700::1", "::ffff:1.1.1.1"])
def test_addresses_of_the_internet_are_outside(address: str) -> None:
    assert not proxy.is_inside(address)
