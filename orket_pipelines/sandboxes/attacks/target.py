"""Two sandboxes to attack one from the other, deployed as any other is: by the product's own way, from a checkout that
means harm."""

import secrets
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from orket_pipelines.containers import installation_id
from orket_pipelines.containers.isolation import Tier
from orket_pipelines.containers.model import OWNER
from orket_pipelines.containers.port import Engine
from orket_pipelines.dependencies.model import Environment
from orket_pipelines.errors import SandboxError
from orket_pipelines.git.folders import held, remove
from orket_pipelines.sandboxes.deploying import DeployedSandboxes
from orket_pipelines.sandboxes.model import Deployment, Sandbox, SandboxState
from orket_pipelines.sandboxes.opening import open_sandboxes
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store

FOLDER = "attacks"
"""Below ORKET_HOME: an installation of its own, of which nothing is left."""
MEMORY, PROCESSES, CORES = 1024**3, 128, 1.0
"""The limits of both sandboxes: as small as shows that limits hold, and above what their scratch folders take."""
COMMAND = "touch orket-hostile-name"
ROCKS = ("neighbour", f"../../{'x' * 150}; $({COMMAND}) `{COMMAND}` '\" & | > ../orket-hostile-name")
SERVICE_FOLDER = f"a b; $({COMMAND}) `{COMMAND}` '\" && {COMMAND} #"
MANIFEST = """
services:
  service:
    kind: web
    folder: {folder}
    start: [python3, -m, http.server, "{{port}}", --bind, 0.0.0.0]
    port: 8000
"""
HOSTILE = {"docker-compose.yml": "docker-compose.yml", "Dockerfile": "Dockerfile", "dotenv": ".env"}
"""Files of `checkout/`, and what they are called in a repository."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The sandbox whose neighbour is measured, and the one that attacks. `secret` stands in files of `home`."""

    home: Path
    engine: Engine
    neighbour: Sandbox
    hostile: Sandbox
    secret: str

    @property
    def owner(self) -> dict[str, str]:
        """The label of all that belongs to them."""
        return {OWNER: installation_id(self.home)}


class NothingToInstall:
    """Neither checkout names a dependency."""

    def prepare(self, checkout: Path, *, subject: str, stop: threading.Event) -> Environment:
        """Nothing."""
        del checkout, subject, stop
        return Environment("none")

    def key_of(self, checkout: Path) -> str:
        """Of nothing."""
        del checkout
        return "none"


@contextmanager
def deployed_pair(settings: Settings, open_engine: Callable[[Path, Tier], Engine]) -> Iterator[Pair]:
    """Both sandboxes, running; whatever happens, nothing is left of them. What a killed run left goes first.

    Raises: GitError where another run is at it, SandboxError where they do not start, EngineUnavailable.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    home = settings.home.resolve() / FOLDER
    with ExitStack() as stack:
        stack.enter_context(held(home.with_name(f"{FOLDER}.lock"), patience=1.0))
        engine = open_engine(home, settings.container_tier)
        clear(engine, home)
        stack.callback(clear, engine, home)
        home.mkdir()
        limits = {"container_memory": MEMORY, "container_processes": PROCESSES, "container_cpus": CORES}
        own = settings.model_copy(update={"home": home, "database_url": None, **limits})
        store = Store.open(own.store_url)
        stack.callback(store.close)
        secret = secrets.token_hex(16)
        sandboxes = open_sandboxes(own, store, NothingToInstall(), engine=engine)
        neighbour, hostile = (
            _deploy(sandboxes, rock, _lay_out(home / "checkouts" / str(number), secret))
            for number, rock in enumerate(ROCKS)
        )
        yield Pair(home, engine, neighbour, hostile, secret)


def clear(engine: Engine, home: Path) -> None:
    """Remove every container, network, volume and file of the installation at `home`."""
    owner = {OWNER: installation_id(home)}
    for container in engine.containers(owner):
        engine.remove(container.id)
    for network in engine.networks(owner):
        engine.remove_network(network.id)
    for volume in engine.volumes(owner):
        engine.remove_volume(volume.name)
    remove(home)


def _deploy(sandboxes: DeployedSandboxes, rock: str, checkout: Path) -> Sandbox:
    made = sandboxes.deploy(Deployment(rock, rock, "0", checkout), stop=threading.Event())
    if made.state is not SandboxState.RUNNING:
        raise SandboxError(f"the sandbox to attack does not start: {made.note}", next_step="orket doctor")
    return made


def _lay_out(checkout: Path, secret: str) -> Path:
    """A repository with one service in a folder of a hostile name, hostile files, and links to whatever there is."""
    folder = checkout / SERVICE_FOLDER
    folder.mkdir(parents=True)
    (folder / "index.html").write_text("here")
    quoted = "'" + SERVICE_FOLDER.replace("'", "''") + "'"
    (checkout / "orket.yaml").write_text(MANIFEST.format(folder=quoted))
    for name, called in HOSTILE.items():
        shutil.copyfile(Path(__file__).parent / "checkout" / name, checkout / called)
    kept = checkout.parents[1] / "repositories"
    kept.mkdir(exist_ok=True)
    (kept / "secret").write_text(secret)
    # The build copies files, the service copies them again: neither may follow what leads out.
    for number, target in enumerate((kept / "secret", kept, Path("/etc"), Path("/"), checkout.parents[1] / "orket.db")):
        (checkout / f"absolute-{number}").symlink_to(target)
        (folder / f"relative-{number}").symlink_to(Path("../" * 40) / target.relative_to("/"))
    (checkout / "twice").symlink_to("absolute-0")
    (checkout / "shared").hardlink_to(checkout / "orket.yaml")
    return checkout
