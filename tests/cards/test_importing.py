"""What an import would change is known before it does."""

from pathlib import Path

import pytest

from orket_pipelines.cards import Card, CardKind, CardState, Move
from orket_pipelines.cards.differences import Difference, differences_of
from orket_pipelines.cards.importing import Reading, preview, read_cards, store_cards
from orket_pipelines.cards.records import get_card, list_cards, move_card
from orket_pipelines.store import Store, read_events

ROCK = """
rock:
  name: Rock
  params: {test_command: [pytest]}
  epics:
    - name: Epic
      issues:
        - {id: a, name: A, requirements: Small., priority: Low, note: Soon.}
        - {id: b, name: B, depends_on: [a]}
"""


@pytest.fixture
def database_url(tmp_path: Path) -> str:
    """What differs does not depend on the database."""
    return f"sqlite:///{tmp_path / 'orket.db'}"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cards.yaml"


def read(path: Path, text: str) -> Reading:
    path.write_text(text)
    return read_cards([path], seats=())


def test_a_preview_names_each_field_that_would_change_and_writes_nothing(store: Store, path: Path) -> None:
    store_cards(store, read(path, ROCK))
    changed = ROCK.replace("Small.", "Large.").replace("Low", "High").replace("depends_on: [a]", "labels: [x]")
    changed = changed.replace("[pytest]", "[tox, -q]").replace("name: Epic", "name: Epic\n      team: core")
    with store.read() as tx:
        before = list_cards(tx)

    report = preview(store, read(path, changed))
    assert (report.created, report.changed, report.unchanged) == ((), ("rock", "rock-epic", "a", "b"), ())
    assert report.differences == (
        Difference("rock", "params.test_command", ["pytest"], ["tox", "-q"]),
        Difference("rock-epic", "team", None, "core"),
        Difference("a", "priority", 1.0, 3.0),
        Difference("a", "requirements", "Small.", "Large."),
        Difference("b", "depends_on", ["a"], None),
        Difference("b", "labels", None, ["x"]),
    )
    with store.read() as tx:
        assert list_cards(tx) == before


def test_what_was_agreed_to_is_done(store: Store, path: Path) -> None:
    store_cards(store, read(path, ROCK))
    reading = read(path, ROCK.replace("Small.", "Large."))

    report = store_cards(store, reading, agreed=preview(store, reading).differences)
    assert (report.changed, report.problems) == (("a",), ())
    with store.read() as tx:
        assert get_card(tx, "a").details["requirements"] == "Large."


def test_a_card_that_changes_after_it_was_shown_is_left_as_it_is(store: Store, path: Path) -> None:
    store_cards(store, read(path, ROCK))
    mine = read(path, ROCK.replace("Small.", "Large."))
    shown = preview(store, mine).differences
    store_cards(store, read(path, ROCK.replace("Small.", "Tiny.")))

    report = store_cards(store, mine, agreed=shown)
    assert [problem.message for problem in report.problems] == [
        "a has changed in the store since the differences were shown"
    ]
    assert report.changed == ()
    with store.read() as tx:
        assert get_card(tx, "a").details["requirements"] == "Tiny."


def test_where_a_card_stands_is_no_difference(store: Store, path: Path) -> None:
    store_cards(store, read(path, ROCK))
    move_card(store, "a", Move(CardState.IN_PROGRESS, "coder", note="on it"))

    report = preview(store, read(path, ROCK))
    assert (report.changed, report.differences) == ((), ())


def test_an_import_that_changes_nothing_writes_no_event(store: Store, path: Path) -> None:
    store_cards(store, read(path, ROCK))
    with store.read() as tx:
        before = read_events(tx)
    store_cards(store, read(path, ROCK))
    with store.read() as tx:
        assert read_events(tx) == before


def test_of_a_suite_its_digest_is_told_and_not_its_source() -> None:
    def rock(digest: str, source: str) -> Card:
        suite = {"name": "page", "kind": "e2e", "file": "page.py", "source": source, "digest": digest}
        return Card("r", CardKind.ROCK, "R", rock_id="r", details={"suites": [suite]})

    assert differences_of(rock("d1", "old"), rock("d2", "new")) == (Difference("r", "suites.page.digest", "d1", "d2"),)


def test_what_is_empty_says_nothing() -> None:
    bare = Card("a", CardKind.ISSUE, "A")
    filled = Card("a", CardKind.ISSUE, "A", details={"description": " \n", "labels": [], "params": {"x": {}}})

    assert differences_of(bare, filled) == ()
