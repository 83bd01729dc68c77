"""The table of moves as people and programs read it."""

import json
import re
from pathlib import Path

from orket_pipelines.cards import RULES, CardKind
from orket_pipelines.cards.diagrams import DRAWN, draw_diagram, draw_diagrams, rules_document, rules_of

GUIDE = Path(__file__).parents[2] / "docs" / "STATE_MACHINE.md"


def test_the_diagrams_of_the_guide_are_drawn_from_the_table() -> None:
    drawn = GUIDE.read_text().partition("from here -->\n")[2].partition("<!-- to here -->")[0]

    assert drawn.strip() == draw_diagrams(), "draw them anew: orket cards rules --mermaid"


def test_the_guide_names_every_rule_that_refuses() -> None:
    source = Path(__file__).parents[2] / "orket_pipelines" / "cards" / "transitions.py"
    refusals = set(re.findall(r'Refusal\(\s*"(\w+)"', source.read_text()))

    assert len(refusals) == 5
    assert refusals == set(re.findall(r"^\| `(\w+)` \|", GUIDE.read_text(), re.MULTILINE))


def test_each_diagram_has_an_arrow_for_every_move_of_its_kind_and_no_other() -> None:
    for kind in DRAWN:
        arrows = re.findall(r"^    (\w+) --> (\w+)", draw_diagram(kind), re.MULTILINE)

        assert arrows == [(rule.start, rule.end) for rule in rules_of(kind)]


def test_programs_get_every_move_with_all_that_it_needs() -> None:
    told = json.loads(json.dumps(rules_document()))

    assert told["kinds"] == ["rock", "epic", "issue", "utility", "app"]
    assert len(told["moves"]) == len(RULES)
    assert {
        "kind": "issue",
        "from": "code_review",
        "to": "done",
        "actors": ["integrity_guard"],
        "on_approval": "system",
        "needs_wait_reason": False,
        "ends_children": False,
    } in told["moves"]


def test_a_diagram_says_who_may_where_not_everybody_may() -> None:
    drawn = draw_diagram(CardKind.ISSUE)

    assert "    ready --> canceled: project_manager\n" in drawn
    assert "    in_progress --> blocked: wait reason\n" in drawn
    assert "    code_review --> done: integrity_guard, or system on its approval\n" in drawn
    assert "    ready --> in_progress\n" in drawn
