"""What people do to an issue on the line, apart from moving its card: they review its pull request."""

from collections.abc import Collection
from dataclasses import dataclass

from orket_pipelines.cards.records import get_card
from orket_pipelines.cards.transitions import SYSTEM
from orket_pipelines.delivery.records import last_attempt
from orket_pipelines.delivery.reviewing import resume
from orket_pipelines.errors import ForgeError
from orket_pipelines.forge.model import PullRequest, Review, Verdict
from orket_pipelines.forge.port import Forge
from orket_pipelines.store import Store


@dataclass(frozen=True, slots=True)
class Given:
    """A person's review, and the pull request as it stood then. `resumed`: the card no longer waits for it."""

    request: PullRequest
    review: Review
    resumed: bool


def review_as(
    store: Store, forge: Forge, card_id: str, *, name: str, roles: Collection[str], verdict: Verdict, body: str
) -> Given:
    """Review the issue's pull request as it stands, as the person `name`; a card that waits for reviews goes on.

    The review is the forge's; the line takes it in at its next step. Raises: CardError where there is no such card;
    ForgeError where it has no open pull request, or the name is one of `roles`, whose accounts are no person's.
    """
    if name in {*roles, SYSTEM}:
        raise ForgeError(
            f"{name} is an account of the factory's own, and no person's",
            next_step=f"Say who you are: orket issues review {card_id} --as NAME",
        )
    with store.read() as tx:
        card, attempt = get_card(tx, card_id), last_attempt(tx, card_id)
    if attempt is None or attempt.pull_request is None:
        raise ForgeError(
            f"{card_id} has no pull request to review: it is {card.state}",
            next_step=f"See where it stands: orket cards show {card_id}",
        )
    request = forge.pull_request(attempt.repository, attempt.pull_request)
    commit = request.head_commit
    review = forge.review(attempt.repository, request.number, reviewer=name, verdict=verdict, body=body, commit=commit)
    with store.write() as tx:
        return Given(request, review, resume(tx, card_id, name, note=f"{name} has reviewed it"))
