"""How everything stands at the end: what must be the same, however often processes were killed on the way."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from orket_pipelines.containers.model import PURPOSE
from orket_pipelines.git import MAIN
from orket_pipelines.store import Transaction, tables

from .line import Line, head_of_main

REPEATED = frozenset({"dependencies.failed"})
"""Told each time it happens: an install that fails changes nothing, so that it is tried again after a kill."""
LEFT_BEHIND = (
    "checkouts/**/deploy-*",
    "checkouts/**/test-*",
    "checkouts/**/.*.new",
    "checkouts/**/.*.old",
    "verification/*",
    "dependencies/staging/*/*",
)


@dataclass(frozen=True)
class End:
    """`engine` is all that the engine holds, `files` what lies under ORKET_HOME and should not have outlived its use,
    and `missed` counts the events that SQL does not see."""

    cards: dict[str, tuple[Any, ...]]
    events: Counter[tuple[str, str]]
    sessions: Counter[tuple[Any, ...]]
    calls: Counter[tuple[Any, ...]]
    trials: Counter[tuple[Any, ...]]
    artifacts: Counter[Any]
    pull_requests: dict[str, list[tuple[Any, ...]]]
    deeds: Counter[str]
    main: dict[str, str]
    sandboxes: list[tuple[Any, ...]]
    engine: dict[str, Counter[Any]]
    files: list[str]
    missed: int


def look(home: Path) -> End:
    line = Line(home)
    with line.factory as factory, factory.store.read() as tx:
        cards, sessions, effects, runs = tables.cards.c, tables.sessions.c, tables.effects.c, tables.test_runs.c
        stood = tx.execute(sa.select(cards.id, cards.state, cards.wait_reason, cards.attempt))
        worked = tx.execute(
            sa.select(sessions.card_id, sessions.role, sessions.purpose, sessions.visit, sessions.state)
        )
        did = tx.execute(sa.select(effects.kind, effects.outcome))
        tried = tx.execute(sa.select(runs.card_id, runs.attempt, runs.suite, runs.purpose, runs.passed))
        deeds = [f"forge {entry['call']}" for entry in line.forge.journal]
        deeds += [f"code {entry['call']}" for entry in line.code.journal if entry["call"] == "move_branch"]
        branches = tx.execute(sa.select(tables.attempts.c.repository, tables.attempts.c.branch)).all()
        return End(
            cards={row.id: tuple(row)[1:] for row in stood},
            events=_events(tx),
            sessions=Counter(tuple(row) for row in worked),
            calls=Counter(tuple(row) for row in did),
            trials=Counter(tuple(row) for row in tried),
            artifacts=_artifacts(tx, home),
            pull_requests={row.branch: _pull_requests(line, row.repository, row.branch) for row in branches},
            deeds=Counter(deeds),
            main=_files(line, home / "main"),
            sandboxes=_sandboxes(tx, line),
            engine=_engine(tx, line),
            files=_left(tx, home),
            missed=_count(tx) - _rows(home),
        )


def _events(tx: Transaction) -> Counter[tuple[str, str]]:
    """By kind and subject; sandboxes by their rock, and dependencies by nobody: whoever is first installs for all."""
    rocks = {row.id: row.rock_id for row in tx.execute(sa.select(tables.sandboxes.c.id, tables.sandboxes.c.rock_id))}
    found: Counter[tuple[str, str]] = Counter()
    for row in tx.execute(sa.select(tables.events.c.kind, tables.events.c.subject)):
        subject = "" if row.kind.startswith("dependencies.") else rocks.get(row.subject, row.subject)
        found[row.kind, subject] += row.kind not in REPEATED or (row.kind, subject) not in found
    return found


def _artifacts(tx: Transaction, home: Path) -> Counter[Any]:
    """What is recorded, with whether it is there; and the files that are there."""
    rows = tx.execute(sa.select(tables.artifacts.c.card_id, tables.artifacts.c.name, tables.artifacts.c.path))
    found: Counter[Any] = Counter((row.card_id, row.name, (home / row.path).is_file()) for row in rows)
    found["files"] = sum(path.is_file() for path in (home / "artifacts").rglob("*"))
    return found


def _pull_requests(line: Line, repository: str, branch: str) -> list[tuple[Any, ...]]:
    """State, author and what reviewers said, of the pull request of a branch."""
    found = line.forge.find_pull_request(repository, head=branch, base=MAIN)
    if found is None:
        return []
    said = [(review.reviewer, review.verdict) for review in line.forge.reviews(repository, found.number)]
    return [(found.state, found.author, *said)]


def _files(line: Line, path: Path) -> dict[str, str]:
    line.code.check_out("fire", head_of_main(line), path)
    return {str(found.relative_to(path)): found.read_text() for found in path.rglob("*") if found.is_file()}


def _sandboxes(tx: Transaction, line: Line) -> list[tuple[Any, ...]]:
    """How each stands, whether with the newest of main; then all that is leased, by the rock that it is leased for."""
    rows = tx.execute(sa.select(tables.sandboxes)).all()
    rocks, main = {row.id: row.rock_id for row in rows}, head_of_main(line)
    columns = tables.allocations.c
    leased = tx.execute(sa.select(columns.owner, columns.kind, columns.purpose))
    stand = [(row.rock_id, row.state, row.generation, row.note, row.commit == main) for row in rows]
    return [*sorted(stand), *sorted((rocks.get(row.owner, "nobody"), row.kind, row.purpose) for row in leased)]


def _engine(tx: Transaction, line: Line) -> dict[str, Counter[Any]]:
    """Containers and networks without the ids in their names, and whether a set of dependencies names each volume."""
    named = set(tx.execute(sa.select(tables.dependency_sets.c.location)).scalars())
    volumes = {volume.name for volume in line.engine.volumes({})}
    containers = (
        (each.labels[PURPOSE], each.name.split("-", 2)[-1], each.running) for each in line.engine.containers({})
    )
    return {
        "containers": Counter(containers),
        "networks": Counter(each.labels[PURPOSE] for each in line.engine.networks({})),
        "volumes": Counter(named=len(named & volumes), of_nobody=len(volumes - named), gone=len(named - volumes)),
    }


def _left(tx: Transaction, home: Path) -> list[str]:
    """What a run that is over should have removed, and what of sandboxes lies around, by rock and generation."""
    found = [str(path.relative_to(home)) for pattern in LEFT_BEHIND for path in home.glob(pattern)]
    rocks = {row.id: row.rock_id for row in tx.execute(sa.select(tables.sandboxes.c.id, tables.sandboxes.c.rock_id))}
    for folder in (home / "sandboxes").glob("*/*"):
        found += [f"sandbox of {rocks.get(folder.name)}: {path.name}" for path in folder.iterdir()]
    return sorted(found)


def _count(tx: Transaction) -> int:
    return tx.execute(sa.select(sa.func.count()).select_from(tables.events)).scalar() or 0


def _rows(home: Path) -> int:
    import duckdb  # after the forks

    with duckdb.connect(str(home / "analytics" / "snapshot.duckdb"), read_only=True) as snapshot:
        return int(snapshot.execute("SELECT count(*) FROM events").fetchall()[0][0])
