"""What a role is called to do: the assignment of a call, from the facts of its card."""

from orket_pipelines.agents.model import Assignment, Purpose
from orket_pipelines.agents.models.choosing import choose_model
from orket_pipelines.cards.records import comments_of
from orket_pipelines.delivery.briefs import write_brief
from orket_pipelines.delivery.factory import Project
from orket_pipelines.delivery.model import Attempt, CallAgent, Facts
from orket_pipelines.git.port import MAIN, Code
from orket_pipelines.settings import Settings
from orket_pipelines.store import Transaction

READS_THE_CHANGE = frozenset({Purpose.REVIEW, Purpose.GUIDANCE, Purpose.STUCK})


def make_assignment(
    tx: Transaction,
    code: Code,
    facts: Facts,
    settings: Settings,
    *,
    attempt: Attempt,
    project: Project,
    call: CallAgent,
) -> Assignment:
    """The assignment of one call on this attempt; who reviews is shown the change against main as it is now."""
    diff = ""
    if call.purpose in READS_THE_CHANGE:
        main = code.head(project.repository, MAIN) or attempt.base_commit
        diff = code.diff(project.repository, main, attempt.head)
    return Assignment(
        card_id=facts.card.id,
        attempt=attempt.number,
        role=call.role,
        purpose=call.purpose,
        visit=call.visit,
        subject_commit=attempt.head,
        repository=project.repository,
        test_command=project.test_command,
        brief=write_brief(facts, call.purpose, comments=comments_of(tx, facts.card.id), diff=diff),
        model=choose_model(
            settings, facts.card, role=call.role, purpose=call.purpose, visit=call.visit, wanted=project.model
        ),
    )
