"""The second rock of one whose bug-fix phase is over: what was open went there, and what is found later goes there."""

from typing import Any

from orket_pipelines.bugs.records import find_phase
from orket_pipelines.cards.bugs import Bug, Finding, report
from orket_pipelines.cards.identifiers import derived_id
from orket_pipelines.cards.model import Card, CardKind
from orket_pipelines.cards.records import find_card, insert_cards
from orket_pipelines.store import Transaction


def report_found(tx: Transaction, rock_id: str, finding: Finding) -> Bug:
    """Make it an issue of the rock, as `cards.bugs.report` does; of its second rock where its phase is over.

    That one may be over as well, and have another. Raises: CardError where there is no such rock, or it was canceled.
    """
    phase = find_phase(tx, rock_id)
    if phase is None or not phase.is_over:
        return report(tx, rock_id, finding)
    return report_found(tx, second_rock(tx, rock_id).id, finding)


def second_rock(tx: Transaction, rock_id: str) -> Card:
    """It works on the same code, and its issues may name the same suites."""
    second_id = derived_id(rock_id, "phase2")
    known, rock = find_card(tx, second_id), find_card(tx, rock_id)
    if known is not None:
        return known
    if rock is None:
        raise AssertionError("a phase has a rock")
    params = dict(rock.details.get("params") or {})
    params.setdefault("repository", rock.id)
    details: dict[str, Any] = {"description": f"What the bug-fix phase of {rock.name} left open.", "params": params}
    if rock.details.get("suites"):
        details["suites"] = rock.details["suites"]
    second = Card(
        second_id,
        CardKind.ROCK,
        f"{rock.name}, phase 2",
        rock_id=second_id,
        priority=rock.priority,
        details=details,
    )
    insert_cards(tx, [second])
    return second
