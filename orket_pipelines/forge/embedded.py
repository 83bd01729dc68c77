"""A forge inside this process: the rules that Gitea has, over git and a ledger."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

from orket_pipelines.clock import Clock
from orket_pipelines.errors import ForgeError
from orket_pipelines.forge.approval import find_objection
from orket_pipelines.forge.attachments import checked
from orket_pipelines.forge.ledger import Entry, Ledger
from orket_pipelines.forge.model import (
    AlreadyMerged,
    Attachment,
    BaseMoved,
    Comment,
    HeadMoved,
    NotApproved,
    NothingToMerge,
    OwnPullRequest,
    PullRequest,
    PullRequestClosed,
    PullRequestState,
    Review,
    TryAgainLater,
    Verdict,
)
from orket_pipelines.git import Code
from orket_pipelines.store import failpoint, reach

BASE_MOVED = failpoint("forge.embedded.base_moved")
FILES_KEPT = failpoint("forge.embedded.files_kept")


class EmbeddedForge:
    """See `forge.port.Forge`. Usable from many threads and, as far as the ledger is, from many processes.

    The base branch is the truth about a merge: it moves by compare-and-set, and what was not written down because the
    process died right then is written down by the next call with the same candidate.
    """

    def __init__(self, ledger: Ledger, code: Code, clock: Clock) -> None:
        self._ledger = ledger
        self._code = code
        self._clock = clock
        self._lock = threading.Lock()
        self._merging: set[tuple[str, str]] = set()

    def open_pull_request(
        self, repository: str, *, head: str, base: str, title: str, body: str, author: str
    ) -> PullRequest:
        tip = self._head_of(repository, head)
        if tip == self._head_of(repository, base) or self._code.contains(repository, branch=base, commit=tip):
            raise NothingToMerge(f"{head} has nothing that {base} lacks")
        request = PullRequest(
            repository=repository,
            number=0,
            title=title,
            body=body,
            author=author,
            head=head,
            base=base,
            head_commit="",
            state=PullRequestState.OPEN,
            merge_commit=None,
            merged_by=None,
            labels=(),
            created_at=self._clock.now(),
            closed_at=None,
        )
        return replace(request, number=self._ledger.insert(request), head_commit=tip)

    def find_pull_request(self, repository: str, *, head: str, base: str) -> PullRequest | None:
        entry = self._ledger.find_newest(repository, head=head, base=base)
        return self._as_of_now(entry) if entry else None

    def pull_request(self, repository: str, number: int) -> PullRequest:
        return self._as_of_now(self._entry(repository, number))

    def review(
        self, repository: str, number: int, *, reviewer: str, verdict: Verdict, body: str, commit: str
    ) -> Review:
        request = self.pull_request(repository, number)
        if request.state is not PullRequestState.OPEN:
            raise PullRequestClosed(f"pull request {number} is {request.state}: it takes no reviews")
        if verdict is not Verdict.COMMENTED and reviewer == request.author:
            raise OwnPullRequest(f"{reviewer} opened pull request {number}", next_step="Let another role review it.")
        if verdict is not Verdict.APPROVED and not body.strip():
            raise ForgeError(f"a review that says {verdict} needs a body", next_step="Say what should change.")
        _check_head(request, commit)
        review = Review(reviewer, verdict, body, commit, stale=False, at=self._clock.now())
        self._ledger.add_review(repository, number, review)
        return review

    def reviews(self, repository: str, number: int) -> list[Review]:
        entry = self._entry(repository, number)
        found = self._ledger.reviews(repository, number)
        stale = self._stale(entry, {review.commit for review in found})
        return [replace(review, stale=review.commit in stale) for review in found]

    def comment(self, repository: str, number: int, *, author: str, body: str) -> None:
        self._entry(repository, number)
        self._ledger.add_comment(repository, number, Comment(author, body, self._clock.now()))

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
        self._entry(repository, number)
        attached = checked(files) if files is not None else None
        for content in (files or {}).values():
            self._ledger.keep_file(repository, number, content)
        reach(FILES_KEPT)
        there = self._ledger.comments(repository, number)
        mine = [place for place, each in enumerate(there) if each.author == author and each.body.startswith(mark)]
        before = there[mine[0]] if mine else Comment(author, "", self._clock.now())
        comment = replace(
            before, body=f"{mark}\n{body}", attachments=before.attachments if attached is None else attached
        )
        if not mine:
            self._ledger.add_comment(repository, number, comment)
        elif before != comment:
            self._ledger.change_comment(repository, number, mine[0], comment)
        if attached is not None:
            used = {each.sha256 for said in self._ledger.comments(repository, number) for each in said.attachments}
            self._ledger.drop_files(repository, number, all_but=used)

    def attachment(self, repository: str, number: int, attachment: Attachment) -> bytes:
        self._entry(repository, number)
        content = self._ledger.read_file(repository, number, attachment.sha256)
        if content is None:
            raise ForgeError(f"the content of {attachment.name} at pull request {number} of {repository} is gone")
        return content

    def comments(self, repository: str, number: int) -> list[Comment]:
        self._entry(repository, number)
        return self._ledger.comments(repository, number)

    def merge(self, repository: str, number: int, *, head: str, base: str, candidate: str, by: str) -> str:
        branch = self._entry(repository, number).request.base
        with self._only_merge_into(repository, branch):
            request = self._entry(repository, number).request
            if request.state is PullRequestState.MERGED:
                return _same_merge(request, candidate)
            if not self._is_made(request, head, candidate):
                self._check_mergeable(request, head)
                if not self._code.move_branch(repository, branch, to=candidate, expected=base):
                    raise BaseMoved(f"{branch} of {repository} is no longer at {base}")
                reach(BASE_MOVED)
            return self._record_merge(replace(request, head_commit=head, merge_commit=candidate, merged_by=by), base)

    def close(self, repository: str, number: int) -> None:
        entry = self._entry(repository, number)
        if entry.request.state is PullRequestState.OPEN:
            ended = self._end(self._as_of_now(entry), PullRequestState.CLOSED, self._base_of(entry))
            entry = entry if ended else self._entry(repository, number)
        if entry.request.state is PullRequestState.MERGED:
            _same_merge(entry.request, None)

    def label(self, repository: str, number: int, labels: tuple[str, ...]) -> None:
        self._entry(repository, number)
        self._ledger.add_labels(repository, number, labels)

    def _entry(self, repository: str, number: int) -> Entry:
        entry = self._ledger.find(repository, number)
        if entry is None:
            raise ForgeError(f"{repository} has no pull request {number}")
        return entry

    def _as_of_now(self, entry: Entry) -> PullRequest:
        request = entry.request
        if request.state is not PullRequestState.OPEN:
            return request
        return replace(request, head_commit=self._head_of(request.repository, request.head))

    def _head_of(self, repository: str, branch: str) -> str:
        found = self._code.head(repository, branch)
        if found is None:
            raise ForgeError(f"{repository} has no branch {branch}")
        return found

    def _base_of(self, entry: Entry) -> str:
        return entry.base_commit or self._head_of(entry.request.repository, entry.request.base)

    def _stale(self, entry: Entry, reviewed: set[str]) -> set[str]:
        """Which of these commits made another patch than the pull request does (or did, when it ended)."""
        request = self._as_of_now(entry)
        older = reviewed - {request.head_commit}
        if not older:
            return set()
        base = self._base_of(entry)
        patch = self._code.patch_id(request.repository, base, request.head_commit)
        return {commit for commit in older if self._code.patch_id(request.repository, base, commit) != patch}

    @contextmanager
    def _only_merge_into(self, repository: str, branch: str) -> Iterator[None]:
        with self._lock:
            if (repository, branch) in self._merging:
                raise TryAgainLater(f"another merge into {branch} of {repository} is under way")
            self._merging.add((repository, branch))
        try:
            yield
        finally:
            with self._lock:
                self._merging.discard((repository, branch))

    def _is_made(self, request: PullRequest, head: str, candidate: str) -> bool:
        """Whether the base branch has the candidate already: a process made it, and died before it was written down."""
        repository, branch = request.repository, request.base
        if not self._code.contains(repository, branch=branch, commit=candidate):
            return False
        if not self._code.contains(repository, branch=branch, commit=head):
            raise ForgeError(f"{candidate} is in {branch} without {head}: it is no merge of it")
        return True

    def _check_mergeable(self, request: PullRequest, head: str) -> None:
        repository, number = request.repository, request.number
        if request.state is PullRequestState.CLOSED:
            raise PullRequestClosed(f"pull request {number} is closed: it takes no merge")
        _check_head(self.pull_request(repository, number), head)
        objection = find_objection(self.reviews(repository, number))
        if objection is not None:
            step = "Let a reviewer approve what it is now."
            raise NotApproved(f"pull request {number} cannot be merged: {objection}", next_step=step)

    def _record_merge(self, request: PullRequest, base: str) -> str:
        if self._end(request, PullRequestState.MERGED, base):
            return request.merge_commit or ""
        return _same_merge(self._entry(request.repository, request.number).request, request.merge_commit)

    def _end(self, request: PullRequest, state: PullRequestState, base: str) -> bool:
        return self._ledger.end(Entry(replace(request, state=state, closed_at=self._clock.now()), base))


def _check_head(request: PullRequest, commit: str) -> None:
    if request.head_commit != commit:
        raise HeadMoved(f"{request.head} of pull request {request.number} is at {request.head_commit}, not {commit}")


def _same_merge(request: PullRequest, candidate: str | None) -> str:
    """The merge commit, where it is `candidate`. Raises: AlreadyMerged where it is another."""
    made = request.merge_commit or ""
    if made != candidate:
        raise AlreadyMerged(made, f"pull request {request.number} was merged as {made}")
    return made
