"""How much an engine is asked to do at once."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

AT_ONCE = 3
"""Cores and one more: the same time in all, and each starts four times sooner than where all start at once."""
_Thing = TypeVar("_Thing")


def in_parallel(act: Callable[[_Thing], None], things: Iterable[_Thing]) -> None:
    """Do it to all of them. Raises: what the first that fails raises, once all have ended."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        list(pool.map(act, things))
