"""Ids of cards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket_pipelines.cards.identifiers import derived_id, is_identifier, slug


@pytest.mark.parametrize("text", ["a", "todo-api", "v1.2_x", "0", "a" * 63])
def test_safe_names_are_ids(text: str) -> None:
    assert is_identifier(text)


@pytest.mark.parametrize(
    "text", ["", "A", "-a", ".a", "a b", "a/b", "../a", "a..b", "a.", "a.lock", "ä", "a\n", "a" * 64, "a\0"]
)
def test_what_a_folder_or_a_branch_cannot_be_called_is_no_id(text: str) -> None:
    assert not is_identifier(text)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("A to-do list", "a-to-do-list"),
        ("  Überprüfung: Größe ", "uberprufung-groe"),
        ("CWR-01", "cwr-01"),
        ("カード", "a586e52c"),
    ],
)
def test_a_slug_is_what_can_be_kept_of_a_name(name: str, expected: str) -> None:
    assert slug(name) == expected


def test_a_derived_id_begins_with_the_parents() -> None:
    assert derived_id("todo", "API") == "todo-api"


def test_long_names_that_differ_at_their_end_get_different_ids() -> None:
    assert derived_id("rock", "x" * 200 + "a") != derived_id("rock", "x" * 200 + "b")


@given(st.text(min_size=1, max_size=200), st.text(min_size=1, max_size=200))
def test_every_name_gives_an_id_and_the_same_one_each_time(parent: str, name: str) -> None:
    parent_id = slug(parent)

    assert is_identifier(parent_id)
    assert is_identifier(derived_id(parent_id, name))
    assert derived_id(parent_id, name) == derived_id(parent_id, name)
