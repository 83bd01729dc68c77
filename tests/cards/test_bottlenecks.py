"""Where work piles up."""

import pytest

from orket_pipelines.cards import WaitReason
from orket_pipelines.cards.bottlenecks import Thresholds, bottlenecks


def waiting(**counts: int) -> dict[str, WaitReason]:
    return {f"{reason}-{number}": WaitReason(reason) for reason, count in counts.items() for number in range(count)}


def found(thresholds: Thresholds | None = None, **counts: int) -> list[tuple[str, str]]:
    told = bottlenecks(waiting(**counts), thresholds or Thresholds())
    return [(each.waits_for, str(each.pressure)) for each in told]


@pytest.mark.parametrize(
    ("count", "pressure"), [(0, None), (3, None), (4, "warning"), (10, "warning"), (11, "critical")]
)
def test_three_may_wait_for_a_resource_ten_are_a_warning_and_eleven_critical(count: int, pressure: str | None) -> None:
    assert found(resource=count) == ([("resource", pressure)] if pressure else [])


def test_half_of_the_waiting_cards_on_dependencies_is_a_warning() -> None:
    assert found(dependency=4, system=4) == [("dependency", "warning")]
    assert found(dependency=4, system=5) == []


def test_few_dependencies_are_how_cards_are() -> None:
    assert found(dependency=3) == []


@pytest.mark.parametrize("reason", ["input", "review"])
def test_one_card_that_waits_for_a_person_is_a_warning(reason: str) -> None:
    [bottleneck] = bottlenecks(waiting(**{reason: 1}), Thresholds())
    assert (bottleneck.waits_for, bottleneck.told) == ("person", "1 card waits for a person")
    assert bottleneck.card_ids == (f"{reason}-0",)


def test_the_worst_is_named_first() -> None:
    assert found(input=1, dependency=40, resource=20) == [
        ("resource", "critical"),
        ("dependency", "warning"),
        ("person", "warning"),
    ]


def test_what_is_too_much_can_be_set() -> None:
    strict = Thresholds(normal=0, warning=1, dependencies=0.1)
    assert found(strict, resource=2, dependency=1) == [("resource", "critical"), ("dependency", "warning")]
