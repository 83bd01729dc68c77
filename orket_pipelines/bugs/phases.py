"""A phase from its beginning to its end, in the store; every change is an event `bug_phase.…` of the rock."""

from collections.abc import Collection
from dataclasses import replace
from typing import Any

from orket_pipelines.bug_settings import BugPhases
from orket_pipelines.bugs.deciding import End, Extend, decide, rate_of
from orket_pipelines.bugs.model import DAY, Phase, PhaseState
from orket_pipelines.bugs.records import find_phase, found_in, get_phase, insert_phase, toll_of, update_phase
from orket_pipelines.bugs.reports import report_of
from orket_pipelines.bugs.second import second_rock
from orket_pipelines.cards.bugs import BUG, epic_for
from orket_pipelines.cards.model import TERMINAL, WORKABLE, Card, CardKind, CardState
from orket_pipelines.cards.records import list_cards, move_in, update_card
from orket_pipelines.cards.transitions import SYSTEM, Move
from orket_pipelines.clock import Moment
from orket_pipelines.errors import CardError
from orket_pipelines.store import Transaction, append


def begin(tx: Transaction, rock: Card, moment: Moment, rules: BugPhases) -> Phase | None:
    """Begin the phase of a rock that is done; None where it is not, has had one, or phases are switched off."""
    if rock.state is not CardState.DONE or rules.days == 0 or find_phase(tx, rock.id) is not None:
        return None
    phase = Phase(rock.id, PhaseState.ACTIVE, int(rules.days * DAY), 0, moment, started_at=tx.now)
    insert_phase(tx, phase)
    _tell(tx, "started", phase, {})
    return phase


def undone(tx: Transaction) -> list[Card]:
    """Rocks that are done and have had no phase: whose last issue a person canceled, say."""
    rocks = list_cards(tx, kinds=[CardKind.ROCK], states=[CardState.DONE])
    return [rock for rock in rocks if find_phase(tx, rock.id) is None]


def check(tx: Transaction, rock_id: str, moment: Moment, rules: BugPhases) -> Phase:
    """Note how long the phase has gone on, and extend it or decide its end where that is due.

    Where nobody looked for long, it is extended as often as it would have been.
    """
    phase = get_phase(tx, rock_id)
    if phase.is_over or phase.ends_as is not None:
        return phase
    phase = update_phase(tx, phase, elapsed=phase.elapsed_at(moment), seen=moment)
    toll = toll_of(found_in(tx, rock_id))
    while isinstance(due := decide(phase, phase.elapsed, toll, rules), Extend):
        phase = _prolong(tx, phase, due.planned, due.reason, by="system")
    if isinstance(due, End):
        phase = update_phase(tx, phase, ends_as=PhaseState.COMPLETED, reason=due.reason)
    return phase


def extend(tx: Transaction, rock_id: str, days: float | None, *, by: str, reason: str, rules: BugPhases) -> Phase:
    """Have it go on for longer, by `days` or by those of the rules. Raises: CardError where it may not."""
    phase = _going_on(tx, rock_id)
    planned = phase.planned + int((rules.extension_days if days is None else days) * DAY)
    if planned > rules.longest_days * DAY:
        raise CardError(
            f"the phase of {rock_id} would last {planned / DAY:g} days, and may last {rules.longest_days:g}",
            next_step="Extend it by less, or raise longest_days in ORKET_BUG_PHASES.",
        )
    return _prolong(tx, phase, planned, reason or f"{by} asked for it", by=by)


def abort(tx: Transaction, rock_id: str, *, by: str, reason: str) -> Phase:
    """Decide that it ends now; what follows from that is carried out by whoever looks after phases."""
    phase = _going_on(tx, rock_id)
    return update_phase(tx, phase, ends_as=PhaseState.ABORTED, reason=reason or f"{by} aborted it")


def close(tx: Transaction, rock_id: str, moment: Moment, rules: BugPhases) -> Phase:
    """The end of a phase whose end is decided: what is open goes to the rock's second phase, and the report is kept.

    In one transaction; a phase that is over stays as it is.
    """
    phase = get_phase(tx, rock_id)
    if phase.is_over or phase.ends_as is None:
        return phase
    elapsed = phase.elapsed_at(moment)
    bugs = found_in(tx, rock_id)
    left = list_cards(tx, rock_id=rock_id, kinds=WORKABLE, states=set(CardState) - TERMINAL)
    ended = replace(phase, state=phase.ends_as, elapsed=elapsed, seen=moment, ended_at=tx.now)
    ended = replace(ended, left_to=_move_to_second(tx, rock_id, left) if left else None)
    closing = report_of(tx, ended, bugs, rules).as_json()
    phase = update_phase(tx, ended, closing=closing)
    _tell(tx, "ended", phase, {"left": [card.id for card in left], "cost": closing["spent"]["usd"]})
    return phase


def _going_on(tx: Transaction, rock_id: str) -> Phase:
    phase = get_phase(tx, rock_id)
    if phase.is_over or phase.ends_as is not None:
        raise CardError(
            f"the bug-fix phase of {rock_id} is {phase.state if phase.is_over else 'about to end'}: {phase.reason}",
            next_step=f"See what it came to: orket bugs phase show {rock_id}",
        )
    return phase


def _prolong(tx: Transaction, phase: Phase, planned: int, reason: str, *, by: str) -> Phase:
    values = {"state": PhaseState.EXTENDED, "planned": planned, "extensions": phase.extensions + 1, "reason": reason}
    phase = update_phase(tx, phase, **values)
    _tell(tx, "extended", phase, {"by": by})
    return phase


def _move_to_second(tx: Transaction, rock_id: str, cards: Collection[Card]) -> str:
    """What is open becomes the work of `<rock>-phase2`, as it stands; the id of that rock."""
    second = second_rock(tx, rock_id)
    for card in cards:
        epic = epic_for(tx, second, card.name)
        update_card(tx, replace(card, parent_id=epic.id, rock_id=second.id, details=_details(card, rock_id)))
        if card.state is not CardState.READY and epic.state is CardState.READY:
            move_in(tx, epic, Move(CardState.IN_PROGRESS, SYSTEM, note=f"{card.id} is being worked on"))
    for epic in list_cards(tx, rock_id=rock_id, kinds=[CardKind.EPIC], states=set(CardState) - TERMINAL):
        _end_epic(tx, epic, f"what was open went to {second.id}")
    return second.id


def _end_epic(tx: Transaction, epic: Card, note: str) -> None:
    """An epic of which nothing is open any more follows those that were finished in it."""
    done = any(card.state is CardState.DONE for card in list_cards(tx, parent_id=epic.id))
    if done and epic.state is CardState.READY:
        epic = move_in(tx, epic, Move(CardState.IN_PROGRESS, SYSTEM, note=note))
    move_in(tx, epic, Move(CardState.DONE if done else CardState.CANCELED, SYSTEM, note=note))


def _details(card: Card, rock_id: str) -> dict[str, Any]:
    """In its new rock a bug is work like any other, and not found in a phase of that."""
    params = dict(card.details.get("params") or {})
    if isinstance(params.get(BUG), dict):
        params[BUG] = params[BUG] | {"in_phase": False, "phase_of": rock_id}
    return {**card.details, "params": params} if params else card.details


def _tell(tx: Transaction, what: str, phase: Phase, more: dict[str, Any]) -> None:
    toll = toll_of(found_in(tx, phase.rock_id)) if what == "extended" else None
    if phase.closing is not None:
        told = {name: phase.closing[name] for name in ("found", "fixed", "left_open", "rate")}
    elif toll is not None:
        told = {"found": toll.found, "open_high": toll.open_high, "rate": rate_of(toll.found, phase.elapsed)}
    else:
        told = {}
    about = {"state": str(phase.state), "planned_days": phase.planned / DAY, "elapsed_days": phase.elapsed / DAY}
    about |= {"extensions": phase.extensions, "reason": phase.reason, "left_to": phase.left_to}
    append(tx, f"bug_phase.{what}", phase.rock_id, about | told | more | {"rock": phase.rock_id})
