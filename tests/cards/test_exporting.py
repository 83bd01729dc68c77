"""Cards as files again: what is exported and brought in again changes nothing."""

import json
from collections.abc import Iterable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orket_pipelines.cards import Card, CardKind, CardState, WaitReason
from orket_pipelines.cards.differences import differences_of
from orket_pipelines.cards.documents import parse_document, write_document
from orket_pipelines.cards.exporting import ExportedFile, export_rock
from orket_pipelines.cards.importing import import_cards, preview, read_cards
from orket_pipelines.cards.records import insert_cards, list_cards
from orket_pipelines.errors import CardError
from orket_pipelines.store import Store

SEATS = frozenset({"coder", "integrity_guard", "project_manager"})
STORABLE = st.characters(codec="utf-8", exclude_characters="\0")
TEXT = st.text(STORABLE, max_size=40).map(str.strip)
WORDS = TEXT.filter(bool)
SCALARS = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(
    SCALARS | st.text(STORABLE, max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(STORABLE, max_size=8), inner, max_size=3),
    max_leaves=6,
)
PARAMS = st.dictionaries(st.sampled_from(["a", "b.c", "no", "1", "é: x", "- y"]), VALUES, max_size=3)
COMMON = {
    "description": TEXT,
    "requirements": TEXT,
    "note": TEXT,
    "priority": st.sampled_from(["Low", "High", "2.5", 7, 0]),
    "labels": st.lists(WORDS, max_size=2),
    "references": st.lists(TEXT, max_size=2),
    "params": PARAMS,
    "metrics": st.fixed_dictionaries({"score": st.floats(0, 10), "criteria": st.just({"tests": 9.5})}),
}
STATES = st.sampled_from(
    [
        {},
        {"state": "done"},
        {"state": "canceled"},
        {"state": "blocked", "wait_reason": "input"},
        {"state": "in_progress"},
    ]
)
SCENARIOS = st.fixed_dictionaries({"description": WORDS, "input_data": PARAMS, "expected_output": VALUES})
ISSUE = st.fixed_dictionaries(
    {"kind": st.sampled_from(["issue", "utility", "app"])},
    optional=COMMON
    | {
        "seat": st.just("coder"),
        "assignee": WORDS,
        "sprint": st.sampled_from(["2026-01-31", "no", "1e3"]),
        "verified_by": st.just(["project"]),
        "verification": st.fixed_dictionaries({"scenarios": st.lists(SCENARIOS, max_size=2)}),
    },
)
LESSON = st.fixed_dictionaries({"date": st.just("2026-01-31"), "category": WORDS, "observation": TEXT})
EPIC = st.fixed_dictionaries(
    {"issues": st.lists(st.tuples(ISSUE, STATES), max_size=4)},
    optional=COMMON
    | {
        "team": WORDS,
        "environment": WORDS,
        "iterations": st.integers(0, 9),
        "architecture_governance": st.just({"idesign": True, "pattern": "Tactical"}),
        "lessons_learned": st.lists(LESSON, max_size=2),
    },
)
ROCK = st.fixed_dictionaries(
    {"epics": st.lists(EPIC, max_size=3)},
    optional={**COMMON, "task": TEXT, "params": st.just({"repository": "todo", "test_command": ["sh", "-c", "x\ny"]})},
)
tenants = count()


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> str:
    """One database for all examples, each in a workspace of its own."""
    return f"sqlite:///{tmp_path_factory.mktemp('export') / 'orket.db'}"


def named(rock: dict[str, Any]) -> dict[str, Any]:
    """The rock with names, some ids, and issues that depend on the one before them."""
    epics = []
    for number, epic in enumerate(rock["epics"]):
        issues: list[dict[str, Any]] = []
        for position, (issue, state) in enumerate(epic["issues"]):
            given_id = {"id": f"i{number}-{position}"} if position % 2 else {}
            needs = {"depends_on": [issues[-1]["name"]]} if issues else {}
            issues.append(issue | state | given_id | needs | {"name": f"Issue {number} {position}"})
        epics.append(epic | {"name": f"Epic {number}: äöü", "issues": issues})
    return rock | {"name": "Rock", "epics": epics}


def cards_in(store: Store) -> list[Card]:
    with store.read() as tx:
        return list_cards(tx)


def write(folder: Path, files: Iterable[ExportedFile]) -> Path:
    for file in files:
        path = folder / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(file.text)
    return folder


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(rock=ROCK.map(named))
def test_what_is_exported_and_brought_in_again_changes_nothing(
    rock: dict[str, Any], database: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("files")
    store = Store.open(database, workspace_id=f"tenant-{next(tenants)}")
    other = Store.open(database, workspace_id=f"tenant-{next(tenants)}")
    (folder / "first.json").write_text(json.dumps({"rock": rock}))
    assert import_cards(store, [folder / "first.json"], seats=SEATS).problems == ()

    exported = export_rock(cards_in(store))
    again = preview(store, read_cards([write(folder / "again", exported)], seats=SEATS))
    assert (again.problems, again.created, again.differences) == ((), (), ())
    assert len(again.unchanged) == len(cards_in(store))

    assert import_cards(other, [folder / "again"], seats=SEATS).problems == ()
    assert export_rock(cards_in(other)) == exported
    for card, copy in zip(cards_in(store), cards_in(other), strict=True):
        assert differences_of(card, copy) == ()
        assert (card.id, card.state, card.wait_reason, card.note) == (copy.id, copy.state, copy.wait_reason, copy.note)
    store.close()
    other.close()


def test_the_suites_of_a_rock_are_files_again(tmp_path: Path, store: Store) -> None:
    suite = {"name": "page", "kind": "e2e", "file": "suites/page.py"}
    text = "def test_page(page):\n    assert page\n"
    write(tmp_path / "in", [ExportedFile(Path("suites/page.py"), text)])  # type: ignore[arg-type]
    (tmp_path / "in" / "rock.yaml").write_text(write_document({"rock": {"name": "R", "suites": [suite], "epics": []}}))
    import_cards(store, [tmp_path / "in"], seats=SEATS)

    card_file, file = export_rock(cards_in(store))
    assert (str(card_file.path), card_file.holds_cards) == ("r/cards.yaml", True)
    assert (str(file.path), file.text, file.holds_cards) == ("r/suites/page.py", text, False)
    folder = write(tmp_path / "out", [card_file, file])
    report = import_cards(store, [folder], seats=SEATS)
    assert (report.unchanged, report.problems) == (("r",), ())


@pytest.mark.parametrize("file", ["/etc/cron.d/x", "../x.py", "a/../../x.py"])
def test_an_export_never_writes_outside_its_folder(file: str) -> None:
    suite = {"name": "x", "kind": "e2e", "file": file, "source": "", "digest": ""}
    rock = Card("r", CardKind.ROCK, "R", rock_id="r", details={"suites": [suite]})
    with pytest.raises(CardError, match="cannot be exported"):
        export_rock([rock])


def test_a_card_file_never_takes_the_name_of_a_suite() -> None:
    suite = {"name": "x", "kind": "http", "file": "cards.yaml", "source": "requests: []", "digest": ""}
    rock = Card("r", CardKind.ROCK, "R", rock_id="r", details={"suites": [suite]})
    assert [str(file.path) for file in export_rock([rock])] == ["r/the-cards.yaml", "r/cards.yaml"]


def test_what_the_factory_wrote_itself_comes_back_too(tmp_path: Path, store: Store) -> None:
    """Requirements, which wait for a person."""
    asked = Card(
        "a-requirements-1",
        CardKind.ISSUE,
        "Requirements of: A",
        CardState.BLOCKED,
        "e",
        "r",
        WaitReason.INPUT,
        "A person decides.",
        seat="project_manager",
        details={"description": "- Why?\n- What?\n", "labels": ["requirements"]},
    )
    parents = [
        Card("r", CardKind.ROCK, "R", rock_id="r"),
        Card("e", CardKind.EPIC, "E", parent_id="r", rock_id="r"),
    ]
    with store.write() as tx:
        insert_cards(tx, [*parents, asked])

    report = import_cards(store, [write(tmp_path, export_rock(cards_in(store)))], seats=SEATS)
    assert (report.problems, report.differences, len(report.unchanged)) == ((), (), 3)


def test_a_card_in_no_epic_is_named() -> None:
    stray = Card("s", CardKind.ISSUE, "S", parent_id="r", rock_id="r")
    with pytest.raises(CardError, match=r"part of no epic.*: s"):
        export_rock([Card("r", CardKind.ROCK, "R", rock_id="r"), stray])


@pytest.mark.parametrize(
    "text", ["a\nb", "a\n\n", "\ta", "- a", "no", "null", "1e3", "0x1f", "a: b #c", "x\r\ny", " a\nb"]
)
def test_every_text_is_written_so_that_it_is_read_as_it_was(text: str) -> None:
    shared = [text]
    assert parse_document(write_document({"a": shared, "b": shared})) == {"a": [text], "b": [text]}
