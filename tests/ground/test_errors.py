"""The tree of errors."""

import inspect

import pytest

from orket_pipelines import errors
from orket_pipelines.errors import OrketError, TransitionRefused

ALL = [found for _, found in inspect.getmembers(errors, inspect.isclass) if found.__module__ == errors.__name__]


@pytest.mark.parametrize("kind", ALL)
def test_every_error_is_one_of_ours_and_says_what_it_means(kind: type[Exception]) -> None:
    assert issubclass(kind, OrketError)
    assert kind.__doc__


def test_an_error_carries_the_next_step_apart_from_its_message() -> None:
    error = TransitionRefused("it is done", next_step="Leave it.")

    assert (str(error), error.next_step) == ("it is done", "Leave it.")
    assert OrketError("nothing to do").next_step == ""
