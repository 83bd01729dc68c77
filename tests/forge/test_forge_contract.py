"""What every `Forge` means, whoever answers: the rules are Gitea's, and each test names the one that it comes from.

A forge is tested through the port and git alone, so that a Gitea client joins by one more entry of FORGES.
"""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from orket_pipelines.clock import FakeClock
from orket_pipelines.errors import ForgeError
from orket_pipelines.forge import (
    Attachment,
    Forge,
    LocalForge,
    MemoryForge,
    PullRequest,
    PullRequestState,
    Review,
    Verdict,
)
from orket_pipelines.forge.attachments import SIZE_LIMIT
from orket_pipelines.forge.model import (
    AlreadyMerged,
    AttachmentRefused,
    BaseMoved,
    HeadMoved,
    NotApproved,
    NothingToMerge,
    OwnPullRequest,
    PullRequestClosed,
    PullRequestExists,
)
from orket_pipelines.git import Candidate, Code, GitCode, Identity, MemoryCode
from orket_pipelines.store import Store

pytestmark = pytest.mark.slow

AT = 1_700_000_000_000_000
TEN_LINES = "".join(f"line {number}\n" for number in range(10))
REPOSITORY = "todo"

Site = tuple[Forge, Code]


def local_site(folder: Path) -> Site:
    code = GitCode(folder / "repositories")
    store = Store.open(f"sqlite:///{folder / 'orket.db'}", clock=FakeClock())
    return LocalForge(store, code, folder / "attachments"), code


def memory_site(_folder: Path) -> Site:
    code = MemoryCode()
    return MemoryForge(code, clock=FakeClock()), code


def kept_site(folder: Path) -> Site:
    code = MemoryCode(folder / "code.jsonl")
    return MemoryForge(code, folder / "forge.jsonl", clock=FakeClock()), code


FORGES: dict[str, Callable[[Path], Site]] = {"local": local_site, "memory": memory_site, "kept": kept_site}


@dataclass(frozen=True)
class World:
    """A forge, its git, and a checkout to make commits in."""

    forge: Forge
    code: Code
    checkout: Path
    start: str

    def commit(self, branch: str, files: dict[str, str]) -> str:
        """Move `branch` (from main's start, where it is new) to a commit with these files on top; its head."""
        before = self.code.head(REPOSITORY, branch)
        parent = before or self.start
        self.code.check_out(REPOSITORY, parent, self.checkout)
        for name, text in files.items():
            (self.checkout / name).write_text(text)
        tree = self.code.snapshot(REPOSITORY, self.checkout)
        by = Identity("coder", "coder@orket.invalid")
        commit = self.code.commit(REPOSITORY, tree, parents=(parent,), message="Work", by=by, at=AT)
        assert self.code.move_branch(REPOSITORY, branch, to=commit, expected=before)
        return commit

    def update(self, branch: str) -> str:
        """Merge main into `branch`; its head."""
        head, main = self.head(branch), self.head("main")
        merged = self.candidate(head, main)
        assert self.code.move_branch(REPOSITORY, branch, to=merged, expected=head)
        return merged

    def head(self, branch: str) -> str:
        found = self.code.head(REPOSITORY, branch)
        assert found is not None
        return found

    def candidate(self, base: str, head: str) -> str:
        by = Identity("system", "system@orket.invalid")
        made = self.code.merge(REPOSITORY, base=base, head=head, message="Merge", by=by, at=AT)
        assert isinstance(made, Candidate)
        return made.commit

    def propose(self, branch: str = "issue-1", *, author: str = "coder") -> PullRequest:
        return self.forge.open_pull_request(
            REPOSITORY, head=branch, base="main", title="Add", body="It adds.", author=author
        )

    def review(self, request: PullRequest, verdict: Verdict, *, by: str = "guard", body: str = "Because.") -> Review:
        return self.forge.review(
            REPOSITORY, request.number, reviewer=by, verdict=verdict, body=body, commit=self.head(request.head)
        )

    def merge(self, request: PullRequest, *, candidate: str | None = None) -> str:
        head, base = self.head(request.head), self.head("main")
        made = candidate or self.candidate(base, head)
        return self.forge.merge(REPOSITORY, request.number, head=head, base=base, candidate=made, by="system")

    def now(self, request: PullRequest) -> PullRequest:
        return self.forge.pull_request(REPOSITORY, request.number)


@pytest.fixture(params=FORGES)
def world(request: pytest.FixtureRequest, tmp_path: Path) -> World:
    forge, code = FORGES[request.param](tmp_path)
    start = code.ensure(REPOSITORY, title="To do", at=AT)
    made = World(forge, code, tmp_path / "checkout", start)
    made.commit("issue-1", {"a": TEN_LINES})
    return made


class TestProposing:
    def test_a_pull_request_is_open_and_stands_where_its_head_stands(self, world: World) -> None:
        opened = world.propose()
        assert opened.state is PullRequestState.OPEN
        assert opened.head_commit == world.head("issue-1")
        assert (opened.author, opened.head, opened.base, opened.title) == ("coder", "issue-1", "main", "Add")
        assert world.now(opened) == opened

    def test_its_head_moves_with_the_branch(self, world: World) -> None:
        opened = world.propose()
        moved = world.commit("issue-1", {"b": "more\n"})
        assert world.now(opened) == replace(opened, head_commit=moved)

    def test_a_second_open_one_from_the_same_head_is_refused_409(self, world: World) -> None:
        opened = world.propose()
        with pytest.raises(PullRequestExists) as caught:
            world.propose()
        assert caught.value.number == opened.number

    def test_a_closed_one_does_not_stand_in_the_way_of_another(self, world: World) -> None:
        first = world.propose()
        world.forge.close(REPOSITORY, first.number)
        second = world.propose()
        assert second.number != first.number
        assert world.forge.find_pull_request(REPOSITORY, head="issue-1", base="main") == second

    def test_a_head_that_equals_its_base_is_refused_422(self, world: World) -> None:
        world.code.move_branch(REPOSITORY, "idle", to=world.start, expected=None)
        for branch in ("idle", "main"):
            with pytest.raises(NothingToMerge):
                world.propose(branch)

    def test_a_branch_that_does_not_exist_cannot_be_proposed_404(self, world: World) -> None:
        with pytest.raises(ForgeError, match="no branch nowhere"):
            world.propose("nowhere")

    def test_numbers_count_up_in_their_repository(self, world: World) -> None:
        world.commit("issue-2", {"b": "b\n"})
        first, second = world.propose("issue-1"), world.propose("issue-2")
        assert second.number > first.number
        assert world.now(first).head == "issue-1"

    def test_nobody_finds_what_nobody_opened(self, world: World) -> None:
        assert world.forge.find_pull_request(REPOSITORY, head="issue-1", base="main") is None
        with pytest.raises(ForgeError):
            world.forge.pull_request(REPOSITORY, 404)

    def test_a_repository_may_only_ask_for_its_own(self, world: World) -> None:
        opened = world.propose()
        world.code.ensure("other", title="Other", at=AT)
        with pytest.raises(ForgeError):
            world.forge.pull_request("other", opened.number)


class TestReviewing:
    @pytest.mark.parametrize("verdict", [Verdict.APPROVED, Verdict.CHANGES_REQUESTED])
    def test_an_author_may_not_judge_the_own_pull_request_422(self, world: World, verdict: Verdict) -> None:
        opened = world.propose()
        with pytest.raises(OwnPullRequest):
            world.review(opened, verdict, by="coder")
        assert world.forge.reviews(REPOSITORY, opened.number) == []

    def test_an_author_may_comment_in_a_review(self, world: World) -> None:
        assert world.review(world.propose(), Verdict.COMMENTED, by="coder").reviewer == "coder"

    @pytest.mark.parametrize("verdict", [Verdict.CHANGES_REQUESTED, Verdict.COMMENTED])
    def test_what_asks_for_changes_or_comments_needs_a_body_422(self, world: World, verdict: Verdict) -> None:
        opened = world.propose()
        with pytest.raises(ForgeError, match="needs a body"):
            world.review(opened, verdict, body=" \n")

    def test_an_approval_needs_no_body(self, world: World) -> None:
        assert world.review(world.propose(), Verdict.APPROVED, body="").verdict is Verdict.APPROVED

    def test_only_the_head_of_now_can_be_reviewed(self, world: World) -> None:
        opened = world.propose()
        world.commit("issue-1", {"b": "more\n"})
        with pytest.raises(HeadMoved):
            world.forge.review(
                REPOSITORY,
                opened.number,
                reviewer="guard",
                verdict=Verdict.APPROVED,
                body="",
                commit=opened.head_commit,
            )

    def test_reviews_come_oldest_first_and_fresh(self, world: World) -> None:
        opened = world.propose()
        said = [
            world.review(opened, Verdict.CHANGES_REQUESTED, body="No."),
            world.review(opened, Verdict.APPROVED, body="Yes."),
        ]
        assert world.forge.reviews(REPOSITORY, opened.number) == said
        assert not any(review.stale for review in said)

    def test_a_review_is_stale_once_the_patch_has_changed(self, world: World) -> None:
        opened = world.propose()
        world.review(opened, Verdict.APPROVED)
        world.commit("issue-1", {"b": "more\n"})
        assert [review.stale for review in world.forge.reviews(REPOSITORY, opened.number)] == [True]

    def test_a_review_stays_fresh_over_an_update_with_the_same_patch(self, world: World) -> None:
        opened = world.propose()
        world.review(opened, Verdict.APPROVED)
        world.commit("main", {"elsewhere": "main went on\n"})
        world.update("issue-1")
        assert [review.stale for review in world.forge.reviews(REPOSITORY, opened.number)] == [False]

    @pytest.mark.parametrize("verdict", Verdict)
    def test_a_closed_pull_request_takes_no_reviews_422(self, world: World, verdict: Verdict) -> None:
        opened = world.propose()
        world.forge.close(REPOSITORY, opened.number)
        with pytest.raises(PullRequestClosed):
            world.review(opened, verdict)

    def test_a_merged_pull_request_takes_no_reviews_422(self, world: World) -> None:
        opened = world.propose()
        world.review(opened, Verdict.APPROVED)
        world.merge(opened)
        with pytest.raises(PullRequestClosed):
            world.review(opened, Verdict.APPROVED)

    def test_what_was_stale_at_the_merge_remains_so(self, world: World) -> None:
        opened = world.propose()
        world.review(opened, Verdict.APPROVED)
        world.commit("issue-1", {"b": "more\n"})
        world.review(opened, Verdict.APPROVED)
        world.merge(opened)
        assert [review.stale for review in world.forge.reviews(REPOSITORY, opened.number)] == [True, False]


class TestMerging:
    def test_an_approved_pull_request_is_merged_as_the_candidate(self, world: World) -> None:
        opened = world.propose()
        world.review(opened, Verdict.APPROVED)
        candidate = world.candidate(world.start, opened.head_commit)
        assert world.merge(opened, candidate=candidate) == candidate
        assert world.head("main") == candidate
        merged = world.now(opened)
        assert (merged.state, merged.merge_commit, merged.merged_by) == (PullRequestState.MERGED, candidate, "system")
        assert merged.head_commit == opened.head_commit

    def test_what_the_branch_does_after_the_merge_is_no_part_of_it(self, world: World) -> None:
        opened = world.propose()
        world.review(opened, Verdict.APPROVED)
        world.merge(opened)
        world.commit("issue-1", {"b": "more\n"})
        assert world.now(opened).head_commit == opened.head_commit

    def test_without_an_approval_nothing_is_merged_405(self, world: World) -> None:
        opened = world.propose()
        with pytest.raises(NotApproved):
            world.merge(opened)
        assert world.head("main") == world.start

    def test_a_comment_is_no_approval(self, world: World) -> None:
        opened = world.propose()
        world.review(opened, Verdict.COMMENTED)
        with pytest.raises(NotApproved):
            world.merge(opened)

    def test_a_comment_takes_no_approval_back(self, world: World) -> None:
        opened = world.propose()
        world.review(opened, Verdict.APPROVED)
        world.review(opened, Verdict.COMMENTED)
        assert world.merge(opened)

    def test_changes_that_one_reviewer_asked_for_block_the_approval_of_another_405(self, world: World) -> None:
        opened = world.propose()
        world.review(opened, Verdict.CHANGES_REQUESTED, by="guard")
        world.review(opened, Verdict.APPROVED, by="architect")
        with pytest.raises(NotApproved, match="guard asked for changes"):
            world.merge(opened)

    def test_the_last_verdict_of_a_reviewer_counts(self, world: World) -> None:
        opened = world.propose()
        world.review(opened, Verdict.CHANGES_REQUESTED)
        world.review(opened, Verdict.APPROVED)
        assert world.merge(opened)

    def test_an_approval_that_was_taken_back_is_none(self, world: World) -> None:
        opened = world.propose()
        world.review(opened, Verdict.APPROVED)
        world.review(opened, Verdict.CHANGES_REQUESTED)
        with pytest.raises(NotApproved):
            world.merge(opened)

    def test_a_stale_approval_is_none_405(self, world: World) -> None:
        opened = world.propose()
        world.review(opened, Verdict.APPROVED)
        world.commit("issue-1", {"b": "more\n"})
        with pytest.raises(NotApproved):
            world.merge(opened)

    def test_an_update_with_the_same_patch_keeps_its_approval(self, world: World) -> None:
        opened = world.propose()
        world.review(opened, Verdict.APPROVED)
        world.commit("main", {"elsewhere": "main went on\n"})
        world.update("issue-1")
        assert world.merge(opened) == world.head("main")

    def test_a_head_that_moved_is_not_merged_409(self, world: World) -> None:
        opened = world.propose()
        world.review(opened, Verdict.APPROVED)
        candidate = world.candidate(world.start, opened.head_commit)
        world.commit("issue-1", {"b": "more\n"})
        with pytest.raises(HeadMoved):
            world.forge.merge(
                REPOSITORY,
                opened.number,
                head=opened.head_commit,
                base=world.start,
                candidate=candidate,
                by="system",
            )
        assert world.head("main") == world.start

    def test_a_base_that_moved_is_not_overrun_405(self, world: World) -> None:
        opened = world.propose()
        world.review(opened, Verdict.APPROVED)
        candidate = world.candidate(world.start, opened.head_commit)
        main = world.commit("main", {"elsewhere": "main went on\n"})
        with pytest.raises(BaseMoved):
            world.forge.merge(
                REPOSITORY,
                opened.number,
                head=opened.head_commit,
                base=world.start,
                candidate=candidate,
                by="system",
            )
        assert world.head("main") == main
        assert world.now(opened).state is PullRequestState.OPEN

    def test_the_same_merge_again_says_the_same(self, world: World) -> None:
        opened = world.propose()
        world.review(opened, Verdict.APPROVED)
        candidate = world.candidate(world.start, opened.head_commit)
        for _ in range(2):
            made = world.forge.merge(
                REPOSITORY,
                opened.number,
                head=opened.head_commit,
                base=world.start,
                candidate=candidate,
                by="system",
            )
            assert made == candidate
        assert world.head("main") == candidate

    def test_another_merge_of_what_is_merged_is_refused_405(self, world: World) -> None:
        opened = world.propose()
        world.review(opened, Verdict.APPROVED)
        made = world.merge(opened)
        with pytest.raises(AlreadyMerged) as caught:
            world.merge(opened)
        assert caught.value.commit == made

    def test_a_closed_pull_request_is_not_merged_405(self, world: World) -> None:
        opened = world.propose()
        world.review(opened, Verdict.APPROVED)
        world.forge.close(REPOSITORY, opened.number)
        with pytest.raises(PullRequestClosed):
            world.merge(opened)
        assert world.head("main") == world.start


class TestClosing:
    def test_a_closed_pull_request_says_so(self, world: World) -> None:
        opened = world.propose()
        world.forge.close(REPOSITORY, opened.number)
        closed = world.now(opened)
        assert (closed.state, closed.merge_commit) == (PullRequestState.CLOSED, None)
        assert closed.head_commit == opened.head_commit
        assert closed.closed_at is not None

    def test_closing_twice_is_no_error(self, world: World) -> None:
        opened = world.propose()
        world.forge.close(REPOSITORY, opened.number)
        closed = world.now(opened)
        world.forge.close(REPOSITORY, opened.number)
        assert world.now(opened) == closed

    def test_what_is_merged_cannot_be_closed(self, world: World) -> None:
        opened = world.propose()
        world.review(opened, Verdict.APPROVED)
        made = world.merge(opened)
        with pytest.raises(AlreadyMerged) as caught:
            world.forge.close(REPOSITORY, opened.number)
        assert caught.value.commit == made
        assert world.now(opened).state is PullRequestState.MERGED


class TestConversation:
    def test_comments_come_oldest_first(self, world: World) -> None:
        opened = world.propose()
        for author, body in (("guard", "Why?"), ("coder", "So."), ("guard", "Why?")):
            world.forge.comment(REPOSITORY, opened.number, author=author, body=body)
        said = [(comment.author, comment.body) for comment in world.forge.comments(REPOSITORY, opened.number)]
        assert said == [("guard", "Why?"), ("coder", "So."), ("guard", "Why?")]

    def test_a_comment_with_a_mark_is_there_once_and_edited_in_place(self, world: World) -> None:
        opened = world.propose()
        world.forge.put_comment(REPOSITORY, opened.number, author="system", mark="<!-- t -->", body="failed")
        world.forge.comment(REPOSITORY, opened.number, author="guard", body="<!-- t -->\nmine")
        world.forge.put_comment(REPOSITORY, opened.number, author="system", mark="<!-- t -->", body="passed")
        said = [(comment.author, comment.body) for comment in world.forge.comments(REPOSITORY, opened.number)]
        assert said == [("system", "<!-- t -->\npassed"), ("guard", "<!-- t -->\nmine")]

    def test_files_come_with_a_comment_and_stay_while_nobody_gives_others(self, world: World) -> None:
        number, put = world.propose().number, partial(world.forge.put_comment, author="system", mark="<!-- t -->")
        files = {"test-report.zip": b"first", "log.txt": b"line\n"}
        put(REPOSITORY, number, body="failed", files=files)
        put(REPOSITORY, number, body="passed")
        (comment,) = world.forge.comments(REPOSITORY, number)
        read = {each.name: world.forge.attachment(REPOSITORY, number, each) for each in comment.attachments}
        assert (comment.body, read) == ("<!-- t -->\npassed", files)
        assert [each.size for each in comment.attachments] == [5, 5]

    def test_files_take_the_place_of_those_before_which_are_gone(self, world: World) -> None:
        number, put = world.propose().number, partial(world.forge.put_comment, author="system", mark="<!-- t -->")
        for content in (b"first", b"second", b"second"):
            put(REPOSITORY, number, body="same", files={"a.zip": content})
        (after,) = world.forge.comments(REPOSITORY, number)
        assert [world.forge.attachment(REPOSITORY, number, each) for each in after.attachments] == [b"second"]
        with pytest.raises(ForgeError, match=r"the content of a\.zip at pull request 1 of todo is gone"):
            world.forge.attachment(REPOSITORY, number, Attachment("a.zip", 5, hashlib.sha256(b"first").hexdigest()))
        put(REPOSITORY, number, body="same", files={})
        assert world.forge.comments(REPOSITORY, number)[0].attachments == ()

    @pytest.mark.parametrize(
        ("files", "why"),
        [
            ({"report.html": b"x"}, "does not take 'report.html'"),
            ({"junit.xml": b"x"}, "does not take 'junit.xml'"),
            ({"../a.zip": b"x"}, "does not take"),
            ({"a.zip": b"x" * (SIZE_LIMIT + 1)}, "has 10000001 bytes, more than the 10000000"),
            ({f"{number}.zip": b"x" for number in range(6)}, "6 files are more than the 5"),
        ],
        ids=lambda value: "",
    )
    def test_what_forges_do_not_take_is_refused_and_changes_nothing_413_422(
        self, world: World, files: dict[str, bytes], why: str
    ) -> None:
        opened = world.propose()
        with pytest.raises(AttachmentRefused, match=re.escape(why)):
            world.forge.put_comment(REPOSITORY, opened.number, author="system", mark="t", body="b", files=files)
        assert world.forge.comments(REPOSITORY, opened.number) == []

    def test_a_closed_pull_request_still_takes_comments_and_labels(self, world: World) -> None:
        opened = world.propose()
        world.forge.close(REPOSITORY, opened.number)
        world.forge.comment(REPOSITORY, opened.number, author="guard", body="Why?")
        world.forge.label(REPOSITORY, opened.number, ("rejected",))
        assert world.now(opened).labels == ("rejected",)

    def test_labels_are_added_once(self, world: World) -> None:
        opened = world.propose()
        world.forge.label(REPOSITORY, opened.number, ("in-review", "api"))
        world.forge.label(REPOSITORY, opened.number, ("api", "approved"))
        assert sorted(world.now(opened).labels) == ["api", "approved", "in-review"]

    def test_a_pull_request_that_does_not_exist_takes_nothing_404(self, world: World) -> None:
        for act in (
            lambda: world.forge.comment(REPOSITORY, 404, author="guard", body="Why?"),
            lambda: world.forge.comments(REPOSITORY, 404),
            lambda: world.forge.reviews(REPOSITORY, 404),
            lambda: world.forge.label(REPOSITORY, 404, ("x",)),
            lambda: world.forge.close(REPOSITORY, 404),
        ):
            with pytest.raises(ForgeError, match="no pull request 404"):
                act()
