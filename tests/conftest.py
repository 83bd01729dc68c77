"""What all tests share: a clock that they move, a store on both databases, and what a machine must have."""

import os
import pwd
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from hypothesis import HealthCheck, settings

from orket_pipelines.clock import FakeClock
from orket_pipelines.containers import DockerEngine, engine_answers, installation_id, open_engine
from orket_pipelines.containers.model import OWNER
from orket_pipelines.store import Store
from orket_pipelines.store.leases import RENEWAL

settings.register_profile("beside others", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("beside others")

Require = Callable[[str, bool, str], None]
TEMPLATE = "orket_template"
WORKBENCH_IMAGE = os.environ.get("ORKET_WORKBENCH_IMAGE") or "orket-base:bookworm"
E2E_IMAGE = os.environ.get("ORKET_E2E_IMAGE") or "orket-base-e2e:bookworm"
"""Read before the fixture below hides settings from outside."""
START_LIMIT = 30.0
"""Seconds that a PostgreSQL server may take to answer for the first time."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """What stands in SQLite by default can be tried on PostgreSQL: see `make test-postgres`."""
    told = "every test that names no database has one on PostgreSQL"
    parser.addoption("--on-postgresql", action="store_true", help=told)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """A developer's ORKET_* settings must not decide what a test sees; an engine is used where a test asks for it."""
    for name in [name for name in os.environ if name.startswith("ORKET_") and name != "ORKET_REQUIRE"]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("ORKET_ISOLATION", "process")
    if not request.config.getoption("--on-postgresql") or request.node.get_closest_marker("sqlite"):
        yield
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create()
    monkeypatch.setenv("ORKET_DATABASE_URL", url)
    yield
    server.drop(url)


@pytest.fixture(autouse=True)
def _nobody_renews_leases_any_more() -> Iterator[None]:
    """A thread that a test leaves in the database would hold its locks in processes that later tests fork."""
    before = set(threading.enumerate())
    yield
    left = [thread for thread in set(threading.enumerate()) - before if thread.name == RENEWAL]
    assert not left, "the test did not close its LeaseKeeper"


@pytest.fixture(scope="session")
def require() -> Require:
    """`require("browser", available, reason)`: skip where it is missing, fail where ORKET_REQUIRE names it.

    ORKET_REQUIRE is a comma list of docker, browser, postgres, strace and compose; so CI cannot skip in silence.
    """

    def check(resource: str, available: bool, reason: str) -> None:
        if available:
            return
        if resource in os.environ.get("ORKET_REQUIRE", "").split(","):
            pytest.fail(f"ORKET_REQUIRE names {resource}, but {reason}", pytrace=False)
        pytest.skip(reason)

    return check


@pytest.fixture
def clock() -> FakeClock:
    """Time that moves only when the test says so."""
    return FakeClock()


class PostgresServer:
    """A PostgreSQL server of this test session: one socket, nothing durable, gone at the end."""

    def __init__(self, programs: Path, folder: Path) -> None:
        self._folder = folder
        self._made = 0
        # PostgreSQL refuses to run as root.
        self._user = "postgres" if os.getuid() == 0 else None
        if self._user:
            shutil.chown(folder, self._user)
        self._run([programs / "initdb", "--no-sync", "--auth=trust", "--username=orket", "--encoding=UTF8", self._data])
        self._process = self._start(programs / "postgres")
        try:
            self._wait()
            Store.open(self.create(TEMPLATE)).close()
        except BaseException:
            self.stop()
            raise

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of a database of this server."""
        return f"postgresql+psycopg://orket@/{database}?host={self._folder}"

    def create(self, name: str | None = None) -> str:
        """The URL of a new database: empty where it has a name, otherwise with the schema of this release."""
        self._made += 1
        self.execute(f"CREATE DATABASE {name}" if name else f"CREATE DATABASE test_{self._made} TEMPLATE {TEMPLATE}")
        return self.url(name or f"test_{self._made}")

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected to it."""
        database = url.partition("@/")[2].partition("?")[0]
        self.execute(f"DROP DATABASE {database} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        """Run one administrator's statement, outside any transaction."""
        with psycopg.connect(f"host={self._folder} user=orket dbname=postgres", autocommit=True) as connection:
            connection.execute(statement.encode())

    def stop(self) -> None:
        """End the server at once; its data go with the folder."""
        self._process.kill()
        self._process.wait()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _start(self, program: Path) -> "subprocess.Popen[bytes]":
        options = ["listen_addresses=", f"unix_socket_directories={self._folder}", "fsync=off", "full_page_writes=off"]
        # Where the test process itself is killed, the kernel ends the server.
        tether = ["setpriv", "--pdeathsig", "KILL"] if shutil.which("setpriv") else []
        identity = [f"--reuid={self._user}", f"--regid={self._user}", "--clear-groups"] if self._user else []
        command = [*tether, *(identity if tether else []), str(program), "-D", str(self._data)]
        log = (self._folder / "log").open("wb")
        return subprocess.Popen(
            [*command, *(word for option in options for word in ("-c", option))],
            stdout=log,
            stderr=log,
            cwd=self._folder,
            user=None if tether else self._user,
        )

    def _wait(self) -> None:
        deadline = time.monotonic() + START_LIMIT
        while True:
            try:
                return self.execute("SELECT 1")
            except psycopg.OperationalError:
                if time.monotonic() > deadline or self._process.poll() is not None:
                    log = (self._folder / "log").read_text(errors="replace")
                    raise RuntimeError(f"PostgreSQL does not start: {log}") from None
                time.sleep(0.05)

    def _run(self, command: list[Path | str]) -> None:
        subprocess.run(command, user=self._user, cwd=self._folder, check=True, capture_output=True, timeout=60)


def _postgres_programs() -> Path | None:
    """Where initdb and postgres lie: Debian keeps them off the PATH, one folder a version."""
    found = shutil.which("initdb")
    candidates = [Path(found)] if found else sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    return candidates[-1].parent if candidates else None


def _has_unprivileged_user() -> bool:
    return os.getuid() != 0 or any(entry.pw_name == "postgres" for entry in pwd.getpwall())


@pytest.fixture(scope="session")
def postgres(require: Require) -> Iterator[PostgresServer]:
    """A PostgreSQL server; each test process has its own."""
    programs = _postgres_programs()
    require("postgres", programs is not None, "PostgreSQL's initdb is not installed (apt install postgresql)")
    require("postgres", _has_unprivileged_user(), "root needs a user postgres to run PostgreSQL as")
    assert programs is not None
    # Not under pytest's folder, which the server's user may not enter; and a socket's path must be short.
    server = PostgresServer(programs, Path(tempfile.mkdtemp(prefix="orket-pg-")))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with the schema of this release and nothing in it: a copy is made eight times as fast."""
    path = tmp_path_factory.mktemp("template") / "orket.db"
    Store.open(f"sqlite:///{path}").close()
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path, sqlite_template: Path) -> Iterator[str]:
    """The URL of a database of this test's own; for processes that the test starts, too."""
    if request.param == "sqlite":
        shutil.copyfile(sqlite_template, tmp_path / "orket.db")
        yield f"sqlite:///{tmp_path / 'orket.db'}"
        return
    server: PostgresServer = request.getfixturevalue("postgres")
    url = server.create()
    yield url
    server.drop(url)


@pytest.fixture
def store(database_url: str, clock: FakeClock) -> Iterator[Store]:
    """An empty store on each database, on the test's clock."""
    opened = Store.open(database_url, clock=clock)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def workbench_image(require: Require, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of an image with Python, Node and git, on an engine that answers."""
    return _image(require, WORKBENCH_IMAGE, tmp_path_factory.mktemp("engine"))


@pytest.fixture(scope="session")
def e2e_image(require: Require, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The name of an image with a browser besides, on an engine that answers."""
    return _image(require, E2E_IMAGE, tmp_path_factory.mktemp("engine"))


@pytest.fixture
def docker_home(workbench_image: str, tmp_path: Path) -> Iterator[Path]:
    """An ORKET_HOME of this test's own; whatever an engine holds under its `installation_id` is gone afterwards."""
    with emptied(tmp_path / "home") as home:
        yield home


@contextmanager
def emptied(home: Path) -> Iterator[Path]:
    """A home of which the engine holds nothing in the end."""
    home.mkdir()
    yield home
    engine, owner = open_engine(home), {OWNER: installation_id(home)}
    for container in engine.containers(owner):
        engine.remove(container.id)
    for network in engine.networks(owner):
        engine.remove_network(network.id)
    for volume in engine.volumes(owner):
        engine.remove_volume(volume.name)


@pytest.fixture
def docker_engine(docker_home: Path) -> DockerEngine:
    """The machine's engine, for the installation at `docker_home`."""
    return open_engine(docker_home)


def _image(require: Require, name: str, home: Path) -> str:
    require("docker", engine_answers(), "no Docker engine answers (set DOCKER_HOST, or start one)")
    reason = f"image {name} is not on the engine (orket images build, or name another by ORKET_WORKBENCH_IMAGE)"
    require("docker", open_engine(home).find_image(name) is not None, reason)
    return name
