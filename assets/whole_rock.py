"""A rock from end to end: which of its issues are left, all of them delivered in one step, and the sum at the end."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from dagster import Failure, MetadataValue

from assets.bottlenecks import bottleneck_judged
from assets.deploying import standing_sandbox
from assets.history import History, follow
from assets.links import anchor, trace
from assets.making import Context, make_issue_so
from assets.model import Made, Report
from assets.recorder import Recorder
from assets.reports import mainline_made
from assets.reviews import reviews_told
from assets.rocks import rock_reports, rock_standing
from assets.telling import Teller
from orket_pipelines.cards.model import TERMINAL, WORKABLE, Card, CardKind
from orket_pipelines.cards.records import find_card, list_cards
from orket_pipelines.store import Store
from resources import FactoryResource
from resources.feed import all_events


def issues_left(store: Store, rock_id: str) -> list[Card] | None:
    """The issues of a rock that are not final, in the order of its files; None where there is no such rock."""
    with store.read() as tx:
        rock = find_card(tx, rock_id)
        if rock is None or rock.kind is not CardKind.ROCK:
            return None
        cards = list_cards(tx, rock_id=rock_id, kinds=WORKABLE)
    return [card for card in cards if card.state not in TERMINAL]


def make_rock_so(context: Context, factory: FactoryResource, rock_id: str) -> None:
    """Deliver all issues that are left, a thread each; the factory decides how many are worked on at once.

    Raises: Failure that names every issue that is not delivered, after all have ended.
    """
    from orket_pipelines.delivery import Crew  # noqa: PLC0415 - as in resources/factory.py

    issues = issues_left(factory.store, rock_id) or []
    crew = Crew(card.id for card in issues)

    def make(card: Card) -> str | None:
        try:
            make_issue_so(context, factory, card.id, crew=crew)
        except Failure as failure:
            return failure.description
        return None

    with ThreadPoolExecutor(max(1, len(issues)), thread_name_prefix=rock_id) as pool:
        failed = [told for told in pool.map(make, issues) if told]
    if failed:
        raise Failure("\n".join(failed), allow_retries=False)


def settle_rock(context: Context, factory: FactoryResource, rock_id: str) -> None:
    """Report what this run did to the rock's own card, then the rock as it stands with the sum of its issues."""
    teller = Teller(Recorder.live(context), factory.store, factory.factory.settings.home)
    for event in all_events(factory.store, subject=rock_id):
        if event.run_id == context.run.run_id:
            teller.tell(event, History(rock_id, kind="rock"))
    teller.recorder.record([*_whole(factory.store, rock_id), *standing_sandbox(factory.store, rock_id)])


def _whole(store: Store, rock_id: str) -> list[Report]:
    with store.read() as tx:
        standing = rock_standing(tx, rock_id)
    if standing is None:
        return []
    told = [history_and_merge(store, card.id) for card in standing.issues]
    made, judged = rock_reports(standing)
    histories = [history for history, _ in told]
    if isinstance(made, Made):
        made = Made(made.asset, made.partition, made.version, made.description, {**made.metadata, **_sum(histories)})
    last = max(told, key=lambda each: each[1], default=None)
    return [made, judged, bottleneck_judged(store, rock_id), *([mainline_made(last[0])] if last and last[1] else [])]


def history_and_merge(store: Store, card_id: str) -> tuple[History, int]:
    """An issue's history, and the seq of its last merge; 0 where it was not merged."""
    history, merged = History(card_id), 0
    for event in all_events(store, subject=card_id):
        history = follow(history, event)
        merged = event.seq if event.kind == "pull_request.merged" else merged
    return history, merged


def _sum(histories: Sequence[History]) -> dict[str, MetadataValue | str | int | float]:
    costs = [history.cost for history in histories if history.cost is not None]
    head = "| issue | state | way | reviews | turns |\n|---|---|---|---|---|\n"
    summary: dict[str, MetadataValue | str | int | float] = {
        "issues": MetadataValue.md(head + "\n".join(map(_row, histories))),
        "pull requests": sum(history.pull_request is not None for history in histories),
        "turns": sum(history.turns for history in histories),
        "violations": sum(history.violations for history in histories),
    }
    return summary | ({"cost in USD": round(sum(costs), 6)} if costs else {})


def _row(history: History) -> str:
    reviews = reviews_told(history)
    card = anchor(history.card_id, "cards", history.card_id)
    return f"| {card} | {history.state} | {trace(history)} | {reviews} | {history.turns} |"
