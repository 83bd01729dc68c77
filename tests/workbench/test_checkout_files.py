import contextlib
import os
import shutil
import socket
import stat
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orket_pipelines.errors import WorkbenchError
from orket_pipelines.workbench.files import WRITE_LIMIT, Entry, Files
from orket_pipelines.workbench.paths import BOUNDARY, FileRefused


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("canary")
    return outside


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "checkout"
    (root / "src").mkdir(parents=True)
    (root / ".git").mkdir()
    (root / ".git" / "config").write_text("[core]\n")
    (root / "src" / "app.py").write_text("print(1)\n")
    return root


@pytest.fixture
def files(root: Path) -> Files:
    return Files(root)


def test_a_file_is_read(files: Files) -> None:
    assert files.read("src/app.py") == b"print(1)\n"


def test_a_new_file_is_written_with_its_folders(files: Files, root: Path) -> None:
    assert files.write("a/b/c.txt", b"x") is True
    assert (root / "a/b/c.txt").read_bytes() == b"x"
    assert sorted(path.name for path in (root / "a/b").iterdir()) == ["c.txt"]


def test_a_replaced_file_keeps_its_permissions_but_no_setuid(files: Files, root: Path) -> None:
    (root / "src/app.py").chmod(0o4755)
    assert files.write("src/app.py", b"x") is False
    assert stat.S_IMODE((root / "src/app.py").stat().st_mode) == 0o755


def test_a_file_that_is_too_long_is_refused_with_its_size(files: Files, root: Path) -> None:
    (root / "big").write_bytes(b"x" * 11)
    assert files.read("big", limit=11) == b"x" * 11
    with pytest.raises(FileRefused, match="has 11 bytes; at most 10 are read"):
        files.read("big", limit=10)
    with pytest.raises(FileRefused, match="at most 2000000 are written"):
        files.write("big", b"x" * (WRITE_LIMIT + 1))


def test_a_missing_file_says_so(files: Files) -> None:
    with pytest.raises(FileRefused, match=r"'nope\.txt' cannot be used: No such file") as caught:
        files.read("nope.txt")
    assert caught.value.next_step == "See what there is: list_files"


@pytest.mark.parametrize("path", ["../outside/secret", "/etc/passwd", ".git/config", "src/../../outside/secret"])
def test_a_path_that_leads_out_is_refused_in_every_verb(files: Files, root: Path, outside: Path, path: str) -> None:
    for call in (files.read, files.delete, files.kind, files.walk, lambda path: files.write(path, b"owned")):
        with pytest.raises(FileRefused) as caught:
            call(path)
        assert caught.value.refusal.rule == BOUNDARY
    assert (outside / "secret").read_text() == "canary"
    assert (root / ".git/config").read_text() == "[core]\n"


def link_to_file(root: Path, outside: Path) -> str:
    (root / "link").symlink_to(outside / "secret")
    return "link"


def relative_link(root: Path, outside: Path) -> str:
    (root / "src/link").symlink_to("../../outside/secret")
    return "src/link"


def link_to_folder(root: Path, outside: Path) -> str:
    (root / "folder").symlink_to(outside)
    return "folder/secret"


def chain_of_links(root: Path, outside: Path) -> str:
    (root / "one").symlink_to("two")
    (root / "two").symlink_to(outside)
    return "one/secret"


def link_to_git(root: Path, outside: Path) -> str:
    (root / "repository").symlink_to(".git")
    return "repository/config"


def link_through_proc(root: Path, outside: Path) -> str:
    (root / "self").symlink_to("/proc/self/root")
    return f"self{outside}/secret"


def hard_link(root: Path, outside: Path) -> str:
    (root / "hard").hardlink_to(outside / "secret")
    return "hard"


LINKS = [link_to_file, relative_link, link_to_folder, chain_of_links, link_to_git, link_through_proc, hard_link]


@pytest.mark.parametrize("make", LINKS)
def test_a_link_is_neither_read_nor_written_through(
    files: Files, root: Path, outside: Path, make: Callable[[Path, Path], str]
) -> None:
    path = make(root, outside)
    for call in (files.read, lambda path: files.write(path, b"owned")):
        with pytest.raises(FileRefused, match="link") as caught:
            call(path)
        assert caught.value.refusal.rule == BOUNDARY
    assert (outside / "secret").read_text() == "canary"
    assert (root / ".git/config").read_text() == "[core]\n"


def test_a_loop_of_links_is_refused(files: Files, root: Path) -> None:
    (root / "loop").symlink_to("loop")
    with pytest.raises(FileRefused):
        files.read("loop")
    with pytest.raises(FileRefused):
        files.read("loop/x")


def test_a_dangling_link_is_not_written_through(files: Files, root: Path, outside: Path) -> None:
    (root / "link").symlink_to(outside / "new")
    with pytest.raises(FileRefused):
        files.write("link", b"owned")
    assert not (outside / "new").exists()


def test_a_link_is_deleted_and_not_what_it_points_at(files: Files, root: Path, outside: Path) -> None:
    files.delete(link_to_file(root, outside))
    assert not (root / "link").is_symlink()
    assert (outside / "secret").exists()


def test_a_file_is_not_deleted_through_a_link(files: Files, root: Path, outside: Path) -> None:
    with pytest.raises(FileRefused):
        files.delete(link_to_folder(root, outside))
    assert (outside / "secret").exists()


@pytest.mark.timeout(10)
def test_pipes_sockets_and_folders_are_not_files_and_do_not_hang(files: Files, root: Path) -> None:
    os.mkfifo(root / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(root / "socket"))
    for name in ("pipe", "socket", "src"):
        with pytest.raises(FileRefused):
            files.read(name)
        with pytest.raises(FileRefused, match="not a file"):
            files.write(name, b"x")


def test_a_folder_is_not_deleted_and_a_file_is_no_folder(files: Files, root: Path) -> None:
    with pytest.raises(FileRefused, match="is a folder"):
        files.delete("src")
    with pytest.raises(FileRefused, match="is a file, not a folder"):
        files.write("src/app.py/x", b"x")
    with pytest.raises(FileRefused, match="is the checkout itself"):
        files.write(".", b"x")


def test_a_link_that_is_swapped_in_while_we_look_never_leads_out(files: Files, root: Path, outside: Path) -> None:
    done = threading.Event()
    (root / "real").mkdir()
    (root / "real/secret").write_text("inside")

    def swap() -> None:
        # Two folders of one name, a link in between: a write may make the folder anew whenever it is missing.
        while not done.is_set():
            shutil.rmtree(root / "flip", ignore_errors=True)
            (root / "real").rename(root / "flip")
            with contextlib.suppress(OSError):
                (root / "real").symlink_to(outside)
                (root / "real").unlink()
                (root / "flip").rename(root / "real")

    attacker = threading.Thread(target=swap)
    attacker.start()
    seen = set()
    give_up = time.monotonic() + 1
    try:
        while time.monotonic() < give_up:
            try:
                seen.add(files.read("real/secret"))
                files.write("real/secret", b"inside")
            except FileRefused:
                seen.add(b"refused")
    finally:
        done.set()
        attacker.join()
    assert b"canary" not in seen
    assert b"inside" in seen
    assert (outside / "secret").read_text() == "canary"
    assert [path.name for path in outside.iterdir()] == ["secret"]


def test_a_write_that_fails_leaves_the_old_content_and_no_temporary_file(
    files: Files, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object, **_options: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(WorkbenchError, match="No space left"):
        files.write("src/app.py", b"x")
    assert (root / "src/app.py").read_text() == "print(1)\n"
    assert [path.name for path in (root / "src").iterdir()] == ["app.py"]


def test_a_walk_names_everything_but_git_in_order_and_enters_no_link(files: Files, root: Path, outside: Path) -> None:
    (root / "link").symlink_to(outside)
    (root / "node_modules/x").mkdir(parents=True)
    os.mkfifo(root / "pipe")
    listing = files.walk()
    assert listing.complete
    assert [(entry.path, entry.kind) for entry in listing.entries] == [
        ("link", "link"),
        ("node_modules", "folder"),
        ("pipe", "other"),
        ("src", "folder"),
        ("src/app.py", "file"),
    ]
    assert Entry("src/app.py", "file", 9) in listing.entries


def test_a_walk_says_where_it_was_cut(files: Files, root: Path) -> None:
    for number in range(10):
        (root / f"{number}.txt").touch()
    assert len(files.walk(limit=5).entries) == 5
    assert not files.walk(limit=5).complete
    assert [entry.path for entry in files.walk(depth=1).entries][-1] == "src"
    assert not files.walk(depth=1).complete
    assert [entry.path for entry in files.walk("src").entries] == ["src/app.py"]


def test_a_name_that_forges_a_listing_is_shown_escaped(files: Files, root: Path) -> None:
    (root / "a\nforged").touch()
    (root / os.fsdecode(b"b\xff")).touch()
    assert [entry.path for entry in files.walk().entries][:2] == [r"'a\nforged'", r"'b\udcff'"]


def test_a_checkout_that_is_gone_is_an_error_of_the_workbench(tmp_path: Path) -> None:
    with pytest.raises(WorkbenchError, match="cannot be opened"):
        Files(tmp_path / "missing").read("x")


def test_a_checkout_that_became_a_link_is_not_entered(tmp_path: Path, outside: Path) -> None:
    (tmp_path / "checkout").symlink_to(outside)
    with pytest.raises(WorkbenchError, match="cannot be opened"):
        Files(tmp_path / "checkout").read("secret")


def test_no_descriptor_is_left_open(files: Files, root: Path) -> None:
    (root / "link").symlink_to("src")
    before = descriptors_under(root)
    for _ in range(20):
        files.read("src/app.py")
        files.write("a/b/c", b"x")
        files.walk()
        with pytest.raises(FileRefused):
            files.read("link/app.py")
    assert descriptors_under(root) == before


def descriptors_under(root: Path) -> int:
    """Those of this process that lead to files there; what other threads open elsewhere does not count."""
    found = 0
    for descriptor in Path("/proc/self/fd").iterdir():
        # The one that lists them is gone by now.
        with contextlib.suppress(FileNotFoundError):
            found += descriptor.readlink().is_relative_to(root)
    return found
