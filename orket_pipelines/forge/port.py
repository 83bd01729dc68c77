"""What the factory asks of a forge. `local.py` answers from the store and git; a Gitea client has the same port."""

from collections.abc import Mapping
from typing import Protocol

from orket_pipelines.forge.model import Attachment, Comment, PullRequest, Review, Verdict


class Forge(Protocol):
    """Accounts are the names of roles, one each. Every method raises ForgeError where there is no such pull request."""

    def open_pull_request(
        self, repository: str, *, head: str, base: str, title: str, body: str, author: str
    ) -> PullRequest:
        """Propose `head` for `base`. Raises: PullRequestExists, NothingToMerge."""

    def find_pull_request(self, repository: str, *, head: str, base: str) -> PullRequest | None:
        """The newest pull request from `head` to `base`, open or not."""

    def pull_request(self, repository: str, number: int) -> PullRequest:
        """As it stands now."""

    def review(
        self, repository: str, number: int, *, reviewer: str, verdict: Verdict, body: str, commit: str
    ) -> Review:
        """Add a review of head `commit`. Changes requested need a body.

        Raises: OwnPullRequest, HeadMoved, PullRequestClosed.
        """

    def reviews(self, repository: str, number: int) -> list[Review]:
        """Oldest first; `stale` as of now."""

    def comment(self, repository: str, number: int, *, author: str, body: str) -> None:
        """Add a comment to the conversation."""

    def put_comment(
        self,
        repository: str,
        number: int,
        *,
        author: str,
        mark: str,
        body: str,
        files: Mapping[str, bytes] | None = None,
    ) -> None:
        """The one comment of `author` that begins with `mark`: written with `body` after it, or edited in place.

        `files` are its attachments from then on; None leaves those that it has. Raises: AttachmentRefused.
        """

    def attachment(self, repository: str, number: int, attachment: Attachment) -> bytes:
        """The content of an attachment of one of the comments. Raises: ForgeError where it is gone."""

    def comments(self, repository: str, number: int) -> list[Comment]:
        """Oldest first."""

    def merge(self, repository: str, number: int, *, head: str, base: str, candidate: str, by: str) -> str:
        """Make `candidate`, a tested merge of commit `head` into commit `base`, the base branch's head.

        Returns the merge commit.
        Raises: TryAgainLater, HeadMoved, BaseMoved, AlreadyMerged, NotApproved, PullRequestClosed.
        """

    def close(self, repository: str, number: int) -> None:
        """Close without merging; closed already is no error. Raises: AlreadyMerged."""

    def label(self, repository: str, number: int, labels: tuple[str, ...]) -> None:
        """Add labels that are not there yet."""
