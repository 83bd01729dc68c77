import os
import stat
from pathlib import Path

import pytest

from orket_pipelines.errors import WorkbenchError
from orket_pipelines.workbench.files import Files
from orket_pipelines.workbench.tree import Footprint, hand_over, identity, measure

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
USER = (10_001, 10_001)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    path = tmp_path / "checkout"
    (path / "folder").mkdir(parents=True)
    (path / "folder" / "file").write_bytes(b"x" * 10_000)
    return path


def owner(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_uid, found.st_gid


def test_what_is_on_disk_is_counted_and_holes_are_not(checkout: Path) -> None:
    before = measure(checkout, most=100)
    assert (before.entries, before.whole) == (2, True)
    assert before.size >= 10_000
    with (checkout / "holes").open("wb") as file:
        file.truncate(10**12)
    assert measure(checkout, most=100).size - before.size < 10_000


def test_a_file_of_two_names_counts_once(checkout: Path) -> None:
    before = measure(checkout, most=100)
    (checkout / "again").hardlink_to(checkout / "folder" / "file")
    assert measure(checkout, most=100) == Footprint(before.size, 3, whole=True)


def test_links_are_not_followed(checkout: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "large").write_bytes(b"x" * 1_000_000)
    (checkout / "out").symlink_to(outside)
    (checkout / "up").symlink_to("..")
    assert measure(checkout, most=100).size < 100_000


def test_counting_ends_at_a_bound_of_number_and_depth(checkout: Path) -> None:
    found = measure(checkout, most=1)
    assert (found.entries, found.whole) == (1, False)
    folder = checkout
    for _ in range(210):
        folder = folder / "d"
        folder.mkdir()
    assert not measure(checkout, most=1000).whole


def test_folders_are_opened_for_their_owner_on_the_way(checkout: Path) -> None:
    (checkout / "folder").chmod(0o000)
    assert measure(checkout, most=100).entries == 2
    assert stat.S_IMODE((checkout / "folder").stat().st_mode) == 0o700


def test_a_checkout_is_known_by_its_folder_not_by_its_path(checkout: Path) -> None:
    before = identity(checkout)
    checkout.rename(checkout.with_name("old"))
    checkout.mkdir()
    assert identity(checkout) != before
    checkout.rmdir()
    with pytest.raises(WorkbenchError, match="No such file"):
        identity(checkout)


@as_root
def test_everything_in_a_checkout_is_handed_over_and_nothing_that_links_point_at(
    checkout: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.write_text("ours")
    (checkout / "link").symlink_to(outside)
    (checkout / "name").hardlink_to(outside)
    hand_over(checkout, USER, most=100)
    found = {path.name: owner(path) for path in (checkout, *checkout.rglob("*"))}
    assert found == {"checkout": USER, "folder": USER, "file": USER, "link": USER, "name": (0, 0)}
    assert owner(outside) == (0, 0)


@as_root
def test_files_that_host_tools_write_belong_to_whom_their_folder_belongs(checkout: Path) -> None:
    hand_over(checkout, USER, most=100)
    Files(checkout).write("new/deep/file", b"x")
    Files(checkout).write("folder/file", b"x")
    names = ("new", "new/deep", "new/deep/file", "folder/file")
    assert [owner(checkout / name) for name in names] == [USER] * 4
