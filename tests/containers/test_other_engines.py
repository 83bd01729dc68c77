"""Engines elsewhere than at the usual socket: by Docker's contexts, over TLS, and through ssh."""

import hashlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from orket_pipelines.containers import ContainerPurpose, ContainerSpec, DockerEngine, Labels, installation_id
from orket_pipelines.containers.contexts import find_endpoint
from orket_pipelines.containers.endpoint import DEFAULT_HOST, Endpoint
from orket_pipelines.errors import EngineUnavailable
from orket_pipelines.store import new_id

NAME = "colima"
HOST = "unix:///home/me/.colima/docker.sock"


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of Docker's own files, which holds a context and does not use it."""
    folder = tmp_path / "docker"
    monkeypatch.setenv("DOCKER_CONFIG", str(folder))
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"):
        monkeypatch.delenv(name, raising=False)
    meta = folder / "contexts" / "meta" / hashlib.sha256(NAME.encode()).hexdigest()
    meta.mkdir(parents=True)
    told = {"Name": NAME, "Metadata": {}, "Endpoints": {"docker": {"Host": HOST, "SkipTLSVerify": False}}}
    (meta / "meta.json").write_text(json.dumps(told))
    use(folder, None)
    return folder


def use(config: Path, name: str | None) -> None:
    """As `docker context use` writes it down."""
    (config / "config.json").write_text(json.dumps({"currentContext": name} if name else {}))


def test_a_context_that_is_in_use_names_the_engine(config: Path) -> None:
    assert find_endpoint() == Endpoint(DEFAULT_HOST, verify=False)
    use(config, NAME)
    assert find_endpoint() == Endpoint(HOST)


def test_the_host_comes_before_the_context_in_use_and_a_context_that_is_named_before_both(config: Path) -> None:
    use(config, "another")
    assert find_endpoint({"DOCKER_HOST": "tcp://h:1"}).host == "tcp://h:1"
    assert find_endpoint({"DOCKER_HOST": "tcp://h:1", "DOCKER_CONTEXT": NAME}).host == HOST
    assert find_endpoint({"DOCKER_HOST": "tcp://h:1", "DOCKER_CONTEXT": "default"}).host == "tcp://h:1"


def test_the_certificates_of_a_context_are_found(config: Path) -> None:
    folder = config / "contexts" / "tls" / hashlib.sha256(NAME.encode()).hexdigest() / "docker"
    folder.mkdir(parents=True)
    assert find_endpoint({"DOCKER_CONTEXT": NAME}) == Endpoint(HOST, folder)


@pytest.mark.parametrize("broken", ["missing", "no JSON"])
def test_a_context_that_cannot_be_read_is_told_by_the_first_call(broken: str, config: Path, tmp_path: Path) -> None:
    use(config, NAME)
    (meta,) = config.glob("contexts/meta/*/meta.json")
    meta.unlink() if broken == "missing" else meta.write_text("{")
    engine = DockerEngine(tmp_path)
    with pytest.raises(EngineUnavailable, match="context://colima: Docker has no such context, or cannot read it"):
        engine.facts()


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """One certificate that serves as authority, server and client."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    files = ["-keyout", "key.pem", "-out", "cert.pem"]
    whose = ["-subj", "/CN=engine", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(["openssl", "req", "-x509", *curve, *files, *whose], cwd=folder, check=True, capture_output=True)
    shutil.copy(folder / "cert.pem", folder / "ca.pem")
    return folder


@pytest.fixture
def guarded(certificates: Path, workbench_image: str) -> Iterator[str]:
    """The address at which the machine's engine is had over TLS, by those who bear the certificate."""
    assert workbench_image
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificates / "ca.pem"))
    context.load_cert_chain(certificates / "cert.pem", certificates / "key.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=_serve, args=(server, context), daemon=True).start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def _serve(server: socket.socket, context: ssl.SSLContext) -> None:
    while True:
        try:
            taken, _ = server.accept()
        except OSError:
            return
        threading.Thread(target=_forward, args=(taken, context), daemon=True).start()


def _forward(taken: socket.socket, context: ssl.SSLContext) -> None:
    """Between a client and the engine, until one of them is done."""
    engine = socket.socket(socket.AF_UNIX)
    engine.connect(DEFAULT_HOST.removeprefix("unix://"))
    try:
        client = context.wrap_socket(taken, server_side=True)
    except OSError:
        taken.close()
        engine.close()
        return
    threading.Thread(target=_pump, args=(client, engine), daemon=True).start()
    _pump(engine, client)


def _pump(source: socket.socket, sink: socket.socket) -> None:
    try:
        while data := source.recv(65_536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_RDWR)
    except OSError:
        sink.close()


@pytest.fixture
def tunnel(tmp_path: Path, workbench_image: str) -> Iterator[str]:
    """The engine of a machine to which there is nothing but ssh, which is this one, by a socket that ssh forwards."""
    sshd = shutil.which("sshd") or "/usr/sbin/sshd"
    if not Path(sshd).exists() or shutil.which("ssh") is None:
        pytest.skip("OpenSSH is not installed (on Debian: apt-get install openssh-server)")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    for name in ("host", "mine"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", name], cwd=tmp_path, check=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = [sshd, "-D", "-e", "-f", "/dev/null", "-h", f"{tmp_path}/host", "-p", str(port)]
    server += ["-o", "ListenAddress=127.0.0.1", "-o", "StrictModes=no", "-o", f"AuthorizedKeysFile={tmp_path}/mine.pub"]
    known = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "ConnectionAttempts=20"]
    where = f"{tmp_path}/engine.sock:{DEFAULT_HOST.removeprefix('unix://')}"
    client = [
        "ssh",
        "-nNT",
        "-F",
        "/dev/null",
        "-i",
        f"{tmp_path}/mine",
        *known,
        "-L",
        where,
        "-p",
        str(port),
        "127.0.0.1",
    ]
    with ExitStack() as ending:
        for command in (server, client):
            started = subprocess.Popen(command, stderr=subprocess.DEVNULL)
            ending.callback(started.wait)
            ending.callback(started.kill)
        until = time.monotonic() + 20
        while not (tmp_path / "engine.sock").exists():
            assert time.monotonic() < until
            time.sleep(0.05)
        yield f"unix://{tmp_path}/engine.sock"


@pytest.mark.docker
def test_an_engine_behind_ssh_is_had_by_a_socket_that_ssh_forwards(
    tunnel: str, docker_home: Path, workbench_image: str
) -> None:
    engine = DockerEngine(docker_home, endpoint=Endpoint(tunnel))
    labels = Labels(installation_id(docker_home), "tests", f"ssh-{new_id()}", ContainerPurpose.WORKBENCH, "p", "r", 7)
    made = engine.start(ContainerSpec(labels.subject, workbench_image, ("sleep", "60"), labels, (10_001, 10_002)))
    said: list[bytes] = []
    assert engine.execute(made.id, ["sh", "-c", "seq 20000; exit 3"], output=said.append) == 3
    assert b"".join(said).decode().split() == [str(number) for number in range(1, 20_001)]
    engine.remove(made.id)


def test_an_address_of_ssh_is_answered_with_the_way_to_forward_it(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match=r"forward it \(ssh -nNT -L .* me@there\), then DOCKER_HOST=unix://"):
        DockerEngine(tmp_path, endpoint=Endpoint("ssh://me@there")).facts()


@pytest.mark.docker
def test_an_engine_behind_tls_does_all_that_one_at_a_socket_does(
    guarded: str, certificates: Path, docker_home: Path, workbench_image: str
) -> None:
    engine = DockerEngine(docker_home, endpoint=Endpoint(guarded, certificates))
    labels = Labels(installation_id(docker_home), "tests", f"tls-{new_id()}", ContainerPurpose.WORKBENCH, "p", "r", 7)
    made = engine.start(ContainerSpec(labels.subject, workbench_image, ("sleep", "60"), labels, (10_001, 10_002)))
    said: list[bytes] = []
    assert engine.execute(made.id, ["sh", "-c", "seq 20000; exit 3"], output=said.append) == 3
    assert b"".join(said).decode().split() == [str(number) for number in range(1, 20_001)]
    engine.remove(made.id)


@pytest.mark.docker
def test_an_engine_whose_certificate_is_not_the_known_one_is_not_talked_to(
    guarded: str, certificates: Path, tmp_path: Path
) -> None:
    strange = tmp_path / "strange"
    shutil.copytree(certificates, strange)
    other = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "x", "-subj", "/CN=other"]
    subprocess.run([*other, "-out", "ca.pem"], cwd=strange, check=True, capture_output=True)
    with pytest.raises(EngineUnavailable, match="certificate"):
        DockerEngine(tmp_path, endpoint=Endpoint(guarded, strange)).facts()
