"""Every combination of kind, states, actor, wait reason, approval and children, against the rules written out here."""

from itertools import product

import pytest

from orket_pipelines.cards import RULES, Card, CardKind, CardState, Move, WaitReason, judge

ISSUE_MOVES = """
    ready → in_progress, canceled
    in_progress → blocked, waiting_for_developer, ready_for_testing, code_review, canceled
    blocked → in_progress, canceled
    waiting_for_developer → in_progress, canceled
    ready_for_testing → code_review, in_progress, canceled
    code_review → done, in_progress, ready_for_testing
"""
EPIC_MOVES = """
    ready → in_progress, canceled
    in_progress → code_review, done, canceled
    code_review → done, in_progress
"""
ROCK_MOVES = """
    ready → in_progress, canceled
    in_progress → done, canceled
"""
ACTORS = (
    "lead_architect",
    "coder",
    "backend_specialist",
    "ux_artisan",
    "integrity_guard",
    "operations_lead",
    "market_researcher",
    "project_manager",
    "qa",
    "system",
    "person",
    "",
)
REASONS = (None, "resource", "dependency", "review", "input", "system")


def moves(text: str) -> set[tuple[str, str]]:
    lines = [line.strip().split(" → ") for line in text.strip().splitlines()]
    return {(start, end) for start, ends in lines for end in ends.split(", ")}


ALLOWED = {
    "rock": moves(ROCK_MOVES),
    "epic": moves(EPIC_MOVES),
    "issue": moves(ISSUE_MOVES),
    "utility": moves(ISSUE_MOVES),
    "app": moves(ISSUE_MOVES),
}


def expected(
    kind: str, start: str, end: str, actor: str, reason: str | None, *, approved: bool, children: tuple[str, ...]
) -> str | None:
    """The rule that forbids a move; None where it is allowed."""
    is_issue = kind not in {"rock", "epic"}
    if (start, end) not in ALLOWED[kind]:
        return "transition"
    if (end in {"blocked", "waiting_for_developer"}) is (reason is None):
        return "wait_reason"
    if end == "done" and is_issue and actor != "integrity_guard" and not (actor == "system" and approved):
        return "guard_only"
    if end == "canceled" and actor != "project_manager" and (is_issue or actor != "system"):
        return "cancel_needs_manager"
    if end in {"done", "canceled"} and not is_issue and children:
        return "open_children"
    return None


def test_the_tables_have_17_and_7_and_4_moves() -> None:
    assert {kind: len(ALLOWED[kind]) for kind in ("issue", "epic", "rock")} == {"issue": 17, "epic": 7, "rock": 4}


@pytest.mark.parametrize("kind", CardKind)
def test_every_combination_is_judged_as_the_rules_say(kind: CardKind) -> None:
    grounds = product((False, True), ((), ("child",)))
    for start, end, actor, reason, (approved, children) in product(CardState, CardState, ACTORS, REASONS, grounds):
        card = Card("card", kind, "card", state=start)
        move = Move(end, actor, WaitReason(reason) if reason else None, guard_approved=approved)

        refusal = judge(card, move, open_children=children)

        case = (kind.value, start.value, end.value, actor, reason)
        told = refusal.rule if refusal else None
        assert told == expected(*case, approved=approved, children=children), (*case, approved, children)


def test_the_table_has_one_row_for_each_move_and_no_other() -> None:
    rows = [(rule.kind.value, rule.start.value, rule.end.value) for rule in RULES]

    assert len(rows) == len(set(rows)) == 17 * 3 + 7 + 4
    assert set(rows) == {(kind, *move) for kind, allowed in ALLOWED.items() for move in allowed}


def test_a_refusal_says_what_was_tried_and_what_would_be_allowed() -> None:
    refusal = judge(Card("todo-api", CardKind.ISSUE, "API"), Move(CardState.DONE, "coder"))

    assert refusal is not None
    assert refusal.reason == "issue todo-api cannot move from ready to done"
    assert refusal.fix == "From ready it may go to: canceled, in_progress."


def test_a_final_card_says_that_it_is_final() -> None:
    refusal = judge(Card("a", CardKind.ISSUE, "A", state=CardState.DONE), Move(CardState.IN_PROGRESS, "coder"))

    assert refusal is not None
    assert "it is final" in refusal.fix


def test_a_card_may_not_wait_without_a_reason_and_is_told_which_there_are() -> None:
    card = Card("a", CardKind.ISSUE, "A", state=CardState.IN_PROGRESS)
    refusal = judge(card, Move(CardState.BLOCKED, "coder"))

    assert refusal is not None
    assert refusal.fix == "Name one of: resource, dependency, review, input, system."


def test_a_parent_does_not_end_before_its_children_and_is_told_which_are_open() -> None:
    epic = Card("api", CardKind.EPIC, "API", state=CardState.IN_PROGRESS)
    refusal = judge(epic, Move(CardState.CANCELED, "project_manager"), open_children=["one", "two"])

    assert refusal is not None
    assert refusal.reason == "epic api may not be canceled while cards in it are open: one, two"
