"""Card files, as people write them and as they get them wrong."""

import json
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent, indent

import pytest

from orket_pipelines.cards import Card, CardKind, CardState
from orket_pipelines.cards.files import CardFields, EpicFields, IssueFields, RockFields
from orket_pipelines.cards.importing import ImportReport, import_cards
from orket_pipelines.cards.records import get_card, list_cards
from orket_pipelines.store import Store

SEATS = frozenset({"coder", "integrity_guard"})
STATES = ", ".join(f"'{state}'" for state in list(CardState)[:-1]) + " or 'canceled'"
ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
Import = Callable[[str], ImportReport]
WHOLE = """
rock:
  id: todo
  name: A to-do list
  description: What to do.
  task: Build it.
  priority: High
  params: {repository: todo, test_command: [python, -m, pytest, -q]}
  epics:
    - id: todo-api
      name: API
      department: core
      team: standard
      issues:
        - id: todo-skeleton
          name: Skeleton
          description: An app that starts.
          requirements: It starts.
          seat: coder
          priority: 2.5
          labels: [first]
          params: {a: 1}
          references: [README.md]
          verification: {fixture_path: tests/check.py, scenarios: [{description: it starts, expected_output: 200}]}
          metrics: {score: 8}
          assignee: ann
          sprint: 2026-01-31
          note: Keep it small.
        - name: Storage
          depends_on: [todo-skeleton]
        - name: Serve
          depends_on: [Storage, Skeleton]
"""


@pytest.fixture
def load(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Import:
    """Import the text of a card file, `cards.yaml`."""
    monkeypatch.chdir(tmp_path)

    def load_text(text: str) -> ImportReport:
        Path("cards.yaml").write_text(text)
        return import_cards(store, [Path("cards.yaml")], seats=SEATS)

    return load_text


def rock(issues: str) -> str:
    """A card file of one rock and one epic with these issues."""
    listed = indent(dedent(issues).strip(), "        ")
    return f"rock:\n  name: Rock\n  epics:\n    - name: Epic\n      issues:\n{listed}\n"


def problems(report: ImportReport) -> list[str]:
    return [str(problem) for problem in report.problems]


def cards(store: Store) -> dict[str, Card]:
    with store.read() as tx:
        return {card.id: card for card in list_cards(tx)}


def test_a_whole_rock_is_loaded_with_all_its_fields(load: Import, store: Store) -> None:
    report = load(WHOLE)

    assert problems(report) == []
    assert report.created == ("todo", "todo-api", "todo-skeleton", "todo-api-storage", "todo-api-serve")
    found = cards(store)
    assert list(found) == list(report.created)
    top, epic, skeleton = found["todo"], found["todo-api"], found["todo-skeleton"]
    assert (top.kind, top.parent_id, top.rock_id, top.priority) == (CardKind.ROCK, None, "todo", 3.0)
    assert top.details["params"] == {"repository": "todo", "test_command": ["python", "-m", "pytest", "-q"]}
    assert top.details["task"] == "Build it."
    assert (epic.kind, epic.parent_id, epic.rock_id, epic.details["team"]) == ("epic", "todo", "todo", "standard")
    assert (skeleton.kind, skeleton.parent_id, skeleton.rock_id, skeleton.seat) == (
        "issue",
        "todo-api",
        "todo",
        "coder",
    )
    assert (skeleton.priority, skeleton.note, skeleton.state) == (2.5, "Keep it small.", CardState.READY)
    assert skeleton.source == "cards.yaml#rock.epics[0].issues[0]"
    assert skeleton.details["requirements"] == "It starts."
    assert skeleton.details["sprint"] == "2026-01-31"
    assert skeleton.details["metrics"]["shippability_threshold"] == 7.0
    assert skeleton.details["verification"]["scenarios"][0]["expected_output"] == 200
    assert found["todo-api-serve"].depends_on == ("todo-api-storage", "todo-skeleton")


def test_json_says_the_same_as_yaml(load: Import, store: Store, tmp_path: Path) -> None:
    import yaml

    load(WHOLE)
    (tmp_path / "cards.json").write_text(json.dumps(yaml.safe_load(WHOLE.replace("2026-01-31", "'2026-01-31'"))))

    report = import_cards(store, [tmp_path / "cards.json"], seats=SEATS)
    assert (report.created, report.changed, len(report.unchanged), report.problems) == ((), (), 5, ())


def test_the_same_file_again_changes_nothing(load: Import, store: Store) -> None:
    load(WHOLE)
    before = cards(store)

    report = load(WHOLE)
    assert (report.created, report.changed, len(report.unchanged)) == ((), (), 5)
    assert cards(store) == before


def test_a_changed_file_updates_its_cards_and_not_where_they_stand(load: Import, store: Store) -> None:
    load(WHOLE)
    report = load(
        WHOLE.replace("It starts.", "It starts fast.").replace("name: Serve", "name: Serve\n          state: done")
    )

    assert (report.created, report.changed, len(report.unchanged)) == ((), ("todo-skeleton",), 4)
    found = cards(store)
    assert found["todo-skeleton"].details["requirements"] == "It starts fast."
    assert found["todo-api-serve"].state is CardState.READY


def test_a_card_that_moves_within_its_file_is_unchanged_and_its_source_follows(load: Import, store: Store) -> None:
    load(rock("- {id: a, name: A}\n- {id: b, name: B}"))
    report = load(rock("- {id: b, name: B}\n- {id: new, name: New}\n- {id: a, name: A}"))

    assert (report.created, report.changed) == (("new",), ())
    assert cards(store)["a"].source == "cards.yaml#rock.epics[0].issues[2]"


def test_two_cards_can_swap_their_names(load: Import, store: Store) -> None:
    load(rock("- {id: a, name: One}\n- {id: b, name: Two}"))
    report = load(rock("- {id: a, name: Two}\n- {id: b, name: One}"))

    assert problems(report) == []
    assert report.changed == ("a", "b")
    assert {card_id: card.name for card_id, card in cards(store).items() if card_id in "ab"} == {"a": "Two", "b": "One"}


def test_a_card_enters_in_the_state_that_its_file_names(load: Import, store: Store) -> None:
    load(rock("- {id: a, name: A, state: blocked, wait_reason: input}\n- {id: b, name: B, type: utility}"))

    assert cards(store)["a"].state is CardState.BLOCKED
    assert cards(store)["a"].wait_reason == "input"
    assert cards(store)["b"].kind is CardKind.UTILITY


@ON_SQLITE
@pytest.mark.parametrize(
    ("priority", "expected"),
    [("Low", 1.0), ("medium", 2.0), ("HIGH", 3.0), ("7", 7.0), ("'2.5'", 2.5), ("0", 0.0)],
)
def test_a_priority_is_a_word_or_a_number(load: Import, store: Store, priority: str, expected: float) -> None:
    load(rock(f"- {{id: a, name: A, priority: {priority}}}"))

    assert cards(store)["a"].priority == expected


@ON_SQLITE
@pytest.mark.parametrize(
    ("issue", "told"),
    [
        ("{name: A, state: doing}", ".state: 'doing' is not one of 'ready', 'in_progress', 'blocked',"),
        ("{name: A, sate: ready}", ".sate: there is no such field; did you mean 'state'?"),
        ("{name: A, xyz: 1}", ".xyz: there is no such field"),
        ("{name: A, metrics: {xyz: 1}}", ".metrics.xyz: there is no such field"),
        ("{description: A}", ".name: is missing"),
        ("{name: 7}", ".name: must be text, not 7"),
        ("{name: ''}", ".name: String should have at least 1 character, not ''"),
        ("{name: A, priority: huge}", ".priority: must be Low, Medium, High, or a number from 0 to 1000, not 'huge'"),
        ("{name: A, priority: -1}", ".priority: must be Low, Medium, High, or a number from 0 to 1000, not -1"),
        ("{name: A, priority: true}", ".priority: must be Low, Medium, High, or a number from 0 to 1000, not True"),
        ("{name: A, seat: wizard}", ".seat: no role is called 'wizard'"),
        ("{name: A, id: ../a}", ".id: must be lower-case letters, digits"),
        ("{name: A, kind: rock}", ".kind: 'rock' is not one of 'issue', 'utility' or 'app'"),
        ("{name: A, state: blocked}", ": a card that is blocked needs a wait_reason"),
        ("{name: A, wait_reason: input}", ": a card that is ready does not wait: leave wait_reason out"),
        ("{name: A, depends_on: [nope]}", ".depends_on[0]: there is no issue 'nope' in this rock"),
        ("{name: A, depends_on: nope}", ".depends_on: Input should be a valid list, not 'nope'"),
        ("{name: A, labels: [1]}", ".labels[0]: must be text, not 1"),
        ("{name: A, skills: [x]}", ".skills: is a legacy field"),
        ("17", ": must be a mapping of fields, not 17"),
    ],
)
def test_a_wrong_issue_is_named_by_file_and_key_and_the_rest_loads(
    load: Import, store: Store, issue: str, told: str
) -> None:
    report = load(rock(f"- {{id: before, name: Before}}\n- {issue}\n- {{id: after, name: After}}"))

    (problem,) = problems(report)
    assert problem.startswith("cards.yaml: rock.epics[0].issues[1]")
    assert told in problem
    assert list(cards(store)) == ["rock", "rock-epic", "before", "after"]


def test_all_problems_of_all_files_are_told_at_once(store: Store, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(rock("- {name: A, state: x, priority: y}\n- {name: B, seat: z}"))
    (tmp_path / "b.json").write_text("{")
    (tmp_path / "c.yml").write_text("")
    (tmp_path / "d.yaml").write_text("rocks: []")
    (tmp_path / "notes.txt").write_text("no card file")

    report = import_cards(store, [tmp_path, tmp_path / "missing.yaml"], seats=SEATS)
    assert [problem.removeprefix(f"{tmp_path}/") for problem in problems(report)] == [
        f"a.yaml: rock.epics[0].issues[0].state: 'x' is not one of {STATES}",
        "a.yaml: rock.epics[0].issues[0].priority: must be Low, Medium, High, or a number from 0 to 1000, not 'y'",
        "b.json: line 1, column 2: Expecting property name enclosed in double quotes",
        "c.yml: is empty",
        "d.yaml: must hold exactly one field, rock",
        "missing.yaml: there is no such file",
        "a.yaml: rock.epics[0].issues[1].seat: no role is called 'z'",
    ]


def test_a_folder_without_card_files_is_named(store: Store, tmp_path: Path) -> None:
    report = import_cards(store, [tmp_path], seats=SEATS)

    assert problems(report) == [f"{tmp_path}: there is no card file in this folder"]


def test_a_cycle_is_named_in_full_and_what_hangs_on_it_is_not_loaded(load: Import, store: Store) -> None:
    report = load(
        rock("""
            - {id: a, name: A, depends_on: [b]}
            - {id: b, name: B, depends_on: [c]}
            - {id: c, name: C, depends_on: [a]}
            - {id: d, name: D, depends_on: [a]}
            - {id: self, name: Self, depends_on: [self]}
            - {id: free, name: Free}
        """)
    )

    assert problems(report) == [
        "cards.yaml: rock.epics[0].issues[0].depends_on: a dependency cycle: a → b → c → a",
        "cards.yaml: rock.epics[0].issues[4].depends_on: a dependency cycle: self → self",
        "cards.yaml: rock.epics[0].issues[3].depends_on: depends on 'a', which cannot be loaded",
    ]
    assert list(cards(store)) == ["rock", "rock-epic", "free"]


def test_what_depends_on_a_broken_issue_is_told_and_not_loaded(load: Import, store: Store) -> None:
    report = load(
        rock("""
            - {id: broken, name: Broken, state: x}
            - {id: next, name: Next, depends_on: [Broken]}
            - {id: last, name: Last, depends_on: [next]}
        """)
    )

    assert problems(report)[1:] == [
        "cards.yaml: rock.epics[0].issues[1].depends_on[0]: depends on 'Broken', which cannot be loaded",
        "cards.yaml: rock.epics[0].issues[2].depends_on: depends on 'next', which cannot be loaded",
    ]
    assert list(cards(store)) == ["rock", "rock-epic"]


def test_ids_and_names_are_given_once(load: Import, store: Store) -> None:
    report = load(rock("- {id: a, name: A}\n- {id: a, name: B}\n- {id: c, name: A}"))

    assert problems(report) == [
        "cards.yaml: rock.epics[0].issues[1].id: the id 'a' is taken by cards.yaml#rock.epics[0].issues[0]",
        "cards.yaml: rock.epics[0].issues[2].name: the name 'A' is taken by cards.yaml#rock.epics[0].issues[0]",
    ]
    assert list(cards(store)) == ["rock", "rock-epic", "a"]


def test_an_issue_is_found_by_its_id_before_its_name_and_a_name_that_fits_two_is_refused(
    load: Import, store: Store
) -> None:
    report = load("""
rock:
  name: Rock
  epics:
    - name: One
      issues: [{id: x, name: Same}, {name: x}]
    - name: Two
      issues: [{name: Same}, {id: ok, name: Ok, depends_on: [x]}, {id: no, name: No, depends_on: [Same]}]
""")

    assert problems(report) == [
        "cards.yaml: rock.epics[1].issues[2].depends_on[0]: 'Same' names several issues",
    ]
    assert cards(store)["ok"].depends_on == ("x",)


def test_an_epic_of_more_than_seven_issues_must_say_how_it_is_cut(load: Import, store: Store) -> None:
    eight = "\n".join(f"- {{name: Issue {number}}}" for number in range(8))
    report = load(rock(eight))

    assert problems(report) == [
        "cards.yaml: rock.epics[0]: has 8 issues; with more than 7 it must declare how it is decomposed"
    ]
    assert list(cards(store)) == ["rock"]
    parts = "architecture: {managers: [flow], engines: [rules], accessors: [database]}"
    report = load(rock(eight).replace("name: Epic", f"name: Epic\n      {parts}"))
    assert problems(report) == []
    assert len(report.created) == 9


def test_a_broken_rock_is_told_with_all_that_is_wrong_below_it_and_nothing_of_it_loads(
    load: Import, store: Store
) -> None:
    report = load(rock("- {name: A, state: x}\n- {name: B}").replace("name: Rock", "params: {repository: ../x}"))

    assert [problem.split(": ")[1] for problem in problems(report)] == [
        "rock.name",
        "rock.params.repository",
        "rock.epics[0].issues[0].state",
    ]
    assert cards(store) == {}


def test_an_id_of_another_rock_is_refused_and_that_rock_is_untouched(load: Import, store: Store) -> None:
    load(rock("- {id: a, name: A}"))
    report = load(rock("- {id: a, name: Theirs}").replace("name: Rock", "name: Other"))

    assert problems(report) == ["cards.yaml: rock.epics[0].issues[0].id: the id 'a' belongs to the issue of rock rock"]
    with store.read() as tx:
        assert get_card(tx, "a").name == "A"
    assert "other" not in cards(store)


def test_a_name_of_a_card_that_has_left_the_file_is_refused_with_the_way_out(load: Import) -> None:
    load(rock("- {id: a, name: A}"))
    report = load(rock("- {id: b, name: A}"))

    assert "the name 'A' belongs to card a" in problems(report)[0]
    assert report.problems[0].fix == "Use another name, or give it the id a."


def test_a_card_without_an_id_gets_the_same_one_from_any_file(load: Import) -> None:
    first = load(rock("- {name: Ünïcode & Co.}"))

    assert first.created == ("rock", "rock-epic", "rock-epic-unicode-co")
    assert load(rock("- {name: Ünïcode & Co.}")).unchanged == first.created


def test_the_report_reads_as_a_line(load: Import) -> None:
    assert str(load(WHOLE)) == "Cards: 5 created, 0 changed, 0 unchanged, 0 problems."


@pytest.mark.parametrize("fields", [RockFields, EpicFields, IssueFields])
def test_every_field_that_a_card_file_may_have_is_in_the_guide(fields: type[CardFields]) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "CARDS.md").read_text()

    assert [name for name in fields.model_fields if f"`{name}`" not in guide] == []
