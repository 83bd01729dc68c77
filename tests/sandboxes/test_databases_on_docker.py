"""PostgreSQL, Redis and MariaDB beside a service on a real engine, in images that are built of Debian's packages."""

import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest

from orket_pipelines.containers import DockerEngine, installation_id
from orket_pipelines.containers.model import OWNER
from orket_pipelines.dependencies.model import Installer
from orket_pipelines.sandboxes import DeployedSandboxes, Deployment, Sandbox, SandboxState, open_sandboxes
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store

pytestmark = [pytest.mark.docker, pytest.mark.slow]

# It counts in Redis, and greets PostgreSQL, whose own client asks it more below.
SERVER = """
import http.server, json, os, socket
from urllib.parse import urlsplit

def redis(*words):
    at = urlsplit(os.environ["REDIS_URL"])
    with socket.create_connection((at.hostname, at.port), timeout=5) as line:
        reader = line.makefile("rb")
        for each in (["AUTH", at.password], words):
            line.sendall(f"*{len(each)}\\r\\n".encode() + b"".join(f"${len(w)}\\r\\n{w}\\r\\n".encode() for w in each))
            said = reader.readline().decode().strip()
        return said

def postgres():
    at = urlsplit(os.environ["DATABASE_URL"])
    with socket.create_connection((at.hostname, at.port), timeout=5) as line:
        line.sendall(bytes.fromhex("0000000804d2162f"))
        return line.recv(1).decode()

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        told = {"count": redis("INCR", "visits") if self.path == "/visit" else "", "postgres": postgres()}
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""
GREETED = """
import http.server, os, socket
from urllib.parse import urlsplit

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        at = urlsplit(os.environ["DATABASE_URL"])
        with socket.create_connection((at.hostname, at.port), timeout=5) as line:
            body = line.recv(200)[5:].partition(bytes(1))[0]
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

http.server.ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
"""
ASK_MARIADB = 'MYSQL_PWD=$(cat /run/secrets/database/password) mariadb -h "$HOSTNAME" -u app -NBe "$0" app'
ASK = 'PGPASSWORD=$(cat /run/secrets/database/password) psql -h postgres -U app -d app -v ON_ERROR_STOP=1 -Atc "$0"'


@pytest.fixture
def sandboxes(
    docker_home: Path,
    workbench_image: str,
    docker_engine: DockerEngine,
    installer: Installer,
    database_images: dict[str, str],
) -> Iterator[DeployedSandboxes]:
    settings = Settings(home=docker_home, workbench_image=workbench_image, database_images=database_images)
    store = Store.open(settings.store_url)
    yield open_sandboxes(settings, store, installer, engine=docker_engine)
    store.close()


def deploy(sandboxes: DeployedSandboxes, commit: str, folder: Path, server: str = SERVER, *kinds: str) -> Sandbox:
    folder.mkdir(exist_ok=True)
    service = {"kind": "web", "start": ["python3", "server.py"], "databases": kinds or ("postgres", "redis")}
    (folder / "orket.yaml").write_text(json.dumps({"services": {"api": service}}))
    (folder / "server.py").write_text(server)
    sandbox = sandboxes.deploy(Deployment("shop", "shop", commit, folder), stop=threading.Event())
    assert (sandbox.state, sandbox.note) == (SandboxState.RUNNING, "")
    return sandbox


def visit(sandbox: Sandbox) -> bytes:
    assert sandbox.url is not None
    connection = http.client.HTTPConnection(sandbox.url.removeprefix("http://"), timeout=5)
    connection.request("GET", "/visit")
    found = connection.getresponse().read()
    connection.close()
    return found


def ask(engine: DockerEngine, sandbox: Sandbox, question: str, kind: str = "postgres", how: str = ASK) -> str:
    """What a database answers over the network, with the password of the file."""
    said: list[bytes] = []
    code = engine.execute(f"orket-{sandbox.id[:12]}-{kind}", ["sh", "-c", how, question], output=said.append)
    assert code == 0, said
    return b"".join(said).decode().strip()


def test_databases_serve_keep_their_data_show_no_secret_and_go(
    sandboxes: DeployedSandboxes, docker_engine: DockerEngine, docker_home: Path, tmp_path: Path
) -> None:
    first = deploy(sandboxes, "c1", tmp_path / "checkout")
    assert json.loads(visit(first)) == {"count": ":1", "postgres": "N"}
    assert ask(docker_engine, first, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)").endswith("INSERT 0 1")

    second = deploy(sandboxes, "c2", tmp_path / "checkout")
    assert json.loads(visit(second))["count"] == ":2"
    sandboxes.stop(second)
    third = deploy(sandboxes, "c3", tmp_path / "checkout")
    assert json.loads(visit(third))["count"] == ":3"
    assert ask(docker_engine, third, "SELECT n FROM kept") == "7"
    assert set(sandboxes.logs(third)) == {"api", "postgres", "redis"}

    owned = {OWNER: installation_id(docker_home)}
    passwords = [path.read_text() for path in sandboxes.folder_of(third.id).glob("secrets/*/password")]
    client = docker.from_env()
    shown = [json.dumps(client.api.inspect_container(each.id)) for each in docker_engine.containers(owned)]
    assert len(shown) == 4
    assert len(passwords) == 2
    assert not [password for password in passwords for each in shown if password in each]
    published = [
        client.api.inspect_container(each.id)["NetworkSettings"]["Ports"] for each in docker_engine.containers(owned)
    ]
    # Of the forwarder alone: the service's, and the one for probes.
    assert sorted(sum(map(bool, ports.values())) for ports in published) == [0, 0, 0, 2]

    sandboxes.down(third)
    assert (docker_engine.containers(owned), docker_engine.volumes(owned), docker_engine.networks(owned)) == (
        [],
        [],
        [],
    )
    assert not sandboxes.folder_of(third.id).exists()


def test_mariadb_stands_for_mysql_too_takes_the_passwords_of_their_files_and_keeps_its_data(
    sandboxes: DeployedSandboxes, docker_engine: DockerEngine, tmp_path: Path
) -> None:
    first = deploy(sandboxes, "c1", tmp_path / "checkout", GREETED, "mysql", "mariadb")
    assert b"MariaDB" in visit(first)
    for kind in ("mysql", "mariadb"):
        ask(docker_engine, first, "CREATE TABLE kept (n int); INSERT INTO kept VALUES (7)", kind, ASK_MARIADB)
    sandboxes.stop(first)

    second = deploy(sandboxes, "c2", tmp_path / "checkout", GREETED, "mysql", "mariadb")
    for kind in ("mysql", "mariadb"):
        assert ask(docker_engine, second, "SELECT n FROM kept", kind, ASK_MARIADB) == "7"
        password = next(sandboxes.folder_of(second.id).glob(f"secrets/{kind}/password")).read_text()
        assert password not in json.dumps(docker.from_env().api.inspect_container(f"orket-{second.id[:12]}-{kind}"))
    wrong = ["sh", "-c", 'MYSQL_PWD=wrong mariadb -h "$HOSTNAME" -u app -e "SELECT 1" app']
    assert docker_engine.execute(f"orket-{second.id[:12]}-mariadb", wrong, output=lambda _: None) == 1
    sandboxes.down(second)
