"""`orket dev` over a home of its own, with a few small rocks in it, and a page of Chromium."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from .desk import Desk, set_up

ROOT = Path(__file__).parents[2]
ROCKS = Path(__file__).parent / "rocks"
ORKET = (sys.executable, "-c", "from orket_pipelines.cli import main; main()")
# Read here, as no test sees ORKET_* settings from outside.
UPDATE = os.environ.get("ORKET_UPDATE_PICTURES") == "1"
"""Whether the pictures of the README are taken anew: of the example then, which takes its time."""
START_LIMIT = 90.0
"""Seconds until the UI answers with our definitions loaded, on a busy machine."""
UI_LIMIT = 60_000
"""Milliseconds that the UI may take for one thing."""
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]


@dataclass(frozen=True)
class Factory:
    """A home, the UI over it, and the terminal beside it."""

    home: Path
    url: str
    environment: dict[str, str]

    def orket(self, *arguments: str, succeeds: bool = True) -> str:
        """What a command prints."""
        command = [*ORKET, *arguments]
        done = subprocess.run(
            command, env=self.environment, cwd=ROOT, capture_output=True, text=True, timeout=90, check=False
        )
        assert (done.returncode == 0) is succeeds, done.stdout + done.stderr
        return done.stdout

    def states(self, rock: str) -> dict[str, str]:
        """The state of each card of a rock, as the terminal says it."""
        cards = json.loads(self.orket("cards", "list", "--json"))
        return {card["id"]: card["state"] for card in cards if card["id"].startswith(rock)}

    def ask(self, query: str, **variables: Any) -> Any:
        """An answer of Dagster's own API."""
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = urllib.request.Request(f"{self.url}/graphql", body, {"Content-Type": "application/json"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own server
            return json.load(answer)["data"]


def equip(folder: Path, home: Path, rocks: Sequence[Path], **environment: str) -> Factory:
    """A home into which these rocks are imported; their scripts can be played. Nothing serves it yet."""
    playbooks = folder / "playbooks"
    playbooks.mkdir()
    for rock in rocks:
        (playbooks / rock.name).symlink_to(rock)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("ORKET_", "DAGSTER_"))}
    given = {"ORKET_HOME": str(home), "ORKET_PLAYBOOKS": str(playbooks), **environment}
    made = Factory(home, f"http://127.0.0.1:{_free_port()}", kept | given)
    for rock in rocks:
        made.orket("cards", "import", str(rock / "cards"))
    return made


@contextmanager
def serving(factory: Factory, folder: Path, *, rock: str) -> Iterator[None]:
    """`orket dev` over it, once its first sensor tick has made a partition of `rock`."""
    log = folder / "dev.log"
    with log.open("w") as output:
        command = [*ORKET, "dev", "--port", factory.url.rpartition(":")[2]]
        process = subprocess.Popen(command, env=factory.environment, cwd=folder, stdout=output, stderr=output)
        try:
            _wait_until(lambda: _is_loaded(factory, rock), START_LIMIT, log)
            yield
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


@pytest.fixture(scope="module")
def factory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Factory]:
    """The small rocks wait to be delivered; the terminal has delivered `quay`, and left `wreck` blocked.

    For pictures the example is there too.
    """
    folder = tmp_path_factory.mktemp("acceptance")
    rocks = [*sorted(ROCKS.iterdir()), *([ROOT / "examples" / "todo"] if UPDATE else [])]
    made = equip(folder, folder / "home", rocks, ORKET_ISOLATION="process")
    made.orket("rocks", "deliver", "quay")
    made.orket("rocks", "deliver", "wreck", succeeds=False)
    with serving(made, folder, rock=rocks[-1].name):
        yield made
    made.orket("sandboxes", "down", "--all")


@pytest.fixture(scope="module")
def browser(require: Callable[[str, bool, str], None]) -> Iterator[Browser]:
    """Chromium, as the machine has it. Playwright keeps an event loop in this thread, so no other file may find it."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    require("browser", found is not None, "Chromium is not installed")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A window as large as the README's picture."""
    opened = browser.new_page(viewport={"width": 1600, "height": 900})
    opened.set_default_timeout(UI_LIMIT)
    expect.set_options(timeout=UI_LIMIT)
    yield opened
    opened.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_loaded(factory: Factory, rock: str) -> bool:
    """Whether the UI answers, and knows the rock."""
    try:
        found = factory.ask('{ assetNodes(assetKeys: [{path: ["rocks"]}]) { partitionKeys } }')["assetNodes"]
    except OSError:
        return False
    return bool(found) and rock in found[0]["partitionKeys"]


def _wait_until(holds: Callable[[], bool], limit: float, log: Path) -> None:
    deadline = time.monotonic() + limit
    while not holds():
        assert time.monotonic() < deadline, log.read_text()[-4_000:]
        time.sleep(0.5)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """Nothing is in the store yet; pier.yaml lies ready."""
    return set_up(tmp_path)


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the rock in the store, to be copied."""
    made = set_up(tmp_path_factory.mktemp("imported"))
    assert made.orket("cards", "import", "pier.yaml").code == 0
    return made.home


@pytest.fixture
def pier(desk: Desk, imported: Path) -> Desk:
    """A desk with the rock in the store."""
    shutil.copytree(imported, desk.home)
    return desk
