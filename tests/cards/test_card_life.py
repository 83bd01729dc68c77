"""Whatever is asked of a tree of cards, in any order: the rules hold after every step."""

from itertools import count
from typing import ClassVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from orket_pipelines.cards import TABLES, Card, CardKind, CardState, Move, WaitReason
from orket_pipelines.cards.records import get_card, insert_cards, list_cards, move_card, move_in
from orket_pipelines.errors import TransitionRefused
from orket_pipelines.policy import list_violations
from orket_pipelines.store import Store, read_events

ISSUES = ("a", "b", "c")
PARENTS = {"epic": ISSUES, "rock": ("epic",)}
ACTORS = ("coder", "integrity_guard", "project_manager", "system")
ENDED = {CardState.DONE, CardState.CANCELED}
histories = count()
"""Each history is a workspace of its own."""


class CardLife(RuleBasedStateMachine):
    """Moves of three issues under an epic under a rock, allowed and not; of the parents too, in some histories."""

    database_url: ClassVar[str]

    def __init__(self) -> None:
        super().__init__()
        self.store = Store.open(self.database_url, workspace_id=f"history-{next(histories)}")
        self.refused = 0
        self.by_hand = False
        self.seen: dict[str, Card] = {}

    @initialize()
    def begin(self) -> None:
        issues = [Card(name, CardKind.ISSUE, name, parent_id="epic", rock_id="rock") for name in ISSUES]
        parents = [
            Card("rock", CardKind.ROCK, "rock", rock_id="rock"),
            Card("epic", CardKind.EPIC, "epic", parent_id="rock", rock_id="rock"),
        ]
        with self.store.write() as tx:
            insert_cards(tx, [*parents, *issues])

    @rule(
        card_id=st.sampled_from(ISSUES),
        to=st.sampled_from(CardState),
        actor=st.sampled_from(ACTORS),
        reason=st.none() | st.sampled_from(WaitReason),
    )
    def ask(self, card_id: str, to: CardState, actor: str, reason: WaitReason | None) -> None:
        try:
            move_card(self.store, card_id, Move(to, actor, reason))
        except TransitionRefused:
            self.refused += 1

    @rule(card_id=st.sampled_from(sorted(PARENTS)), to=st.sampled_from(CardState), actor=st.sampled_from(ACTORS))
    def ask_for_a_parent(self, card_id: str, to: CardState, actor: str) -> None:
        self.by_hand = True
        self.ask(card_id, to, actor, None)

    @rule(card_id=st.sampled_from(ISSUES))
    def look(self, card_id: str) -> None:
        with self.store.read() as tx:
            self.seen[card_id] = get_card(tx, card_id)

    @rule(card_id=st.sampled_from(ISSUES), to=st.sampled_from(CardState), actor=st.sampled_from(ACTORS))
    def act_on_what_was_seen(self, card_id: str, to: CardState, actor: str) -> None:
        """A move that was decided before somebody else's never happens."""
        if card_id not in self.seen:
            return
        seen = self.seen.pop(card_id)
        with self.store.read() as tx:
            before = get_card(tx, card_id).state
        if self._succeeds(seen, Move(to, actor)):
            assert before is seen.state

    def _succeeds(self, seen: Card, move: Move) -> bool:
        try:
            with self.store.write() as tx:
                move_in(tx, seen, move)
        except TransitionRefused:
            return False
        return True

    @rule(card_id=st.sampled_from(ISSUES))
    def go_on(self, card_id: str) -> None:
        """A step that is allowed, so that cards get somewhere."""
        with self.store.read() as tx:
            state = get_card(tx, card_id).state
        onwards = {
            CardState.READY: Move(CardState.IN_PROGRESS, "coder"),
            CardState.IN_PROGRESS: Move(CardState.CODE_REVIEW, "coder"),
            CardState.CODE_REVIEW: Move(CardState.DONE, "integrity_guard"),
        }
        if state in onwards:
            move_card(self.store, card_id, onwards[state])

    @invariant()
    def parents_follow_their_children(self) -> None:
        """As long as nobody moves a parent by hand."""
        if self.by_hand:
            return
        with self.store.read() as tx:
            found = {card.id: card for card in list_cards(tx)}
        states = {found[name].state for name in ISSUES}
        for parent in (found["epic"], found["rock"]):
            if states == {CardState.READY}:
                assert parent.state is CardState.READY
            elif states <= ENDED:
                assert parent.state is (CardState.DONE if CardState.DONE in states else CardState.CANCELED)
            else:
                assert parent.state is CardState.IN_PROGRESS

    @invariant()
    def what_has_ended_holds_nothing_open_and_what_has_not_begun_nothing_begun(self) -> None:
        with self.store.read() as tx:
            found = {card.id: card.state for card in list_cards(tx)}
        for parent, children in PARENTS.items():
            states = {found[child] for child in children}
            assert found[parent] not in ENDED or states <= ENDED
            assert found[parent] is not CardState.READY or states == {CardState.READY}

    @invariant()
    def a_card_has_a_reason_exactly_while_it_waits(self) -> None:
        waiting = {CardState.BLOCKED, CardState.WAITING_FOR_DEVELOPER}
        with self.store.read() as tx:
            assert all((card.wait_reason is not None) is (card.state in waiting) for card in list_cards(tx))

    @invariant()
    def the_events_are_the_whole_history_and_follow_the_tables(self) -> None:
        with self.store.read() as tx:
            found = {card.id: card.state for card in list_cards(tx)}
            history = [event for event in read_events(tx) if event.kind == "card.moved"]
        told = dict.fromkeys(found, CardState.READY)
        for event in history:
            start, end = CardState(event.payload["from"]), CardState(event.payload["to"])
            assert told[event.subject] is start
            assert end in TABLES[CardKind(event.payload["kind"])][start]
            told[event.subject] = end
        assert told == found

    @invariant()
    def every_refusal_is_on_record(self) -> None:
        with self.store.read() as tx:
            assert len(list_violations(tx)) == self.refused

    def teardown(self) -> None:
        self.store.close()


def test_the_rules_hold_in_every_history(database_url: str) -> None:
    limits = settings(max_examples=8, stateful_step_count=15)
    on_this_database = type("CardLifeHere", (CardLife,), {"database_url": database_url})
    run_state_machine_as_test(on_this_database, settings=limits)
