"""The attacks, one after the other, from inside a live sandbox; what they do is watched from outside."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from orket_pipelines.containers import open_engine
from orket_pipelines.containers.isolation import Tier
from orket_pipelines.containers.model import PURPOSE, SUBJECT, ContainerPurpose
from orket_pipelines.containers.port import Engine
from orket_pipelines.errors import ContainerError
from orket_pipelines.sandboxes.attacks.catalog import ATTACKS
from orket_pipelines.sandboxes.attacks.ground import OUTSIDE, prepared_ground
from orket_pipelines.sandboxes.attacks.judging import percentile
from orket_pipelines.sandboxes.attacks.model import Attack, Attempt, Ground, Outcome, Seen, Target, Verdict
from orket_pipelines.sandboxes.attacks.target import Pair, deployed_pair
from orket_pipelines.sandboxes.building import Tail
from orket_pipelines.sandboxes.probing import PATIENCE, ask, is_answer
from orket_pipelines.settings import Settings

LIMIT = 40.0
"""Seconds after which a probe is left to itself."""
QUIET = 1.5
"""Seconds for which a neighbour is timed before a bomb."""
BETWEEN = 0.01
"""Seconds between two questions to it."""
RESTART = 15.0
"""Seconds that the engine may take to start a container again that a bomb ended."""
AGAIN = 2
"""Times that a bomb that got through is tried again."""
ALL_OF_IT = 10_000_000
HOSTILE_CONTAINERS = ("orket-hostile-compose", "orket-hostile-built")
HOSTILE_IMAGE = "orket-hostile:latest"
_plain = re.compile(r"[a-z0-9-]{1,80}")


def attack(
    settings: Settings,
    *,
    attacks: Sequence[Attack] = ATTACKS,
    outside: Sequence[Target] = OUTSIDE,
    open_engine: Callable[[Path, Tier], Engine] = open_engine,
) -> Iterator[Outcome]:
    """Deploy two sandboxes below ORKET_HOME, try `attacks` from one of them, and leave nothing.

    `outside` are the addresses beyond this machine that must be out of reach. Raises: as `deployed_pair`.
    """
    with deployed_pair(settings, open_engine) as pair, prepared_ground(pair, outside) as ground:
        for each in attacks:
            yield _try(each, pair, ground)


def probe(engine: Engine, container: str, attack: Attack, ground: Ground) -> list[Attempt]:
    """What the attack's probe told in a running container; what it told before it was killed counts, too."""
    file, function = attack.probe
    text = (Path(__file__).parent / "probes" / f"{file}.py").read_text()
    said, end = Tail(), time.monotonic() + LIMIT
    command = ["python3", "-I", "-c", text, function, json.dumps(asdict(ground), default=sorted)]
    try:
        engine.execute(container, command, output=said.add, should_stop=lambda: time.monotonic() > end)
    except ContainerError:
        # It may take its container with it.
        if not said.text():
            raise
    return list(_attempts(said.text()))


def _try(attack: Attack, pair: Pair, ground: Ground) -> Outcome:
    began = time.monotonic()
    container = _container(pair)
    verdict, told = (_bomb if attack.is_bomb else _ask)(attack, pair, ground, container)
    for _ in range(AGAIN if attack.is_bomb else 0):
        # What else the machine does slows neighbours, too: a hole is still there the next time.
        if verdict is Verdict.BROKEN:
            verdict, told = _bomb(attack, pair, ground, _container(pair))
    return Outcome(attack.name, attack.claim, verdict, told, round(time.monotonic() - began, 2))


def _ask(attack: Attack, pair: Pair, ground: Ground, container: str) -> tuple[Verdict, str]:
    attempts = probe(pair.engine, container, attack, ground)
    return attack.judge(attempts, ground, Seen(strays=tuple(_strays(pair, ground))))


def _bomb(attack: Attack, pair: Pair, ground: Ground, container: str) -> tuple[Verdict, str]:
    with timed(pair.neighbour.url or "") as quiet:
        time.sleep(QUIET)
    with timed(pair.neighbour.url or "") as loaded:
        attempts = probe(pair.engine, container, attack, ground)
    log = len(pair.engine.logs(container, tail=ALL_OF_IT))
    return attack.judge(attempts, ground, Seen(log=log, quiet=percentile(quiet), loaded=percentile(loaded)))


@contextmanager
def timed(url: str) -> Iterator[list[float]]:
    """How long each answer of `url` took meanwhile, in seconds; one that did not come, as long as it was waited for."""
    taken: list[float] = []
    stop = threading.Event()

    def sample() -> None:
        while not stop.wait(BETWEEN):
            began = time.monotonic()
            answered = is_answer(ask(url))
            taken.append(time.monotonic() - began if answered else PATIENCE)

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield taken
    finally:
        stop.set()
        thread.join()


def _container(pair: Pair) -> str:
    """The id of the service that attacks, once it runs."""
    labels = pair.owner | {SUBJECT: pair.hostile.id, PURPOSE: str(ContainerPurpose.SERVICE)}
    [name] = (each.name for each in pair.engine.containers(labels))
    end = time.monotonic() + RESTART
    while (found := pair.engine.find(name)) is None or not found.running:
        if time.monotonic() > end:
            raise ContainerError(f"the sandbox that attacks ended and was not started again: {name}")
        time.sleep(BETWEEN)
    return found.id


def _strays(pair: Pair, ground: Ground) -> Iterator[str]:
    """What is there that nobody asked for, or bears a name that somebody else chose."""
    names = {each.name for each in pair.engine.containers(pair.owner)}
    yield from (f"container {name}" for name in names - ground.containers)
    names |= {each.name for each in pair.engine.networks(pair.owner)}
    yield from (f"the name {name!r}" for name in names if not _plain.fullmatch(name))
    yield from (f"container {name}" for name in HOSTILE_CONTAINERS if pair.engine.find(name) is not None)
    if pair.engine.find_image(HOSTILE_IMAGE) is not None:
        yield f"image {HOSTILE_IMAGE}"
    places = (pair.home.parent, pair.home, Path.cwd(), Path("/"))
    yield from (f"file {place}/orket-hostile-name" for place in places if (place / "orket-hostile-name").exists())
    yield from (f"file {path}" for path in pair.home.rglob("orket-hostile*"))


def _attempts(said: str) -> Iterator[Attempt]:
    """The last line may be half a one."""
    for line in said.splitlines():
        try:
            yield Attempt(**json.loads(line))
        except (ValueError, TypeError):
            continue
