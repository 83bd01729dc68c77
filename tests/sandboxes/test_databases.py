"""Databases beside services, as data and as the engine in memory sees them."""

import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from orket_pipelines.clock import FakeClock
from orket_pipelines.containers import ContainerPurpose, ContainerSpec, FolderMount, VolumeMount
from orket_pipelines.containers.defaults import command_user
from orket_pipelines.containers.memory_engine import MemoryEngine
from orket_pipelines.dependencies.model import Environment
from orket_pipelines.errors import DetectionError, SandboxError
from orket_pipelines.sandboxes.databases import Database, databases_of, kinds, settings_for, write_secrets
from orket_pipelines.sandboxes.detection import detect
from orket_pipelines.sandboxes.model import Plan, Service, ServiceKind
from orket_pipelines.sandboxes.on_engine import ContainerRuntime
from orket_pipelines.sandboxes.opening import station_of
from orket_pipelines.sandboxes.runtime import PROBE, Generation, Handles
from orket_pipelines.settings import Settings

KINDS = ("postgres", "mysql", "mariadb", "mongo", "redis")
API = Service("api", "declared", ServiceKind.WEB, ".", start=("serve",), port=8000, databases=KINDS)
PAGE = Service("web", "declared", ServiceKind.STATIC, ".")
ME = command_user()


class Place:
    """An engine in memory, and one sandbox on it. Databases answer with `ready`, one exit code after the other."""

    def __init__(self, home: Path, *services: Service) -> None:
        self.specs: dict[str, ContainerSpec] = {}
        self.ready: list[int] = []
        self.clock = FakeClock()
        self.engine = MemoryEngine(home, self._run, clock=self.clock)
        self.settings = Settings(home=home, workbench_image="image", sandbox_start_timeout=5)
        folder = home / "sandboxes" / "default" / "one" / "1"
        (folder / "source").mkdir(parents=True)
        self.generation = Generation(
            "one",
            1,
            Plan(services, services[0].name),
            folder,
            Environment("none"),
            {"api": 28_000, "web": 28_001, PROBE: 28_002},
        )

    def runtime(self, **changed: str) -> ContainerRuntime:
        images = self.settings.database_images | changed
        return ContainerRuntime(self.engine, replace(station_of(self.settings), database_images=images), self.clock)

    def start(self, **changed: str) -> Handles:
        return self.runtime(**changed).start(self.generation, {})

    def names(self) -> list[str]:
        return sorted(each.name for each in self.engine.containers({}))

    def _run(self, spec: ContainerSpec, command: Sequence[str]) -> tuple[int | None, str]:
        self.specs[spec.name] = spec
        if tuple(command) == spec.command:
            return None, "up"
        return (self.ready.pop(0) if self.ready else 0), ""


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path, API, PAGE)


def test_there_are_the_five_kinds_and_each_tells_services_where_it_is() -> None:
    assert tuple(kinds()) == KINDS
    for kind in KINDS:
        told = Database(kind, "db").settings("secret")
        assert any("db" in value and "secret" in value and str(kinds()[kind].port) in value for value in told.values())
        assert not any("{" in value for value in told.values())


def test_the_first_database_has_the_usual_name_and_the_others_have_their_own() -> None:
    databases = (Database("postgres", "postgres"), Database("mongo", "mongo"), Database("redis", "redis"))
    told = settings_for(databases, {"postgres": "p", "mongo": "m", "redis": "r"})

    assert told["DATABASE_URL"] == "postgresql://app:p@postgres:5432/app"
    assert told["MONGODB_URI"] == "mongodb://app:m@mongo:27017/app?authSource=admin"
    assert told["REDIS_URL"] == "redis://:r@redis:6379/0"


def test_services_share_a_database_and_none_takes_the_name_of_a_service() -> None:
    two = replace(API, name="redis", databases=("redis", "sqlite"))
    found = databases_of(Plan((replace(API, databases=("postgres", "redis")), two), "api"))
    assert found == (Database("postgres", "postgres"), Database("redis", "redis-database"))


def test_secrets_are_made_once_and_their_owner_alone_reads_them(tmp_path: Path) -> None:
    databases = (Database("postgres", "postgres"), Database("redis", "redis"))
    write_secrets(tmp_path, databases, ME)
    password = (tmp_path / "redis" / "password").read_text()
    assert len(password) == 48
    assert (tmp_path / "redis" / "redis.conf").read_text().startswith(f"requirepass {password}\n")
    assert f"export REDIS_PASSWORD='{password}'\n" in (tmp_path / "settings" / "environment").read_text()
    for path in tmp_path.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o400)
        assert (path.stat().st_uid, path.stat().st_gid) == ME

    before = {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()}
    write_secrets(tmp_path, databases, ME)
    assert {path: path.read_text() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("kind", KINDS)
def test_a_database_is_held_as_services_are_and_nobody_outside_reaches_it(place: Place, kind: str) -> None:
    place.start()
    spec = place.specs[f"orket-one-{kind}"]

    assert (spec.image, spec.command) == (place.settings.database_images[kind], kinds()[kind].command)
    assert (spec.ports, spec.aliases, spec.user) == ((), (kind,), ME)
    assert spec.mounts == (
        VolumeMount(f"orket-one-{kind}", kinds()[kind].data, read_only=False),
        FolderMount(place.generation.secrets / kind, "/run/secrets/database", read_only=True),
    )
    assert (spec.labels.purpose, spec.labels.expires) == (ContainerPurpose.DATABASE, None)


def test_no_password_stands_in_what_the_engine_shows(place: Place) -> None:
    place.start()
    passwords = [path.read_text() for path in place.generation.secrets.glob("*/password")]
    assert len(passwords) == len(KINDS)
    assert not [spec for spec in place.specs.values() if any(password in repr(spec) for password in passwords)]


def test_services_that_talk_to_one_are_told_by_a_file_and_others_are_not(place: Place) -> None:
    place.start()
    api, web = place.specs["orket-one-1-api"], place.specs["orket-one-1-web"]
    assert api.command[2].startswith(". /run/secrets/settings/environment && ")
    assert FolderMount(place.generation.secrets / "settings", "/run/secrets/settings", read_only=True) in api.mounts
    assert not any("secrets" in mount.target for mount in web.mounts)


def test_services_start_once_their_databases_take_connections(place: Place) -> None:
    place.ready = [2, 1, 0]
    handles = place.start()
    created = [entry["spec"]["name"] for entry in place.engine.journal if entry["call"] == "create"]

    # What carries connections waits for nobody.
    assert [name for name in created if "forwarder" not in name][:5] == [f"orket-one-{kind}" for kind in KINDS]
    assert [name for name, _ in place.engine.commands].count("orket-one-postgres") == 3
    assert set(place.runtime().conditions("one", handles)) == {*KINDS, "api", "web"}


def test_one_that_never_gets_ready_is_this_machines_fault(place: Place) -> None:
    place.ready = [1] * 1000
    with pytest.raises(SandboxError, match="postgres took no connection within 5 s: up") as raised:
        place.start()
    assert "ORKET_DATABASE_IMAGES" in raised.value.next_step


def test_databases_and_their_data_outlive_generations_and_go_with_the_sandbox(place: Place) -> None:
    handles = place.start()
    runtime, kept = place.runtime(), place.engine.find("orket-one-postgres")
    runtime.clear("one", handles, keep=False)
    assert place.names() == sorted(f"orket-one-{kind}" for kind in KINDS)
    place.start()
    assert place.engine.find("orket-one-postgres") == kept

    runtime.remove("one", handles)
    assert (place.engine.containers({}), place.engine.volumes({})) == ([], [])


def test_one_that_stopped_is_started_over_its_data_and_one_that_nobody_wants_is_ended(place: Place) -> None:
    handles = place.start()
    place.runtime().halt("one", handles)
    place.runtime().clear("one", handles, keep=False)
    place.generation = replace(place.generation, plan=Plan((replace(API, databases=("redis",)), PAGE), "api"))
    place.start()

    assert place.names() == ["orket-one-1-api", "orket-one-1-web", "orket-one-forwarder", "orket-one-redis"]
    assert len(place.engine.volumes({})) == len(KINDS)


def test_a_kind_without_an_image_is_not_provided(tmp_path: Path) -> None:
    place = Place(tmp_path, replace(API, databases=("mongo",)))
    assert place.start(mongo="")["databases"] == {}
    assert not place.specs["orket-one-1-api"].command[2].startswith(".")


def test_an_image_that_is_not_there_is_pulled(tmp_path: Path) -> None:
    place = Place(tmp_path, replace(API, databases=("mongo",)))
    place.engine.missing_images.add("mongo:7.0")
    place.start()
    assert place.engine.asked["pull"] == 1


def test_a_repository_says_itself_which_databases_a_service_needs(tmp_path: Path) -> None:
    service = "services: {api: {kind: web, start: [serve], databases: [%s]}}\n"
    (tmp_path / "orket.yaml").write_text(service % "redis, postgres")
    assert detect(tmp_path).services[0].databases == ("redis", "postgres")
    (tmp_path / "orket.yaml").write_text(service % "oracle")
    with pytest.raises(DetectionError, match=r"services\.api\.databases"):
        detect(tmp_path)
