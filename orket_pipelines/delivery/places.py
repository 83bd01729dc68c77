"""Places: how much may go on at once, counted in the store, so that the limits hold over all worker processes.

An issue that is worked on holds a place by its lease. Where a role or a model is limited, its sessions hold leases on
numbered seats besides. A process that has something to work on and finds no place asks for one for its rock, by a lease
again: so what a dead process held or asked for is free as soon as it is known to be dead.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count

import sqlalchemy as sa

from orket_pipelines.cards.fairness import Share, weight_of
from orket_pipelines.cards.model import CardState
from orket_pipelines.errors import SettingsError
from orket_pipelines.settings import EVERY, Settings
from orket_pipelines.store import Lease, LeaseKeeper, Prepared, Transaction, tables

ISSUE, ASK, SEAT = "issue:", "ask:", "seat:"
"""What the names of leases begin with: `issue:CARD`, `ask:ROCK/1`, `seat:role:ROLE:1` and `seat:model:MODEL:1`."""
ROLE, MODEL = "role", "model"

_cards, _leases, _shares = tables.cards, tables.leases, tables.rock_shares
_rocks = _cards.alias("rocks")
_held = Prepared(
    sa.select(
        *(_leases.c[name] for name in ("name", "owner", "token", "renewals")),
        _cards.c.id.label("card"),
        _cards.c.rock_id,
        _rocks.c.state.label("rock_state"),
    )
    .select_from(
        _leases.outerjoin(
            _cards,
            sa.and_(
                sa.func.substr(_leases.c.name, 1, len(ISSUE)) == ISSUE,
                _cards.c.workspace_id == _leases.c.workspace_id,
                _cards.c.id == sa.func.substr(_leases.c.name, len(ISSUE) + 1),
            ),
        ).outerjoin(_rocks, sa.and_(_rocks.c.workspace_id == _cards.c.workspace_id, _rocks.c.id == _cards.c.rock_id))
    )
    .where(_leases.c.workspace_id == sa.bindparam("workspace_id"), _leases.c.owner.is_not(None))
)
_of_workspace = _shares.c.workspace_id == sa.bindparam("workspace_id")
_share = Prepared(
    sa.select(
        sa.select(sa.func.max(_shares.c.start)).where(_of_workspace).scalar_subquery().label("now"),
        sa.select(_shares.c.finish)
        .where(_of_workspace, _shares.c.rock_id == sa.bindparam("rock_id"))
        .scalar_subquery()
        .label("finish"),
        sa.select(_cards.c.priority)
        .where(_cards.c.workspace_id == sa.bindparam("workspace_id"), _cards.c.id == sa.bindparam("rock_id"))
        .scalar_subquery()
        .label("priority"),
    )
)
_insert_share = Prepared(sa.insert(_shares))
_update_share = Prepared(
    sa.update(_shares).where(
        _shares.c.workspace_id == sa.bindparam("b_workspace_id"), _shares.c.rock_id == sa.bindparam("b_rock_id")
    )
)


@dataclass(frozen=True, slots=True)
class Full:
    """A limit that leaves no place. `scope` is all, rock, phase, role or model; `name` whose it is, empty for all."""

    scope: str
    name: str
    limit: int

    def __str__(self) -> str:
        what = {
            "all": "in all (concurrency)",
            "rock": f"of rock {self.name} (rock_concurrency)",
            "phase": f"of rock {self.name}, which is done (concurrency of bug_phases)",
            ROLE: f"in sessions of {self.name} (role_concurrency)",
            MODEL: f"in sessions with {self.name} (model_concurrency)",
        }[self.scope]
        return f"{self.limit} {what}"


@dataclass(frozen=True, slots=True)
class Occupancy:
    """Who holds places at one moment.

    `rocks` maps each issue that is worked on to its rock, `seats` counts sessions by (role or model, name), `asking`
    are the rocks for which a process asks. `delivered` are those of `rocks` that are done: what is worked on there are
    bugs.
    """

    rocks: Mapping[str, str]
    seats: Mapping[tuple[str, str], int]
    asking: frozenset[str]
    delivered: frozenset[str] = frozenset()

    def in_rock(self, rock_id: str) -> int:
        """How many issues of the rock are worked on."""
        return sum(rock == rock_id for rock in self.rocks.values())


def occupancy(tx: Transaction, leases: LeaseKeeper) -> Occupancy:
    """What living processes hold."""
    held = leases.living(tx.execute(_held, {"workspace_id": tx.workspace_id}))
    seats = Counter(_seat_of(row.name) for row in held if row.name.startswith(SEAT))
    asking = frozenset(row.name.removeprefix(ASK).rpartition("/")[0] for row in held if row.name.startswith(ASK))
    delivered = frozenset(row.rock_id for row in held if row.rock_state == CardState.DONE)
    return Occupancy({row.card: row.rock_id or "" for row in held if row.card is not None}, seats, asking, delivered)


def limit_of(limits: Mapping[str, int], name: str) -> int | None:
    """The limit of this name; None where there is none."""
    return limits.get(name, limits.get(EVERY))


def full_for_issue(settings: Settings, found: Occupancy, rock_id: str) -> Full | None:
    """The limit that keeps another issue of the rock from being worked on."""
    if len(found.rocks) >= settings.concurrency:
        return Full("all", "", settings.concurrency)
    in_phase = settings.bug_phases.concurrency
    if rock_id in found.delivered and found.in_rock(rock_id) >= in_phase:
        return Full("phase", rock_id, in_phase)
    limit = limit_of(settings.rock_concurrency, rock_id)
    return Full("rock", rock_id, limit) if limit is not None and found.in_rock(rock_id) >= limit else None


def full_for_session(settings: Settings, found: Occupancy, role: str, model: str) -> Full | None:
    """The limit that keeps another session of the role with the model from beginning."""
    for scope, name, limit in seats_needed(settings, role, model):
        if found.seats.get((scope, name), 0) >= limit:
            return Full(scope, name, limit)
    return None


def seats_needed(settings: Settings, role: str, model: str) -> list[tuple[str, str, int]]:
    """Of what a session has to take a seat: role or model, its name, and how many seats it has."""
    wanted = [(ROLE, role, settings.role_concurrency), (MODEL, model, settings.model_concurrency)]
    found = [(scope, name, limit_of(limits, name)) for scope, name, limits in wanted]
    return [(scope, name, limit) for scope, name, limit in found if limit is not None]


def take_seat(tx: Transaction, leases: LeaseKeeper, scope: str, name: str, limit: int) -> Lease | None:
    """A seat that is free; None where all are taken."""
    numbers = (leases.take(tx, f"{SEAT}{scope}:{name}:{number}") for number in range(1, limit + 1))
    return next((lease for lease in numbers if lease is not None), None)


def ask(tx: Transaction, leases: LeaseKeeper, rock_id: str) -> Lease:
    """Stand in the queue for this rock: others heed it from the commit on, until the lease is given back."""
    numbers: Iterator[Lease | None] = (leases.take(tx, f"{ASK}{rock_id}/{number}") for number in count(1))
    return next(lease for lease in numbers if lease is not None)


def shares_of(tx: Transaction, found: Occupancy, rock_ids: frozenset[str]) -> tuple[list[Share], float]:
    """What these rocks hold and were given, and what time it is in that reckoning."""
    rows = {rock: tx.execute(_share, {"workspace_id": tx.workspace_id, "rock_id": rock}).first() for rock in rock_ids}
    shares = [
        Share(rock, weight_of(row.priority), found.in_rock(rock), row.finish or 0.0) for rock, row in rows.items()
    ]
    return shares, next((row.now for row in rows.values()), None) or 0.0


def charge(tx: Transaction, share: Share, now: float) -> None:
    """Note that the rock is given a place."""
    values = {"start": share.start(now), "finish": share.served(now).finish}
    key = {"b_workspace_id": tx.workspace_id, "b_rock_id": share.rock_id}
    if tx.execute(_update_share, key | values).rowcount == 0:
        tx.execute(_insert_share, {"workspace_id": tx.workspace_id, "rock_id": share.rock_id, **values})


def demand_known_roles(settings: Settings, roles: Mapping[str, object]) -> None:
    """Raises: SettingsError where a limit is for a role that there is not."""
    unknown = sorted(settings.role_concurrency.keys() - roles.keys() - {EVERY})
    if unknown:
        raise SettingsError(
            f"role_concurrency: no role is called {', '.join(unknown)}",
            next_step=f"Roles: {', '.join(roles)}. Correct the setting, then run the same command again.",
        )


def _seat_of(name: str) -> tuple[str, str]:
    """The names of models may hold colons."""
    scope, _, rest = name.removeprefix(SEAT).partition(":")
    return scope, rest.rpartition(":")[0]
