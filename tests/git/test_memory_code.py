"""What the fake promises beyond the port: it comes back after a kill, and tells what it did."""

import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from orket_pipelines.git import Identity, MemoryCode

AT = 1_700_000_000_000_000
CODER = Identity("coder", "coder@orket.invalid")


def work(code: MemoryCode, checkout: Path, branch: str = "issue-1") -> str:
    """One file on a branch; safe to repeat."""
    start = code.ensure("todo", title="To do", at=AT)
    code.check_out("todo", start, checkout)
    (checkout / branch).write_bytes(b"\0\xff" + branch.encode())
    tree = code.snapshot("todo", checkout)
    code.keep("todo", f"checkpoints/{branch}", tree)
    head = code.commit("todo", tree, parents=(start,), message="Work", by=CODER, at=AT)
    assert code.move_branch("todo", branch, to=head, expected=None)
    return head


def test_it_comes_back_as_it_was(tmp_path: Path) -> None:
    code = MemoryCode(tmp_path / "code.jsonl")
    head = work(code, tmp_path / "checkout")
    again = MemoryCode(tmp_path / "code.jsonl")
    assert again.journal == code.journal
    assert again.head("todo", "issue-1") == head
    (tmp_path / "checkout" / "issue-1").write_text("changed")
    again.restore("todo", head, tmp_path / "checkout")
    assert (tmp_path / "checkout" / "issue-1").read_bytes() == b"\0\xffissue-1"


def test_the_journal_tells_what_changed_and_nothing_twice(tmp_path: Path) -> None:
    code = MemoryCode()
    work(code, tmp_path / "checkout")
    work(code, tmp_path / "checkout")
    assert [call["call"] for call in code.journal] == [
        "ensure",
        "check_out",
        "snapshot",
        "keep",
        "commit",
        "move_branch",
        "check_out",
        "snapshot",
    ]


def test_half_a_line_that_a_kill_left_is_forgotten(tmp_path: Path) -> None:
    head = work(MemoryCode(tmp_path / "code.jsonl"), tmp_path / "checkout")
    with (tmp_path / "code.jsonl").open("a") as file:
        file.write('{"call": "move_branch", "branch": "ma')
    code = MemoryCode(tmp_path / "code.jsonl")
    assert code.head("todo", "issue-1") == head
    other = work(code, tmp_path / "checkout", "issue-2")
    assert MemoryCode(tmp_path / "code.jsonl").head("todo", "issue-2") == other


def test_what_was_answered_survives_a_kill(tmp_path: Path) -> None:
    program = (
        "import os, signal, sys\n"
        "from pathlib import Path\n"
        "from orket_pipelines.git import MemoryCode\n"
        "code = MemoryCode(Path(sys.argv[1]))\n"
        "print(code.ensure('todo', title='To do', at=1), flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    file = tmp_path / "code.jsonl"
    died = subprocess.run([sys.executable, "-c", program, file], check=False, capture_output=True, text=True)
    assert died.returncode == -signal.SIGKILL
    assert MemoryCode(file).head("todo", "main") == died.stdout.strip()


def test_threads_may_share_it(tmp_path: Path) -> None:
    code = MemoryCode(tmp_path / "code.jsonl")
    branches = [f"issue-{number}" for number in range(8)]
    with ThreadPoolExecutor(4) as pool:
        heads = list(pool.map(lambda branch: work(code, tmp_path / branch, branch), branches))
    again = MemoryCode(tmp_path / "code.jsonl")
    assert [again.head("todo", branch) for branch in branches] == heads
    assert sorted(path.name for path in tmp_path.iterdir()) == ["code.jsonl", *branches]


def test_without_files_a_checkout_stands_for_its_commit_and_keeps_what_is_written_there(tmp_path: Path) -> None:
    code = MemoryCode(files=False)
    start = code.ensure("r", title="R", at=0)
    code.check_out("r", start, tmp_path / "work")
    assert list((tmp_path / "work").iterdir()) == []

    (tmp_path / "work" / "a.txt").write_text("a\n")
    tree = code.snapshot("r", tmp_path / "work")
    assert code.changed_paths("r", start, tree) == ("a.txt",)

    (tmp_path / "work" / "b.txt").write_text("b\n")
    code.restore("r", tree, tmp_path / "work")
    assert code.snapshot("r", tmp_path / "work") == tree
