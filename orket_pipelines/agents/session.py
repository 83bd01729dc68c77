"""The turn loop: a role gets an assignment; a model and the gated tools take turns until there is an outcome.

Every answer and every call is stored as it happens. A session that a dead process left running is taken up where it
stands: what has an outcome is not done again, what has none is.
"""

from orket_pipelines.agents.calls import perform_call
from orket_pipelines.agents.model import Assignment, Outcome
from orket_pipelines.agents.models.conversation import ConversationTooLong
from orket_pipelines.agents.models.model import Models
from orket_pipelines.agents.models.talk import Talk, Terms
from orket_pipelines.agents.roles import get_role
from orket_pipelines.agents.tools.model import Desk
from orket_pipelines.agents.turns import (
    end_without_result,
    giving_up,
    stop_if_asked,
    take_turn,
    take_up,
    tool_definitions,
)


def run_session(desk: Desk, models: Models, assignment: Assignment) -> Outcome:
    """What comes of the assignment: from its ended session if there is one, from its running one, or from a new one.

    Raises: ModelError where the model gives no answer within its bounds, BudgetSpent where nothing is left to spend,
    Stopped where a stop is asked for, WorkbenchError, GitError, StoreError, LeaseLost. The session then still runs, and
    the next call goes on from there.
    """
    role = get_role(assignment.role, desk.settings.roles)
    terms = Terms(tool_definitions(role), desk.settings, desk.stop, desk.store.clock)
    with Talk(models, assignment.model, terms) as talk:
        work = take_up(desk, talk.model, role, assignment)
        if work.session.outcome is not None:
            return work.session.outcome
        while True:
            for call in work.history.open_calls:
                stop_if_asked(desk)
                outcome = perform_call(work, call)
                if outcome is not None:
                    return outcome
            failed = giving_up(work)
            if failed is not None:
                return end_without_result(work, failed)
            stop_if_asked(desk)
            try:
                outcome = take_turn(work, talk)
            except ConversationTooLong as error:
                if work.history.tighten():
                    continue
                return end_without_result(work, Outcome(failure=str(error)))
            if outcome is not None:
                return outcome
