"""What an embedded forge writes down, and where: the store for `local.py`, memory for `fake.py`."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from orket_pipelines.forge.model import Comment, PullRequest, Review


@dataclass(frozen=True, slots=True)
class Entry:
    """A pull request as it is written down.

    Until it ends, `request.head_commit` is empty and `base_commit` None: the branches say where they stand.
    """

    request: PullRequest
    base_commit: str | None = None


class Ledger(Protocol):
    """Each call is atomic, and durable when it returns. A review is not stale here: that is for the forge to say."""

    def insert(self, request: PullRequest) -> int:
        """Write down a new open pull request; its number, the next of its repository.

        Raises: PullRequestExists where one from the same head to the same base is open.
        """

    def find(self, repository: str, number: int) -> Entry | None:
        """The pull request of that number."""

    def find_newest(self, repository: str, *, head: str, base: str) -> Entry | None:
        """The one with the highest number of those from `head` to `base`."""

    def end(self, entry: Entry) -> bool:
        """Write down how a pull request ended; False, and nothing is written, where it was merged before."""

    def add_review(self, repository: str, number: int, review: Review) -> None:
        """Write down one more review."""

    def reviews(self, repository: str, number: int) -> list[Review]:
        """Oldest first."""

    def add_comment(self, repository: str, number: int, comment: Comment) -> None:
        """Write down one more comment."""

    def change_comment(self, repository: str, number: int, position: int, comment: Comment) -> None:
        """Write it in the place of one that is there; the first has position 0."""

    def comments(self, repository: str, number: int) -> list[Comment]:
        """Oldest first."""

    def keep_file(self, repository: str, number: int, content: bytes) -> None:
        """Keep a content for an attachment of one of its comments; kept already is as good."""

    def drop_files(self, repository: str, number: int, *, all_but: Collection[str]) -> None:
        """Keep no others than those with these digests."""

    def read_file(self, repository: str, number: int, sha256: str) -> bytes | None:
        """A content that is kept; None where it is gone."""

    def add_labels(self, repository: str, number: int, labels: tuple[str, ...]) -> None:
        """Add those that are not there yet."""
