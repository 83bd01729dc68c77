"""Killed anywhere, the same call again comes to the right end."""

import os
import signal
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.errors import GitError
from orket_pipelines.git import GitCode, Identity, folders
from orket_pipelines.git.process import Git
from orket_pipelines.store.failpoints import registered
from tests.kills import do_and_die

pytestmark = pytest.mark.slow

AT = 1_700_000_000_000_000
CODER = Identity("coder", "coder@orket.invalid")

FAILPOINTS = [name for name in registered() if name.startswith("git.")]


def work(top: Path) -> None:
    """All that the factory asks of git on the way of one issue; done again, it changes nothing."""
    code, checkout = GitCode(top / "repositories"), top / "checkouts" / "issue"
    start = code.ensure("todo", title="To do", at=AT)
    code.check_out("todo", start, checkout)
    (checkout / "code.py").write_text("print(1)\n" * 100)
    tree = code.snapshot("todo", checkout)
    code.keep("todo", "checkpoints/1", tree)
    (checkout / "junk").write_text("junk")
    code.restore("todo", tree, checkout)
    head = code.commit("todo", tree, parents=(start,), message="Work", by=CODER, at=AT)
    assert code.move_branch("todo", "issue", to=head, expected=None)
    code.check_out("todo", head, checkout)


def look(top: Path) -> tuple[Any, ...]:
    """Branches, checkouts and their files; git finds nothing missing."""
    code, checkouts = GitCode(top / "repositories"), top / "checkouts"
    fsck = subprocess.run(
        ["git", "fsck", "--no-dangling"], cwd=code._directory("todo"), capture_output=True, text=True, check=True
    )
    assert "missing" not in fsck.stdout
    files = {path.name: path.read_text() for path in (checkouts / "issue").iterdir() if path.is_file()}
    return code.head("todo", "main"), code.head("todo", "issue"), [path.name for path in checkouts.iterdir()], files


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[tuple[Any, ...], float]:
    """How the work ends, and the seconds that it takes."""
    top, begun = tmp_path_factory.mktemp("undisturbed"), time.monotonic()
    work(top)
    return look(top), time.monotonic() - begun


@pytest.fixture
def code(tmp_path: Path) -> GitCode:
    return GitCode(tmp_path / "repositories")


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_killed_at_a_failpoint_the_next_run_ends_as_if_nothing_had_happened(
    failpoint: str, undisturbed: tuple[Any, float], tmp_path: Path
) -> None:
    assert do_and_die(lambda: work(tmp_path), failpoint) == failpoint
    do_and_die(lambda: work(tmp_path), failpoint, count=2)
    work(tmp_path)
    assert look(tmp_path) == undisturbed[0]


def test_killed_at_any_moment_the_next_run_ends_as_if_nothing_had_happened(
    undisturbed: tuple[Any, float], tmp_path: Path
) -> None:
    """In the midst of a git, too."""
    for moment in range(12):
        child = os.fork()
        if child == 0:
            work(tmp_path)
            os._exit(0)
        time.sleep(undisturbed[1] * moment / 12)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    work(tmp_path)
    assert look(tmp_path) == undisturbed[0]


def test_a_half_made_repository_is_made_again(code: GitCode, tmp_path: Path) -> None:
    half = tmp_path / "repositories" / ".todo.git.new"
    (half / "objects").mkdir(parents=True)
    start = code.ensure("todo", title="To do", at=AT)
    assert code.head("todo", "main") == start
    assert not half.exists()


@pytest.mark.parametrize("lock", ["refs/heads/main.lock", "HEAD.lock"])
def test_a_lock_that_a_dead_git_left_does_not_hold_a_branch(code: GitCode, tmp_path: Path, lock: str) -> None:
    start = code.ensure("todo", title="To do", at=AT)
    code.check_out("todo", start, tmp_path / "checkout")
    (tmp_path / "checkout" / "a").write_text("1")
    tree = code.snapshot("todo", tmp_path / "checkout")
    head = code.commit("todo", tree, parents=(start,), message="Work", by=CODER, at=AT)
    (code._directory("todo") / lock).touch()
    assert code.move_branch("todo", "main", to=head, expected=start)
    assert code.head("todo", "main") == head


def test_a_lock_that_a_dead_git_left_does_not_hold_a_snapshot(code: GitCode, tmp_path: Path) -> None:
    code.check_out("todo", code.ensure("todo", title="To do", at=AT), tmp_path / "checkout")
    (index,) = (code._directory("todo") / "orket").glob("*.index")
    index.with_name(f"{index.name}.lock").touch()
    (tmp_path / "checkout" / "a").write_text("1")
    code.snapshot("todo", tmp_path / "checkout")


def test_a_lock_lives_as_long_as_the_git_that_inherited_it(code: GitCode, tmp_path: Path) -> None:
    start = code.ensure("todo", title="To do", at=AT)
    lock = code._directory("todo") / "orket" / "references.lock"
    with folders.held(lock, patience=1) as inherited:
        orphan = subprocess.Popen(["sleep", "30"], pass_fds=(inherited,))
    with pytest.raises(GitError, match="another process keeps"):
        GitCode(tmp_path / "repositories", timeout=0.1).keep("todo", "x", start)
    orphan.kill()
    orphan.wait()
    code.keep("todo", "x", start)


def test_a_branch_that_a_person_packed_is_found(code: GitCode) -> None:
    start = code.ensure("todo", title="To do", at=AT)
    code.move_branch("todo", "orket/issue-1", to=start, expected=None)
    subprocess.run(["git", "pack-refs", "--all", "--prune"], cwd=code._directory("todo"), check=True)
    assert not (code._directory("todo") / "refs/heads/main").exists()
    assert code.head("todo", "main") == start
    assert code.head("todo", "orket/issue-1") == start
    assert code.head("todo", "issue-1") is None


def test_of_many_who_move_a_branch_one_wins(code: GitCode, tmp_path: Path) -> None:
    start = code.ensure("todo", title="To do", at=AT)
    code.check_out("todo", start, tmp_path / "checkout")
    tree = code.snapshot("todo", tmp_path / "checkout")
    heads = [code.commit("todo", tree, parents=(start,), message=f"{n}", by=CODER, at=AT) for n in range(6)]
    with ThreadPoolExecutor(6) as pool:
        won = list(pool.map(lambda head: code.move_branch("todo", "main", to=head, expected=start), heads))
    assert won.count(True) == 1
    assert code.head("todo", "main") == heads[won.index(True)]


def test_of_many_who_make_a_repository_all_get_the_same(code: GitCode) -> None:
    with ThreadPoolExecutor(6) as pool:
        starts = set(pool.map(lambda number: code.ensure("todo", title=f"Number {number}", at=AT), range(6)))
    assert starts == {code.head("todo", "main")}


def test_git_that_takes_too_long_is_ended_with_its_children(code: GitCode, tmp_path: Path) -> None:
    code.ensure("todo", title="To do", at=AT)
    trace = tmp_path / "child"
    hasty = Git(code._directory("todo"), timeout=0.3)
    with pytest.raises(GitError, match=r"git slow in .* took longer than 0\.3 s"):
        hasty.run("slow", options=(f"alias.slow=!sleep 60 & echo $! > {trace}; wait",))
    assert is_gone(int(trace.read_text()))


def test_an_interrupt_ends_git_with_its_children(tmp_path: Path, code: GitCode) -> None:
    code.ensure("todo", title="To do", at=AT)
    trace = tmp_path / "child"
    git = Git(code._directory("todo"), timeout=30)

    def interrupt() -> None:
        while not trace.exists() or not trace.read_text().strip():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    # A process that was started in the background may have been told to ignore the signal.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        threading.Thread(target=interrupt).start()
        with pytest.raises(KeyboardInterrupt):
            git.run("slow", options=(f"alias.slow=!sleep 60 & echo $! > {trace}; wait",))
    finally:
        signal.signal(signal.SIGINT, before)
    assert is_gone(int(trace.read_text()))


def is_gone(process: int) -> bool:
    """Killed, and perhaps not yet collected by the init of this machine."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        except (FileNotFoundError, ProcessLookupError):
            return True
        if state == "Z":
            return True
        time.sleep(0.01)
    return False


def test_a_machine_without_git_is_told_so(code: GitCode, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="git is not installed") as caught:
        code.ensure("todo", title="To do", at=AT)
    assert caught.value.next_step.startswith("Install git")


def test_what_the_disk_refuses_is_told_in_one_line(code: GitCode) -> None:
    start = code.ensure("todo", title="To do", at=AT)
    with pytest.raises(GitError, match="the checkout /dev/null/checkout: "):
        code.check_out("todo", start, Path("/dev/null/checkout"))
