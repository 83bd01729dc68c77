import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from orket_pipelines.sandboxes import gateway
from orket_pipelines.sandboxes.compose import ComposeFrame, compose_document
from orket_pipelines.sandboxes.compose_text import compose_text
from orket_pipelines.sandboxes.databases import kinds
from orket_pipelines.sandboxes.detection import detect
from orket_pipelines.sandboxes.model import Detection, Plan, Service, ServiceKind
from orket_pipelines.sandboxes.planning import plan
from orket_pipelines.sandboxes.presets import preset_names, read_preset
from tests.conftest import Require

API = Service("api", "fastapi", ServiceKind.WEB, ".", start=("python", "-m", "x", "--port", "{port}"), port=8000)
PAGE = Service("web", "vite", ServiceKind.SPA, "web", build=("npm", "run", "build"), output="dist")
PLAN = plan(Detection((API, PAGE)))
STORING = plan(Detection((replace(API, databases=("redis", "postgres")), PAGE)))
IMAGES = {kind: f"{kind}:1" for kind in kinds()}
HOSTILE = plan(Detection((replace(API, folder="a: ${HOME}", databases=tuple(kinds())), PAGE)))
PROGRAMS = (["docker", "compose"], ["docker-compose-v2"], ["docker-compose"])
FRAME = ComposeFrame(
    source=Path("/home/me/shop"),
    image="orket-workbench:1",
    user=(10_001, 10_001),
    bridge="orkt-1",
    ports={"web": 8080},
    labels={"orket.subject": "shop"},
)


def document(made: Plan = PLAN, frame: ComposeFrame = FRAME) -> dict[str, Any]:
    return compose_document(made, frame)


def test_every_container_is_held_by_the_same_bounds() -> None:
    for service in document()["services"].values():
        assert {
            "user": "10001:10001",
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges:true"],
            "read_only": True,
            "init": True,
            "tmpfs": ["/tmp:rw,noexec,nosuid,nodev,mode=1777,size=268435456"],
            "mem_limit": 2 * 1024**3,
            "memswap_limit": 2 * 1024**3,
            "cpus": 2.0,
            "pids_limit": 256,
            "logging": {"driver": "local", "options": {"max-size": "5m", "max-file": "2"}},
            "labels": {"orket.subject": "shop"},
        }.items() <= service.items()
        assert not {"privileged", "cap_add", "devices", "network_mode", "pid", "ipc"} & set(service)


def test_what_one_of_the_two_programs_refuses_is_not_in_it() -> None:
    assert set(document()) == {"services", "networks", "volumes"}


def test_only_the_front_is_published_and_only_on_this_host() -> None:
    published = {name: service.get("ports") for name, service in document()["services"].items()}
    assert published == {"api_prepare": None, "api": None, "web_prepare": None, "web": ["127.0.0.1:8080:8080"]}


def test_what_runs_reaches_nothing_outside_and_what_prepares_reaches_packages() -> None:
    made = document()
    assert {name: service["networks"] for name, service in made["services"].items()} == {
        "api_prepare": ["packages"],
        "api": ["sandbox"],
        "web_prepare": ["packages"],
        "web": ["sandbox"],
    }
    assert made["networks"]["sandbox"]["driver_opts"] == {
        "com.docker.network.bridge.enable_ip_masquerade": "false",
        "com.docker.network.bridge.name": "orkt-1",
    }


def test_the_repository_is_mounted_for_reading_alone() -> None:
    mounts = [mount for service in document()["services"].values() for mount in service["volumes"]]
    binds = [mount for mount in mounts if mount["type"] == "bind"]
    assert binds == [{"type": "bind", "source": "/home/me/shop", "target": "/source", "read_only": True}] * 2


def test_the_page_is_served_by_the_gateway_which_knows_its_routes() -> None:
    command = document()["services"]["web"]["command"]
    assert command[:3] == ["python3", "-I", "-c"]
    assert command[3] == gateway.source().replace("$", "$$")
    assert command[4:] == [
        *("--root", "/var/tmp/project/web/dist", "--route", "/api=http://api:8000"),
        *("--port", "8080", "--host", "0.0.0.0"),  # noqa: S104 - data
    ]


def test_a_service_starts_on_its_port_once_it_is_prepared() -> None:
    service = document()["services"]["api"]
    assert service["command"] == ["python", "-m", "x", "--port", "8000"]
    assert service["depends_on"] == {"api_prepare": {"condition": "service_completed_successfully"}}
    assert service["restart"] == "on-failure:3"


def test_names_that_compose_would_take_for_variables_stay_as_they_are() -> None:
    made = plan(Detection((replace(API, folder="a${HOME}", start=("$SHELL",)),)))
    services = document(made, replace(FRAME, source=Path("/x/$USER")))["services"]
    assert services["api"]["command"] == ["$$SHELL"]
    assert services["api"]["working_dir"] == "/var/tmp/project/a$${HOME}"
    assert services["api_prepare"]["volumes"][0]["source"] == "/x/$$USER"


def test_the_text_is_the_same_each_time_and_says_what_the_document_says() -> None:
    assert compose_text(document()) == compose_text(document())
    assert yaml.safe_load(compose_text(document())) == document()
    assert "&id" not in compose_text(document())


def test_databases_are_held_as_services_are_and_reached_by_siblings_alone() -> None:
    made = document(STORING, replace(FRAME, database_images=IMAGES))
    database = made["services"]["postgres"]

    assert (database["image"], database["user"], database["cap_drop"]) == ("postgres:1", "10001:10001", ["ALL"])
    assert database["read_only"]
    assert "ports" not in database
    assert database["tmpfs"][1].startswith("/var/run/postgresql:rw,noexec,nosuid,nodev,uid=10001,gid=10001,mode=0700")
    assert database["networks"] == ["sandbox"]
    assert database["healthcheck"]["test"][:4] == ["CMD", "pg_isready", "--quiet", "--host"]
    assert database["depends_on"] == {
        "postgres_secrets": {"condition": "service_completed_successfully"},
        "postgres_data": {"condition": "service_completed_successfully"},
    }
    assert set(made["volumes"]) == {"api", "web", "postgres_secrets", "postgres_data", "redis_secrets", "redis_data"}


def test_what_makes_a_password_has_no_network_and_the_document_holds_none() -> None:
    service = document(STORING, replace(FRAME, database_images=IMAGES))["services"]["redis_secrets"]
    assert service["network_mode"] == "none"
    assert service["command"][3:6] == ["prepare", "redis.conf", kinds()["redis"].files["redis.conf"]]
    assert "export REDIS_URL='redis://:{password}@redis:6379/0'\n" in service["command"][7]


def test_a_service_waits_for_its_databases_and_the_first_of_them_has_the_last_word() -> None:
    service = document(STORING, replace(FRAME, database_images=IMAGES))["services"]["api"]
    assert service["command"][2] == (
        '. /run/secrets/redis/environment && . /run/secrets/postgres/environment && exec "$$@"'
    )
    assert service["command"][4:] == ["python", "-m", "x", "--port", "8000"]
    assert service["depends_on"]["postgres"] == {"condition": "service_healthy"}
    assert [mount["target"] for mount in service["volumes"]][1:] == ["/run/secrets/postgres", "/run/secrets/redis"]


def test_a_kind_without_an_image_is_left_out() -> None:
    assert set(document(STORING)["services"]) == set(document()["services"])


@pytest.fixture(scope="module", params=["1.", "2."], ids=["v1", "v2"])
def program(request: pytest.FixtureRequest, require: Require) -> list[str]:
    """Compose of either version, by whichever name it is installed."""
    found = next((each for each in PROGRAMS if request.param in _version(each)), None)
    require("compose", found is not None, f"Compose {request.param}x is not installed")
    return found or []


@pytest.mark.docker
@pytest.mark.parametrize("name", ["hostile", *preset_names()])
def test_compose_programs_accept_the_document(program: list[str], name: str, tmp_path: Path) -> None:
    written = document(_plan(name, tmp_path), replace(FRAME, database_images=IMAGES))
    done = _run([*program, "-p", "orket-test", "-f", "-", "config"], compose_text(written))
    assert done.returncode == 0, done.stderr
    read = yaml.safe_load(done.stdout)
    assert set(read["services"]) == set(written["services"])
    assert _folders(read) == _folders(written)


def _folders(document: dict[str, Any]) -> dict[str, str]:
    """Where each service works, as it is meant."""
    return {name: each.get("working_dir", "").replace("$$", "$") for name, each in document["services"].items()}


def _plan(name: str, folder: Path) -> Plan:
    """That of a preset, or the hostile one."""
    if name == "hostile":
        return HOSTILE
    for each in ("backend", "frontend"):
        (folder / each).mkdir()
    (folder / "orket.yaml").write_text(read_preset(name))
    return plan(detect(folder))


def _version(program: list[str]) -> str:
    """`1.29.2`; nothing where it is not installed."""
    done = _run([*program, "version", "--short"]) if shutil.which(program[0]) else None
    return done.stdout.strip().removeprefix("v") if done and done.returncode == 0 else ""


def _run(command: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, input=text, capture_output=True, text=True, check=False, timeout=60)
