"""docs/METRICS.md: its questions have answers, and its tables are the ones there are."""

import re
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.analytics import TableDescription, describe, run_sql
from orket_pipelines.settings import Settings

pytestmark = pytest.mark.slow

DOCUMENT = (Path(__file__).parents[2] / "docs" / "METRICS.md").read_text()
QUESTIONS = dict(re.findall(r"^\*\*\d+\. (.+?)\*\*\n\n```sql\n(.+?)\n```$", DOCUMENT, re.MULTILINE | re.DOTALL))


ANSWERS: tuple[list[tuple[Any, ...]], ...] = (
    [("The API", "done", 1, 3, 0.05)],
    [("coder", "tests_failed", 1, 2, 0.025), ("coder", "work", 1, 2, 0.025), ("integrity_guard", "review", 1, 1, None)],
    [("ready", 2, 7248.0), ("ready_for_testing", 2, 12.0), ("in_progress", 2, 10.0), ("code_review", 2, 3.0)],
    [(1, 25.0, 25.0, 40.0, 60.0)],
    [("todo", "2023-11-14", 100.0, 1.43), ("todo", "2023-11-15", None, 0.23)],
    [("The page", "in_progress", None, "", "2023-11-15 00:13:57+00:00")],
    [("project", "test_3", 1, 2, False), ("project", "test_0", 0, 2, True)],
    [("shop", "completed", 7.0, 2, 1, 0.29, "shop-phase2")],
    [(1, "The API", 1, 9.0)],
    [("coder", "small-model", 2, 100.0, 1, 1, 0.05), ("integrity_guard", "small-model", 1, 100.0, 0, 0, None)],
)
"""What the document's questions, in its order, find in the story of the tests."""


def test_the_document_asks_ten_questions() -> None:
    assert len(QUESTIONS) == DOCUMENT.count("```sql") == len(ANSWERS) == 10


@pytest.mark.parametrize(("question", "rows"), list(zip(QUESTIONS, ANSWERS, strict=False)))
def test_every_question_of_the_document_has_its_answer(
    question: str, rows: list[tuple[Any, ...]], told: Settings
) -> None:
    assert run_sql(told, QUESTIONS[question], refresh=False).rows == rows


@pytest.mark.parametrize("table", describe(), ids=lambda table: table.name)
def test_the_document_explains_every_column(table: TableDescription) -> None:
    rows = "".join(f"| `{column.name}` | {column.type} | {column.comment} |\n" for column in table.columns)
    assert (
        f"### {table.name}\n\n{table.comment}\n\n| column | type | what it holds |\n|---|---|---|\n{rows}" in DOCUMENT
    )
