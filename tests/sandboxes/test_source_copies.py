"""What a model put into a repository, or a build into its output, stays where it belongs."""

import io
import os
import tarfile
from pathlib import Path

import pytest

from orket_pipelines.errors import SandboxError
from orket_pipelines.sandboxes.source import copy_source, unpack

LIMIT = 1_000_000


@pytest.fixture
def source(tmp_path: Path) -> Path:
    (tmp_path / "source").mkdir()
    return tmp_path / "source"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "target"


def packed(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    with tarfile.open(path, "w") as archive:
        for member, content in members:
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, mode: int = 0o644, link: str = "") -> tarfile.TarInfo:
    found = tarfile.TarInfo(name)
    found.type, found.mode, found.linkname = kind, mode, link
    return found


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_files_are_readable_by_anybody_and_programs_stay_programs(source: Path, target: Path) -> None:
    (source / "app").mkdir(mode=0o700)
    (source / "app" / "main.py").write_text("print()")
    (source / "app" / "main.py").chmod(0o600)
    (source / "run.sh").write_text("exit")
    (source / "run.sh").chmod(0o4700)
    copy_source(source, target, limit=LIMIT)

    assert (target / "app").stat().st_mode & 0o7777 == 0o755
    assert (target / "app" / "main.py").stat().st_mode & 0o7777 == 0o644
    assert (target / "run.sh").stat().st_mode & 0o7777 == 0o755


def test_links_that_lead_out_are_left_out_and_others_stay(source: Path, target: Path) -> None:
    (source / "page.html").write_text("page")
    (source / "index.html").symlink_to("page.html")
    (source / "passwd").symlink_to("/etc/passwd")
    (source / "up").symlink_to("..")
    (source / "here").symlink_to(source)
    (source / "broken").symlink_to("nothing")
    copy_source(source, target, limit=LIMIT)

    assert names(target) == ["index.html", "page.html"]
    assert (target / "index.html").read_text() == "page"


def test_pipes_the_repository_itself_and_installed_modules_are_left_out(source: Path, target: Path) -> None:
    os.mkfifo(source / "pipe")
    for folder in (".git", "node_modules", "web"):
        (source / folder).mkdir()
    copy_source(source, target, limit=LIMIT)

    assert names(target) == ["web"]


def test_what_an_earlier_copy_left_is_gone(source: Path, target: Path) -> None:
    target.mkdir(parents=True)
    (target / "old").write_text("old")
    copy_source(source, target, limit=LIMIT)

    assert names(target) == []


def test_a_repository_beyond_the_limit_is_refused(source: Path, target: Path) -> None:
    with (source / "big").open("wb") as file:
        file.truncate(LIMIT + 1)
    with pytest.raises(SandboxError, match="more than"):
        copy_source(source, target, limit=LIMIT)


def test_what_a_build_made_is_unpacked(tmp_path: Path, target: Path) -> None:
    archive = packed(
        tmp_path / "made.tar",
        (member("./assets", tarfile.DIRTYPE, 0o700), b""),
        (member("./assets/app.js", mode=0o600), b"js"),
        (member("./run", mode=0o6777), b"sh"),
    )
    unpack(archive, target, limit=LIMIT)

    assert (target / "assets" / "app.js").read_bytes() == b"js"
    assert (target / "assets" / "app.js").stat().st_mode & 0o7777 == 0o644
    assert (target / "run").stat().st_mode & 0o7777 == 0o755


@pytest.mark.parametrize("name", ["../outside", "a/../../outside"])
def test_an_archive_that_leads_out_is_refused(tmp_path: Path, target: Path, name: str) -> None:
    archive = packed(tmp_path / "made.tar", (member(name), b"out"))
    with pytest.raises(SandboxError):
        unpack(archive, target, limit=LIMIT)
    assert not (target.parent / "outside").exists()


def test_links_and_devices_in_an_archive_are_left_out(tmp_path: Path, target: Path) -> None:
    archive = packed(
        tmp_path / "made.tar",
        (member("link", tarfile.SYMTYPE, link="/etc"), b""),
        (member("hard", tarfile.LNKTYPE, link="../../made.tar"), b""),
        (member("device", tarfile.CHRTYPE), b""),
        (member("link/passwd"), b"mine"),
    )
    unpack(archive, target, limit=LIMIT)

    assert names(target) == ["link", "link/passwd"]
    assert (target / "link" / "passwd").read_text() == "mine"


@pytest.mark.parametrize("content", [b"", b"no archive at all" * 100])
def test_what_is_no_archive_is_refused(tmp_path: Path, target: Path, content: bytes) -> None:
    (tmp_path / "made.tar").write_bytes(content)
    with pytest.raises(SandboxError, match="cannot be unpacked"):
        unpack(tmp_path / "made.tar", target, limit=LIMIT)


def test_an_archive_beyond_the_limit_is_refused(tmp_path: Path, target: Path) -> None:
    archive = packed(tmp_path / "made.tar", (member("big"), b"0" * 2_000))
    with pytest.raises(SandboxError, match="too big"):
        unpack(archive, target, limit=1_000)
