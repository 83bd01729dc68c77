from collections import Counter
from typing import Any

import pytest

from tests.sandboxes.corpus_scores import FLOORS, corpus, wrong

REPOSITORIES = list(corpus())
KNOWN = {
    # A command whose image listens, to look at what it made.
    "known_projects: hugo itself",
    # A server that is published as a package, too.
    "known_projects: directus",
}
Mistakes = dict[str, dict[str, tuple[Any, Any]]]


@pytest.fixture(scope="module")
def mistakes(tmp_path_factory: pytest.TempPathFactory) -> Mistakes:
    """What is told wrongly, by repository."""
    root = tmp_path_factory.mktemp("corpus")
    found = {each.name: wrong(each, root / str(number)) for number, each in enumerate(REPOSITORIES)}
    return {name: said for name, said in found.items() if said}


def test_the_corpus_is_large_and_names_each_repository_once() -> None:
    assert len({each.name for each in REPOSITORIES}) == len(REPOSITORIES) > 60


@pytest.mark.parametrize("axis", FLOORS)
def test_the_corpus_is_told_well_enough(axis: str, mistakes: Mistakes) -> None:
    missed = Counter(each for said in mistakes.values() for each in said)[axis]
    assert 1 - missed / len(REPOSITORIES) >= FLOORS[axis], mistakes


def test_only_those_that_are_known_are_told_wrongly(mistakes: Mistakes) -> None:
    assert set(mistakes) == KNOWN, mistakes
