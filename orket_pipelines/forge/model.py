"""The facts of a forge, as Gitea means them."""

from dataclasses import dataclass
from enum import StrEnum

from orket_pipelines.errors import ForgeError


class PullRequestState(StrEnum):
    OPEN = "open"
    CLOSED = "closed"
    MERGED = "merged"


class Verdict(StrEnum):
    APPROVED = "approved"
    CHANGES_REQUESTED = "changes_requested"
    COMMENTED = "commented"


@dataclass(frozen=True, slots=True)
class PullRequest:
    """`head` and `base` are branches; `head_commit` is where head stands now (or stood when it ended)."""

    repository: str
    number: int
    title: str
    body: str
    author: str
    head: str
    base: str
    head_commit: str
    state: PullRequestState
    merge_commit: str | None
    merged_by: str | None
    labels: tuple[str, ...]
    created_at: int
    closed_at: int | None


@dataclass(frozen=True, slots=True)
class Review:
    """`commit` is the head that was reviewed; `stale` says that the head has moved since, with another patch."""

    reviewer: str
    verdict: Verdict
    body: str
    commit: str
    stale: bool
    at: int


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file at a comment; its content is the forge's to give."""

    name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Comment:
    author: str
    body: str
    at: int
    attachments: tuple[Attachment, ...] = ()


class AttachmentRefused(ForgeError):
    """A file is too large, of a kind that forges do not take, or one too many."""


class PullRequestExists(ForgeError):
    """There is an open pull request from this head to this base; `number` is its number."""

    def __init__(self, number: int, message: str) -> None:
        super().__init__(message)
        self.number = number


class NothingToMerge(ForgeError):
    """Head equals base: there is nothing to propose."""


class OwnPullRequest(ForgeError):
    """The author of a pull request may not approve it or request changes."""

    rule = "own_pull_request"


class TryAgainLater(ForgeError):
    """The forge is still checking whether the pull request can be merged."""


class HeadMoved(ForgeError):
    """The head is not the commit that was to be merged or reviewed."""


class BaseMoved(ForgeError):
    """The base is not the commit that the merge was tested on."""


class AlreadyMerged(ForgeError):
    """The pull request is merged; `commit` is the merge commit."""

    def __init__(self, commit: str, message: str) -> None:
        super().__init__(message)
        self.commit = commit


class NotApproved(ForgeError):
    """No approval of the current head (or of the same patch) is on record."""

    rule = "approval"


class PullRequestClosed(ForgeError):
    """A closed pull request takes no reviews and no merge."""
