"""`orket cards import` and `orket cards export`."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.cards import Card, CardKind, CardState
from orket_pipelines.cards.records import get_card, insert_cards
from orket_pipelines.store import Store
from tests.cli.conftest import Orket
from tests.cli.test_cards_commands import ROCK

pytestmark = pytest.mark.slow

CHANGED = ROCK.replace("Things to do.", "Things\n    to do.").replace("priority: Low", "priority: 2.5, labels: [x]")


@pytest.fixture
def cards(tmp_path: Path) -> Path:
    path = tmp_path / "list.yaml"
    path.write_text(ROCK)
    return path


def test_a_change_is_shown_and_refused_where_nobody_can_be_asked(orket: Orket, opened: Store, cards: Path) -> None:
    orket("cards", "import", cards)
    cards.write_text(CHANGED)

    done = orket("cards", "import", cards)
    assert done.exit_code == 1
    assert done.stdout.splitlines() == ["filter:", "  priority: 1.0 → 2.5", '  labels: (nothing) → ["x"]']
    assert "nothing was imported: it would change 1 card that is there already" in done.stderr
    assert "next: Agree to it: --yes" in done.stderr
    with opened.read() as tx:
        assert get_card(tx, "filter").priority == 1.0


def test_a_change_is_made_where_it_was_agreed_to(orket: Orket, opened: Store, cards: Path) -> None:
    orket("cards", "import", cards)
    cards.write_text(CHANGED)

    done = orket("cards", "import", cards, "--yes")
    assert done.exit_code == 0
    assert "  priority: 1.0 → 2.5\n" in done.stdout
    assert done.stdout.endswith("Cards: 0 created, 1 changed, 3 unchanged, 0 problems.\n")
    with opened.read() as tx:
        assert get_card(tx, "filter").priority == 2.5


def test_a_program_is_told_the_differences_and_whether_they_were_stored(orket: Orket, cards: Path) -> None:
    assert json.loads(orket("cards", "import", cards, "--json").stdout)["stored"] is True
    cards.write_text(CHANGED)
    refused = orket("cards", "import", cards, "--json")
    told = json.loads(refused.stdout)
    assert (refused.exit_code, told["stored"], told["changed"]) == (1, False, ["filter"])
    assert told["differences"][0] == {"card_id": "filter", "path": "priority", "before": 1.0, "after": 2.5}
    assert json.loads(refused.stderr)["next"] == "Agree to it: --yes"
    assert json.loads(orket("cards", "import", cards, "--json", "--yes").stdout)["stored"] is True


def test_a_long_text_is_told_by_the_lines_that_change(orket: Orket, cards: Path) -> None:
    cards.write_text(ROCK.replace("description: Things to do.", "description: |\n    one\n    two\n    three"))
    orket("cards", "import", cards)
    cards.write_text(ROCK.replace("description: Things to do.", "description: |\n    one\n    2\n    three"))
    shown = orket("cards", "import", cards).stdout.splitlines()
    assert shown == ["list:", "  description:", "    @@ -1,3 +1,3 @@", "     one", "    -two", "    +2", "     three"]


@pytest.mark.parametrize("agrees", [True, False])
def test_a_person_at_the_terminal_is_asked(orket: Orket, opened: Store, cards: Path, agrees: bool) -> None:
    orket("cards", "import", cards)
    cards.write_text(CHANGED)
    ours, theirs = pty.openpty()
    command = [str(Path(sys.executable).with_name("orket")), "cards", "import", str(cards)]
    with subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, text=True) as run:
        os.write(ours, b"y\n" if agrees else b"n\n")
        said = run.communicate(timeout=60)[0]
    os.close(ours)
    os.close(theirs)
    assert "Change 1 card that is there already? [y/N]" in said
    assert run.returncode == (0 if agrees else 1)
    with opened.read() as tx:
        assert get_card(tx, "filter").priority == (2.5 if agrees else 1.0)


def test_cards_are_exported_and_imported_again_without_a_change(
    orket: Orket, asked: Callable[..., Any], cards: Path
) -> None:
    cards.with_name("page.py").write_text("def test_page(page): ...\n")
    suites = "  suites: [{name: page, kind: e2e, file: page.py}]\n  verified_by: [page]\n"
    cards.write_text(ROCK.replace("  task: Build it.\n", suites))
    orket("cards", "import", cards)

    assert orket("cards", "export").stdout == "cards/list/cards.yaml\ncards/list/page.py\n"
    assert orket("cards", "import", "cards").stdout == "Cards: 0 created, 0 changed, 4 unchanged, 0 problems.\n"
    assert asked("cards", "export", "list", "--to", "there")["files"] == ["there/list/cards.yaml", "there/list/page.py"]


def test_an_export_overwrites_nothing_that_says_something_else_unasked(orket: Orket, cards: Path) -> None:
    orket("cards", "import", cards)
    orket("cards", "export")
    file = Path("cards/list/cards.yaml")
    written = file.read_text()
    assert orket("cards", "export").exit_code == 0
    file.write_text("mine")
    refused = orket("cards", "export")
    assert refused.exit_code == 1
    assert "nothing was written: these files are there already and say something else: cards/list" in refused.stderr
    assert file.read_text() == "mine"
    assert orket("cards", "export", "--yes").exit_code == 0
    assert file.read_text() == written


def test_what_could_not_be_imported_again_is_told(orket: Orket, opened: Store) -> None:
    parents = [
        Card("r", CardKind.ROCK, "R", rock_id="r"),
        Card("e", CardKind.EPIC, "E", parent_id="r", rock_id="r"),
        Card("i", CardKind.ISSUE, "I", CardState.READY, "e", "r", seat="wizard"),
    ]
    with opened.write() as tx:
        insert_cards(tx, parents)
    done = orket("cards", "export")
    assert done.exit_code == 1
    assert "cards/r/cards.yaml: rock.epics[0].issues[0].seat: no role is called 'wizard'" in done.stdout


def test_only_a_rock_is_exported(orket: Orket, cards: Path) -> None:
    orket("cards", "import", cards)
    assert "storage is not a rock" in orket("cards", "export", "storage").stderr
    assert "there is no card 'nobody'" in orket("cards", "export", "nobody").stderr
