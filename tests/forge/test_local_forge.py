"""What the embedded forge promises beyond the port: crashes, many at once, both databases."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from orket_pipelines.errors import ForgeError
from orket_pipelines.forge import Forge, LocalForge, MemoryForge, PullRequest, PullRequestState, Verdict
from orket_pipelines.forge.model import AlreadyMerged, BaseMoved, NothingToMerge, PullRequestExists, TryAgainLater
from orket_pipelines.git import Candidate, Code, Identity, MemoryCode
from orket_pipelines.store import Store

pytestmark = pytest.mark.slow

AT = 1_700_000_000_000_000
SYSTEM = Identity("system", "system@orket.invalid")
FEATURES = ("issue-1", "issue-2", "issue-3", "issue-4")

MERGE = """
import sys
from pathlib import Path
from orket_pipelines.forge import LocalForge, MemoryForge
from orket_pipelines.git import MemoryCode
from orket_pipelines.store import Store

kind, url, top, head, base, candidate = sys.argv[1:]
code = MemoryCode(Path(top) / "code.jsonl")
files = Path(top) / "attachments"
local = kind == "local"
forge = LocalForge(Store.open(url), code, files) if local else MemoryForge(code, Path(top) / "forge.jsonl")
print(forge.merge("todo", 1, head=head, base=base, candidate=candidate, by="system"))
"""


@pytest.fixture
def code(tmp_path: Path) -> MemoryCode:
    """Main and four branches, each with a file of its own."""
    made = MemoryCode(tmp_path / "code.jsonl")
    start = made.ensure("todo", title="To do", at=AT)
    for branch in FEATURES:
        made.check_out("todo", start, tmp_path / "checkout")
        (tmp_path / "checkout" / branch).write_text(branch)
        tree = made.snapshot("todo", tmp_path / "checkout")
        head = made.commit("todo", tree, parents=(start,), message=branch, by=SYSTEM, at=AT)
        made.move_branch("todo", branch, to=head, expected=None)
    return made


@pytest.fixture
def forge(store: Store, code: MemoryCode, tmp_path: Path) -> LocalForge:
    return LocalForge(store, code, tmp_path / "attachments")


def open_approved(forge: Forge, code: Code, branch: str = "issue-1") -> PullRequest:
    opened = forge.open_pull_request("todo", head=branch, base="main", title=branch, body="", author="coder")
    commit = opened.head_commit
    forge.review("todo", opened.number, reviewer="guard", verdict=Verdict.APPROVED, body="", commit=commit)
    return opened


def candidate_of(code: Code, request: PullRequest) -> tuple[str, str]:
    """Main as it is, and the merge into it."""
    base = code.head("todo", "main")
    assert base is not None
    made = code.merge("todo", base=base, head=request.head_commit, message="Merge", by=SYSTEM, at=AT)
    assert isinstance(made, Candidate)
    return base, made.commit


def merge_now(forge: Forge, code: Code, request: PullRequest) -> str:
    base, candidate = candidate_of(code, request)
    return forge.merge("todo", request.number, head=request.head_commit, base=base, candidate=candidate, by="system")


def test_what_is_stored_outlives_the_forge(store: Store, forge: LocalForge, code: MemoryCode, tmp_path: Path) -> None:
    opened = open_approved(forge, code)
    forge.comment("todo", opened.number, author="guard", body="Fine.")
    forge.label("todo", opened.number, ("approved",))
    merge_now(forge, code, opened)
    again = LocalForge(store, code, tmp_path)
    assert again.pull_request("todo", opened.number) == forge.pull_request("todo", opened.number)
    assert again.reviews("todo", opened.number) == forge.reviews("todo", opened.number)
    assert again.comments("todo", opened.number) == forge.comments("todo", opened.number)


def test_workspaces_do_not_see_each_other(store: Store, forge: LocalForge, code: MemoryCode, tmp_path: Path) -> None:
    opened = open_approved(forge, code)
    neighbour = LocalForge(Store(store.engine, "neighbour", store.clock), code, tmp_path / "attachments")
    with pytest.raises(ForgeError):
        neighbour.pull_request("todo", opened.number)
    assert open_approved(neighbour, code).number == 1
    assert len(forge.reviews("todo", opened.number)) == 1


def test_what_main_has_already_is_nothing_to_merge(forge: LocalForge, code: MemoryCode) -> None:
    merge_now(forge, code, open_approved(forge, code))
    with pytest.raises(NothingToMerge):
        open_approved(forge, code)


def test_of_many_who_open_the_same_one_does(forge: LocalForge, code: MemoryCode) -> None:
    def propose(_: int) -> int:
        try:
            return forge.open_pull_request(
                "todo", head="issue-1", base="main", title="", body="", author="coder"
            ).number
        except PullRequestExists as found:
            return -found.number

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(propose, range(4))) == [-1, -1, -1, 1]


def test_of_many_who_merge_into_one_base_each_is_merged_once(forge: LocalForge, code: MemoryCode) -> None:
    requests = [open_approved(forge, code, branch) for branch in FEATURES]

    def insist(request: PullRequest) -> str:
        while True:
            try:
                return merge_now(forge, code, request)
            except (BaseMoved, TryAgainLater):
                continue

    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(insist, requests))
    assert len(set(made)) == 4
    assert all(code.contains("todo", branch="main", commit=commit) for commit in made)
    moves = [call for call in code.journal if call["call"] == "move_branch" and call["branch"] == "main"]
    assert [move["to"] for move in moves] == sorted(made, key=[move["to"] for move in moves].index)


def test_while_a_merge_is_under_way_another_is_told_to_try_again_later(
    store: Store, code: MemoryCode, tmp_path: Path
) -> None:
    begun, finish = threading.Event(), threading.Event()

    class SlowCode(MemoryCode):
        def move_branch(self, repository: str, branch: str, *, to: str, expected: str | None) -> bool:
            begun.set()
            assert finish.wait(10)
            return code.move_branch(repository, branch, to=to, expected=expected)

    slow = SlowCode()
    slow.__dict__.update(code.__dict__)
    forge = LocalForge(store, slow, tmp_path / "attachments")
    first, second = (open_approved(forge, code, branch) for branch in FEATURES[:2])
    with ThreadPoolExecutor(1) as pool:
        merging = pool.submit(merge_now, forge, code, first)
        assert begun.wait(10)
        with pytest.raises(TryAgainLater):
            merge_now(forge, code, second)
        finish.set()
        merging.result()
    assert merge_now(forge, code, second) == code.head("todo", "main")


def die_in_merge(kind: str, url: str, top: Path, *, head: str, base: str, candidate: str) -> None:
    """Merge in a process that is killed once main has moved, and before anything is written down."""
    command = [sys.executable, "-c", MERGE, kind, url, str(top), head, base, candidate]
    environment = {**os.environ, "ORKET_FAILPOINT": "forge.embedded.base_moved"}
    died = subprocess.run(command, env=environment, check=False, capture_output=True, timeout=60)
    assert died.returncode == -signal.SIGKILL, died.stderr


Reopen = Callable[[], tuple[MemoryCode, Forge]]


@pytest.fixture(params=["local", "memory"])
def killed(
    request: pytest.FixtureRequest, database_url: str, tmp_path: Path, code: MemoryCode
) -> tuple[PullRequest, str, str, Reopen]:
    """A pull request whose merge died half-way, the base and the candidate, and how to come back."""
    kind = request.param

    def reopen() -> tuple[MemoryCode, Forge]:
        again = MemoryCode(tmp_path / "code.jsonl")
        if kind == "local":
            return again, LocalForge(Store.open(database_url), again, tmp_path / "attachments")
        return again, MemoryForge(again, tmp_path / "forge.jsonl")

    code, forge = reopen()
    opened = open_approved(forge, code)
    base, candidate = candidate_of(code, opened)
    die_in_merge(kind, database_url, tmp_path, head=opened.head_commit, base=base, candidate=candidate)
    return opened, base, candidate, reopen


def test_killed_between_main_and_its_record_the_same_merge_is_recorded(
    killed: tuple[PullRequest, str, str, Reopen],
) -> None:
    opened, base, candidate, reopen = killed
    code, forge = reopen()
    assert code.head("todo", "main") == candidate
    assert forge.pull_request("todo", 1).state is PullRequestState.OPEN
    made = forge.merge("todo", 1, head=opened.head_commit, base=base, candidate=candidate, by="system")
    assert made == candidate
    merged = forge.pull_request("todo", 1)
    assert (merged.state, merged.merge_commit) == (PullRequestState.MERGED, candidate)
    moves = [call for call in code.journal if call["call"] == "move_branch" and call["branch"] == "main"]
    assert [move["to"] for move in moves] == [candidate]
    with pytest.raises(AlreadyMerged):
        forge.merge("todo", 1, head=opened.head_commit, base=candidate, candidate=base, by="system")


def test_main_never_goes_back_to_a_merge_that_others_have_built_on(
    killed: tuple[PullRequest, str, str, Reopen],
) -> None:
    """The next process names the main of now as base, as a merge queue does that starts afresh."""
    opened, _, candidate, reopen = killed
    code, forge = reopen()
    after = merge_now(forge, code, open_approved(forge, code, "issue-2"))
    made = forge.merge("todo", 1, head=opened.head_commit, base=after, candidate=candidate, by="system")
    assert made == candidate
    assert code.head("todo", "main") == after


def test_closing_what_died_in_its_merge_does_not_hide_the_merge(
    killed: tuple[PullRequest, str, str, Reopen],
) -> None:
    opened, base, candidate, reopen = killed
    _, forge = reopen()
    forge.close("todo", 1)
    forge.merge("todo", 1, head=opened.head_commit, base=base, candidate=candidate, by="system")
    assert forge.pull_request("todo", 1).state is PullRequestState.MERGED


def test_a_merge_is_not_made_by_a_candidate_that_lacks_the_head(forge: LocalForge, code: MemoryCode) -> None:
    opened = open_approved(forge, code)
    main = code.head("todo", "main") or ""
    with pytest.raises(ForgeError, match="no merge of it"):
        forge.merge("todo", opened.number, head=opened.head_commit, base="1" * 40, candidate=main, by="system")
    assert forge.pull_request("todo", opened.number).state is PullRequestState.OPEN


class TestMemory:
    def test_the_journal_tells_what_changed_and_nothing_twice(self, tmp_path: Path, code: MemoryCode) -> None:
        forge = MemoryForge(code, tmp_path / "forge.jsonl")
        opened = open_approved(forge, code)
        for _ in range(2):
            forge.label("todo", opened.number, ("api",))
        forge.close("todo", opened.number)
        forge.close("todo", opened.number)
        assert [call["call"] for call in forge.journal] == ["open", "review", "label", "end"]
        assert [call["call"] for call in MemoryForge(code, tmp_path / "forge.jsonl").journal] == [
            "open",
            "review",
            "label",
            "end",
        ]

    def test_it_comes_back_as_it_was(self, tmp_path: Path, code: MemoryCode) -> None:
        forge = MemoryForge(code, tmp_path / "forge.jsonl")
        opened = open_approved(forge, code)
        forge.comment("todo", opened.number, author="guard", body="é")
        forge.label("todo", opened.number, ("api",))
        merge_now(forge, code, opened)
        again = MemoryForge(MemoryCode(tmp_path / "code.jsonl"), tmp_path / "forge.jsonl")
        assert again.pull_request("todo", 1) == forge.pull_request("todo", 1)
        assert again.reviews("todo", 1) == forge.reviews("todo", 1)
        assert again.comments("todo", 1) == forge.comments("todo", 1)

    def test_half_a_line_that_a_kill_left_is_forgotten(self, tmp_path: Path, code: MemoryCode) -> None:
        forge = MemoryForge(code, tmp_path / "forge.jsonl")
        opened = open_approved(forge, code)
        with (tmp_path / "forge.jsonl").open("a") as file:
            file.write('{"call": "end", "repo')
        again = MemoryForge(code, tmp_path / "forge.jsonl")
        assert again.pull_request("todo", opened.number) == opened
        again.close("todo", opened.number)
        third = MemoryForge(code, tmp_path / "forge.jsonl")
        assert third.pull_request("todo", opened.number).state is PullRequestState.CLOSED
