"""What a delivery needs of this machine, looked at one by one."""

import json
import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Literal
from urllib.request import Request, urlopen

from pydantic import SecretStr
from sqlalchemy.engine import make_url

from orket_pipelines.agents.models.catalog import check_names, model_names, server_of, setting_of
from orket_pipelines.clock import SystemClock
from orket_pipelines.containers import engine_answers, open_engine
from orket_pipelines.delivery.isolation import what_processes_lack
from orket_pipelines.errors import OrketError, SettingsError
from orket_pipelines.git.version import find_git, is_new_enough
from orket_pipelines.model_settings import NamedModel
from orket_pipelines.review import rules_of
from orket_pipelines.settings import SCRIPTED, Settings
from orket_pipelines.store import Store

PYTHON = (3, 11)
ROOM = 2
"""GiB on the disk of ORKET_HOME: the environment, checkouts and the log of events need about one."""
PORT = 3000
PATIENCE = 5.0
"""Seconds that a model's server may take to answer."""
ANSWER_LIMIT = 1_000_000
"""Bytes of its list of models that are read."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it stands, and what to do about it."""

    name: str
    status: Literal["ok", "warn", "fail"]
    found: str
    next: str = ""


def examine(load: Callable[[], Settings], *, abilities: bool = False) -> Iterator[Finding]:
    """One finding after the other, the rest going on where one fails; `load` reads the settings, and may refuse."""
    yield check_python()
    yield check_git()
    try:
        settings = load()
    except OrketError as error:
        yield Finding("settings", "fail", str(error), error.next_step)
        return
    checks: list[Callable[[Settings], Finding]] = [check_disk, check_home, check_store, check_reviews]
    for check in checks:
        yield check(settings)
    yield from check_models(settings)
    if abilities:
        yield from check_abilities(settings)
    yield check_engine(settings)
    yield check_processes(settings)
    yield check_port()


def check_python() -> Finding:
    """Old Pythons do not come this far, but one may be named by mistake."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] < PYTHON:
        return Finding("python", "fail", found, "Use Python 3.11 or newer.")
    return Finding("python", "ok", f"{found} at {sys.executable}")


def check_git() -> Finding:
    """Git merges without a work tree since 2.38."""
    version = find_git()
    if version is None:
        return Finding("git", "fail", "not installed", "Install git (on Debian: apt-get install git).")
    if not is_new_enough(version):
        return Finding(
            "git", "fail", version, "Install git 2.38 or newer: its merge-tree merges without touching files."
        )
    return Finding("git", "ok", version)


def check_disk(settings: Settings) -> Finding:
    """The disk that ORKET_HOME lies on, or will."""
    free = shutil.disk_usage(_nearest(settings.home)).free / 2**30
    if free < ROOM:
        return Finding("disk", "warn", f"{free:.1f} GiB free", "Free some space where ORKET_HOME lies.")
    return Finding("disk", "ok", f"{free:.0f} GiB free")


def check_home(settings: Settings) -> Finding:
    """Whether this user may write there."""
    home = settings.home.resolve()
    nearest = _nearest(home)
    if not nearest.is_dir() or not os.access(nearest, os.W_OK | os.X_OK):
        return Finding(
            "home", "fail", f"{home} cannot be written to", "Name another folder: ORKET_HOME=/path/to/folder"
        )
    return Finding("home", "ok", str(home))


def check_store(settings: Settings) -> Finding:
    """Whether the database opens and has the schema of this release; it is made where there is none."""
    try:
        Store.open(settings.store_url, workspace_id=settings.workspace).close()
    except OrketError as error:
        return Finding("store", "fail", str(error), error.next_step)
    return Finding("store", "ok", make_url(settings.store_url).render_as_string(hide_password=True))


def check_reviews(settings: Settings) -> Finding:
    """Whether the rules of reviews fit together, and the reviewers can review."""
    try:
        rules = rules_of(settings)
    except OrketError as error:
        return Finding("reviews", "fail", str(error), error.next_step)
    needed = rules.required or len(rules.reviewers)
    return Finding("reviews", "ok", f"by {', '.join(rules.reviewers)}; {needed} must approve")


def check_models(settings: Settings) -> Iterator[Finding]:
    """Whether the models fit together, and the server of each answers and has it."""
    try:
        check_names(settings)
    except SettingsError as error:
        yield Finding("model", "fail", str(error), error.next_step)
    for name in model_names(settings):
        yield check_model(settings, name)


def check_model(settings: Settings, name: str) -> Finding:
    """Whether the server of one model answers, and has it."""
    if name == SCRIPTED:
        advice = "For a language model: ORKET_MODEL=name ORKET_MODEL_BASE_URL=http://127.0.0.1:11434/v1"
        return Finding("model", "ok", "scripted: it plays the examples, and is no language model", advice)
    try:
        return _ask_for_models(settings, name, server_of(settings, name))
    except SettingsError as error:
        return Finding("model", "fail", f"{name}, but no server", error.next_step)


def check_abilities(settings: Settings) -> Iterator[Finding]:
    """Whether each language model makes a tool call that it is asked for, which may cost a little."""
    from orket_pipelines.agents.models import open_models
    from orket_pipelines.agents.models.probe import probe

    for name in model_names(settings):
        if name == SCRIPTED:
            yield Finding("ability", "ok", "scripted: it plays the examples, and cannot be asked anything else")
            continue
        try:
            found = probe(open_models(settings), name, settings, SystemClock())
        except OrketError as error:
            yield Finding("ability", "fail", str(error), error.next_step)
            continue
        step = "" if found.able else "Choose another model (orket models list), or tell its server to offer tools."
        yield Finding("ability", "ok" if found.able else "fail", f"{name}: {found.told} ({found.used})", step)


def check_engine(settings: Settings) -> Finding:
    """Whether an engine answers, how well it isolates, and whether it has the images."""
    if not engine_answers():
        advice = "Start Docker, or name an engine by DOCKER_HOST; without one, commands run as processes of this user."
        return Finding("engine", "warn", "no container engine answers", advice)
    engine = open_engine(settings.home, settings.container_tier)
    try:
        facts = engine.facts()
        images = dict.fromkeys((settings.workbench_image, settings.e2e_image))
        lacking = [name for name in images if engine.find_image(name) is None]
    except SettingsError as error:
        return Finding("engine", "fail", str(error), error.next_step)
    except OrketError as error:
        return Finding("engine", "warn", str(error), error.next_step)
    networks = "sealed" if facts.seals else "open to this host"
    told = "; ".join([f"{facts.version}, isolation {facts.tier}, networks {networks}", *facts.warnings])
    if lacking:
        return Finding("engine", "warn", f"{told}; it lacks {' and '.join(lacking)}", "orket images build")
    return Finding("engine", "warn" if facts.warnings else "ok", told)


def check_port() -> Finding:
    """Whether `orket dev` could listen."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", PORT))
        except OSError:
            return Finding("port", "warn", f"{PORT} is taken", "Choose another: orket dev --port 3001")
    return Finding("port", "ok", f"{PORT} is free")


def check_processes(settings: Settings) -> Finding:
    """What pages and their browser suites need here where they do not run in containers."""
    missing = what_processes_lack(settings)
    if missing:
        told = "Only needed where no container engine answers. Install what is missing, or start Docker."
        return Finding("processes", "warn", f"without containers, pages need {'; '.join(missing)}", told)
    return Finding("processes", "ok", "Node, npm and a browser are here for pages, should there be no containers")


def _ask_for_models(settings: Settings, name: str, server: NamedModel) -> Finding:
    url, place = f"{server.base_url.rstrip('/')}/models", setting_of(settings, name, "base_url")
    try:
        names = [str(model["id"]) for model in json.loads(_get(url, server.api_key))["data"]]
    except OSError as error:
        return Finding("model", "fail", f"{url}: {error}", f"Start the server, or correct {place} and its key.")
    except (ValueError, KeyError, TypeError, HTTPException) as error:
        reason = f"{url} does not answer as an OpenAI-compatible server: {type(error).__name__}"
        return Finding("model", "fail", reason, f"Correct {place}; it ends in /v1.")
    wanted = server.model or name
    if wanted not in names:
        has = ", ".join(names[:10]) or "none"
        step = f"Set {setting_of(settings, name, 'model')} to one."
        return Finding("model", "fail", f"the server has no {wanted!r}; it has: {has}", step)
    return Finding("model", "ok", f"{name} at {server.base_url}")


def _get(url: str, key: SecretStr | None) -> bytes:
    """What the server says. Raises: OSError or HTTPException."""
    headers = {"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}
    with urlopen(Request(url, headers=headers), timeout=PATIENCE) as answer:  # noqa: S310 - the settings take no other scheme
        return bytes(answer.read(ANSWER_LIMIT))


def _nearest(path: Path) -> Path:
    """The path itself, or the nearest folder above it that exists."""
    absolute = path.absolute()
    return next((each for each in (absolute, *absolute.parents) if each.exists()), absolute)
