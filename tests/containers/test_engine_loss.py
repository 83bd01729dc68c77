"""An engine that does not answer, answers nonsense or dies is EngineUnavailable, in bounded time."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from orket_pipelines.containers import DockerEngine, engine_answers
from orket_pipelines.containers.endpoint import Endpoint
from orket_pipelines.errors import ContainerError, EngineUnavailable

pytestmark = pytest.mark.slow

PING = b"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nContent-Length: 2\r\n\r\nOK"
MADE = b'HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n{"Id":"e123"}'
UPGRADED = b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
Answer = Callable[[bytes], bytes | None]


class Last(bytes):
    """An answer after which the pretender dies."""


class Pretender:
    """Listens on a socket and answers each request as it is told; where that is None, it dies altogether."""

    def __init__(self, path: Path, answer: Answer) -> None:
        self.path = path
        self._answer = answer
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._open: list[socket.socket] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self.path.unlink(missing_ok=True)
        for opened in (*self._open, self._listener):
            opened.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._open.append(connection)
            threading.Thread(target=self._speak, args=[connection], daemon=True).start()

    def _speak(self, connection: socket.socket) -> None:
        try:
            while request := connection.recv(65_536):
                answer = self._answer(request)
                connection.sendall(answer or b"")
                if answer is None or isinstance(answer, Last):
                    self.path.unlink(missing_ok=True)
                    connection.shutdown(socket.SHUT_RDWR)
                    return
        except OSError:
            return


@pytest.fixture
def pretend(tmp_path: Path) -> Iterator[Callable[[Answer], DockerEngine]]:
    opened: list[Pretender] = []

    def start(answer: Answer) -> DockerEngine:
        opened.append(Pretender(tmp_path / "engine.sock", answer))
        return DockerEngine(tmp_path, endpoint=Endpoint(f"unix://{tmp_path / 'engine.sock'}"), timeout=0.25)

    yield start
    for each in opened:
        each.close()


def every_call(engine: DockerEngine) -> Iterator[Callable[[], object]]:
    yield engine.facts
    yield lambda: engine.find_image("image")
    yield lambda: engine.pull("image")
    yield lambda: engine.find("one")
    yield lambda: engine.containers({})
    yield lambda: engine.execute("one", ["ls"], output=lambda _: None)
    yield lambda: engine.wait("one", should_stop=lambda: False)
    yield lambda: engine.logs("one")
    yield lambda: engine.remove("one")
    yield lambda: engine.stop("one", grace=1)
    yield lambda: engine.connect("net", "one")
    yield lambda: engine.networks({})
    yield lambda: engine.remove_network("net")
    yield lambda: engine.remove_idle_network("net")
    yield lambda: engine.volumes({})
    yield lambda: engine.remove_volume("volume")


def refuse_all(engine: DockerEngine) -> None:
    for call in every_call(engine):
        began = time.monotonic()
        with pytest.raises(EngineUnavailable) as caught:
            call()
        assert "DOCKER_HOST" in caught.value.next_step
        assert time.monotonic() - began < 3


def test_without_a_socket_nothing_is_known(tmp_path: Path) -> None:
    refuse_all(DockerEngine(tmp_path, endpoint=Endpoint(f"unix://{tmp_path / 'none.sock'}"), timeout=0.25))


def test_a_socket_that_nobody_listens_on_is_no_engine(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(tmp_path / "dead.sock"))
    refuse_all(DockerEngine(tmp_path, endpoint=Endpoint(f"unix://{tmp_path / 'dead.sock'}"), timeout=0.25))


def test_a_port_that_nobody_listens_on_is_no_engine(tmp_path: Path) -> None:
    refuse_all(DockerEngine(tmp_path, endpoint=Endpoint("tcp://127.0.0.1:1"), timeout=0.25))


@pytest.mark.parametrize("host", ["npipe:////./pipe/docker", "nonsense", "tcp://"])
def test_an_address_of_a_kind_that_is_not_spoken_says_so(host: str, tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="only unix:// and tcp://"):
        DockerEngine(tmp_path, endpoint=Endpoint(host)).find("one")


def test_an_engine_that_takes_connections_and_hangs_is_given_up(pretend: Callable[[Answer], DockerEngine]) -> None:
    refuse_all(pretend(lambda _: b""))


def test_an_engine_that_hangs_after_its_greeting_is_given_up(pretend: Callable[[Answer], DockerEngine]) -> None:
    refuse_all(pretend(lambda request: PING if b"_ping" in request else b""))


def test_something_else_behind_the_socket_is_no_engine(pretend: Callable[[Answer], DockerEngine]) -> None:
    refuse_all(pretend(lambda _: b"SSH-2.0-OpenSSH_9.2\r\n\r\n"))


def test_an_engine_that_drops_every_connection_is_no_engine(pretend: Callable[[Answer], DockerEngine]) -> None:
    engine = pretend(lambda request: PING if b"_ping" in request else None)
    with pytest.raises(EngineUnavailable):
        engine.find("one")
    with pytest.raises(EngineUnavailable):
        engine.find("one")


def test_an_engine_that_dies_while_a_command_speaks_is_no_result(pretend: Callable[[Answer], DockerEngine]) -> None:
    """What was said before is handed on, unless its end overtakes it; how the command ended is not known."""
    said: list[bytes] = []

    def answer(request: bytes) -> bytes | None:
        if b"_ping" in request:
            return PING
        if b"/containers/one/exec" in request:
            return MADE
        return Last(UPGRADED + b"\1\0\0\0\0\0\0\5hello" + b"\1\0\0\0\0\0\0\5wor")

    with pytest.raises(EngineUnavailable):
        pretend(answer).execute("one", ["ls"], output=said.append)
    assert b"hellowor".startswith(b"".join(said))


def test_what_the_engine_says_of_its_dying_servant_is_a_wait(pretend: Callable[[Answer], DockerEngine]) -> None:
    said = b'{"message":"connection error: desc = \\"transport: error while dialing\\": unavailable"}'
    head = b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    engine = pretend(lambda request: PING if b"_ping" in request else head % len(said) + said)
    with pytest.raises(EngineUnavailable, match="error while dialing"):
        engine.find("one")


def test_a_refusal_is_no_loss(pretend: Callable[[Answer], DockerEngine]) -> None:
    said = b'{"message":"container one is not running"}'
    head = b"HTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
    engine = pretend(lambda request: PING if b"_ping" in request else head % len(said) + said)
    calls: list[Callable[[], object]] = [
        lambda: engine.execute("one", ["ls"], output=lambda _: None),
        lambda: engine.wait("one", should_stop=lambda: False),
    ]
    for call in calls:
        with pytest.raises(ContainerError, match="container one is not running"):
            call()


def test_whether_an_engine_answers_is_known_within_two_seconds(
    pretend: Callable[[Answer], DockerEngine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path / 'engine.sock'}")
    assert not engine_answers()
    pretend(lambda _: b"")
    began = time.monotonic()
    assert not engine_answers()
    assert time.monotonic() - began < 2
    monkeypatch.setenv("DOCKER_HOST", "ssh://nowhere")
    assert not engine_answers()
