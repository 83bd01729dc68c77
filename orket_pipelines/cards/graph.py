"""Dependencies between the issues of a rock: what they name, and cycles among them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

Graph = Mapping[str, Sequence[str]]
"""The ids that each id depends on."""


def cycles(graph: Graph) -> list[tuple[str, ...]]:
    """Cycles that share no card, each as (a, b, …, a): a depends on b.

    Every card of any other cycle depends, directly or not, on a card of one of these.
    """
    found: list[tuple[str, ...]] = []
    caught: set[str] = set()
    visited: set[str] = set()
    for start in graph:
        if start in visited:
            continue
        for path, target in _back_edges(graph, start, visited):
            if caught.isdisjoint(cycle := path[path.index(target) :]):
                caught.update(cycle)
                found.append((*cycle, target))
    return found


def dependents_of(graph: Graph, ids: Iterable[str]) -> dict[str, str]:
    """The ids that depend on one of `ids`, directly or not, each with the dependency that leads there."""
    behind: dict[str, list[str]] = {}
    for card_id, needed in graph.items():
        for other in needed:
            behind.setdefault(other, []).append(card_id)
    reason: dict[str, str] = {}
    reached = sorted(ids)
    known = set(reached)
    for card_id in reached:
        for other in behind.get(card_id, ()):
            if other not in known:
                known.add(other)
                reason[other] = card_id
                reached.append(other)
    return reason


def _back_edges(graph: Graph, start: str, visited: set[str]) -> Iterator[tuple[list[str], str]]:
    """Walk depth first; yield the path walked, and the id on it to which its last id leads back."""
    path, branches, on_path = [start], [iter(graph[start])], {start}
    visited.add(start)
    while branches:
        target = next(branches[-1], None)
        if target is None:
            branches.pop()
            on_path.discard(path.pop())
        elif target in on_path:
            yield path, target
        elif target not in visited and target in graph:
            visited.add(target)
            on_path.add(target)
            path.append(target)
            branches.append(iter(graph[target]))
