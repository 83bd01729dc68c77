"""What the documents name is there: commands, targets, files."""

import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from orket_pipelines.cli.application import build
from orket_pipelines.settings import Settings

ROOT = Path(__file__).parents[2]
OURS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
EXAMPLES = sorted((ROOT / "examples").glob("*/README.md"))
"""They speak of files of the repository that is delivered, too."""
NOT_SETTINGS = {"ORKET_REQUIRE", "ORKET_FAILPOINT", "ORKET_DEBUG"}
"""Variables that steer tests and debugging."""

STATE = {
    "repositories/",
    "checkouts/",
    "artifacts/",
    "attachments/",
    "reports/",
    "analytics/",
    "attacks/",
    "probes/",
    "sandboxes/",
    "dependencies/",
    "verification/",
    "workspace.json",
    "config/organization.json",
    ".venv/bin",
}
"""What lies under ORKET_HOME, or is made on the spot."""

documents = pytest.mark.parametrize("document", [*OURS, *EXAMPLES], ids=lambda path: str(path.relative_to(ROOT)))
our_documents = pytest.mark.parametrize("document", OURS, ids=lambda path: str(path.relative_to(ROOT)))


@documents
def test_every_make_target_that_a_document_names_exists(document: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", document.read_text(), re.MULTILINE))
    assert named <= targets


@documents
def test_every_command_that_a_document_names_exists(document: Path) -> None:
    lines = re.findall(r"(?:^|`)(orket [a-z][^`\n#]*)", document.read_text(), re.MULTILINE)
    assert [line for line in lines if not _exists(line.split()[1:])] == []


@our_documents
def test_every_file_that_a_document_names_exists(document: Path) -> None:
    text = document.read_text()
    linked = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    quoted = re.findall(r"`([\w.-]+/[\w./-]*)`", text)
    missing = [name for name in {*linked, *quoted} if not _is_there(document, name)]
    assert missing == []


@documents
def test_every_setting_that_a_document_names_exists(document: Path) -> None:
    settings = {f"ORKET_{name.upper()}" for name in Settings.model_fields}
    named = set(re.findall(r"\bORKET_[A-Z_]*[A-Z]\b", document.read_text()))
    assert named - settings - NOT_SETTINGS == set()


def test_the_first_screen_of_the_readme_has_the_picture_and_the_two_commands() -> None:
    first = (ROOT / "README.md").read_text().splitlines()[:20]
    for part in ("](docs/images/dagster-run.png)", "make demo", "make dev"):
        assert any(part in line for line in first)


def _exists(words: list[str]) -> bool:
    command: Any = get_command(build())
    for word in words:
        if hasattr(command, "commands"):
            if word not in command.commands:
                return word.startswith("-")
            command = command.commands[word]
        elif word.startswith("--") and word not in {"--help", *(name for each in command.params for name in each.opts)}:
            return False
    return True


def _is_there(document: Path, name: str) -> bool:
    """As seen from the root, from the document, from the library, or under ORKET_HOME, which no checkout has."""
    places = (ROOT, document.parent, ROOT / "orket_pipelines")
    return name in STATE or name.startswith(".orket/") or any((place / name).exists() for place in places)
