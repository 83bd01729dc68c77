"""The gate before done."""

from orket_pipelines.cards.model import CardState
from orket_pipelines.cards.records import move_in
from orket_pipelines.cards.transitions import Move
from orket_pipelines.delivery.work import Work
from orket_pipelines.store import failpoint, reach

BEFORE_VERDICT = failpoint("verification.before_verdict")
AFTER_VERDICT = failpoint("verification.after_verdict")

VERIFIER = "system"


def verify(work: Work) -> None:
    """Finish the card."""
    reach(BEFORE_VERDICT)
    with work.store.write() as tx:
        move_in(tx, work.card, Move(CardState.DONE, VERIFIER, guard_approved=True))
    reach(AFTER_VERDICT)
