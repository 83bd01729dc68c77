"""Everything that is known of a rock, as one fact."""

from dataclasses import dataclass
from pathlib import Path

from orket_pipelines.bug_settings import BugPhases
from orket_pipelines.bugs import PhaseReport, current, find_phase
from orket_pipelines.bugs.records import spent_on
from orket_pipelines.cards.model import WORKABLE, Card, CardKind
from orket_pipelines.cards.records import get_card, list_cards
from orket_pipelines.clock import Moment
from orket_pipelines.delivery.model import Attempt, Feedback
from orket_pipelines.delivery.records import attempts_of, feedback_of
from orket_pipelines.errors import CardError
from orket_pipelines.reports.narration import SENTENCES
from orket_pipelines.sandboxes import Sandbox
from orket_pipelines.sandboxes.records import sandbox_of_rock
from orket_pipelines.store import Event, Transaction, read_events
from orket_pipelines.verification.records import StoredRun, runs_of

EVENTS = 10_000
"""Of one card, that are told at most."""


@dataclass(frozen=True, slots=True)
class AttemptStory:
    """One try at an issue: what was said of its commits, and the runs of suites, oldest first."""

    attempt: Attempt
    said: tuple[Feedback, ...]
    runs: tuple[StoredRun, ...]


@dataclass(frozen=True, slots=True)
class IssueStory:
    """An issue and every try at it."""

    card: Card
    attempts: tuple[AttemptStory, ...]


@dataclass(frozen=True, slots=True)
class RockStory:
    """A rock as it stands. `runs` are those of what ran, tried again; `sandbox` and `phase` are None where it has none.

    `spent` is what agents did for its issues (`spent_on`); `told` are the events of all its cards, oldest first.
    """

    rock: Card
    issues: tuple[IssueStory, ...]
    runs: tuple[StoredRun, ...]
    sandbox: Sandbox | None
    phase: PhaseReport | None
    spent: dict[str, float]
    told: tuple[Event, ...]


def story_of(tx: Transaction, rock_id: str, *, home: Path, moment: Moment, rules: BugPhases) -> RockStory:
    """What is stored of a rock. Files that runs left lie under `home`.

    Raises: CardError where there is no such rock.
    """
    rock = get_card(tx, rock_id)
    if rock.kind is not CardKind.ROCK:
        raise CardError(
            f"{rock_id} is not a rock, but an {rock.kind}", next_step="See which there are: orket rocks list"
        )
    cards, found = list_cards(tx, rock_id=rock_id, kinds=WORKABLE), find_phase(tx, rock_id)
    phase = None if found is None else current(tx, found, moment, rules)
    # What was found in the phase and left open is another rock's by now, and was this one's.
    ids = [card.id for card in cards] + [bug["id"] for bug in (phase.bugs if phase else ())]
    return RockStory(
        rock=rock,
        issues=tuple(_issue(tx, card, home) for card in cards),
        runs=tuple(runs_of(tx, rock_id, home=home)),
        sandbox=sandbox_of_rock(tx, rock_id),
        phase=phase,
        spent=spent_on(tx, [card.id for card in cards]),
        told=_told(tx, dict.fromkeys([rock_id, *ids])),
    )


def _issue(tx: Transaction, card: Card, home: Path) -> IssueStory:
    said, runs = feedback_of(tx, card.id), runs_of(tx, card.id, home=home)
    return IssueStory(
        card,
        tuple(
            AttemptStory(
                attempt,
                tuple(each for each in said if each.attempt == attempt.number),
                tuple(run for run in runs if run.attempt == attempt.number),
            )
            for attempt in attempts_of(tx, card.id)
        ),
    )


def _told(tx: Transaction, card_ids: dict[str, None]) -> tuple[Event, ...]:
    events = [event for each in card_ids for event in read_events(tx, subject=each, kinds=SENTENCES, limit=EVENTS)]
    return tuple(sorted(events, key=lambda event: event.seq))
