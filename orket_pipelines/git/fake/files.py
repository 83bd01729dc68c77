"""Trees as files of real folders."""

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

from orket_pipelines.git import folders
from orket_pipelines.git.fake.ignore import Rule, is_ignored, read_rules
from orket_pipelines.git.fake.objects import Tree

REGULAR, EXECUTABLE, LINK = "100644", "100755", "120000"


def list_files(top: Path, tracked: Tree) -> Iterator[str]:
    """Paths of files and links under `top`: those not ignored, and those of `tracked` that are there."""
    seen = set(_list(top, "", []))
    yield from seen
    for path in tracked.keys() - seen:
        if _mode(top / path) is not None and not _is_behind_link(top, path):
            yield path


def read_file(top: Path, path: str) -> tuple[str, bytes]:
    """Mode and contents; of a link, where it leads."""
    file = top / path
    mode = _mode(file) or REGULAR
    return mode, os.fsencode(file.readlink()) if mode == LINK else file.read_bytes()


def write_tree(top: Path, tree: Tree, blob: Callable[[str], bytes]) -> None:
    """Make the files of `tree` stand under `top`; whatever is in their way is removed."""
    for path, (mode, name) in tree.items():
        _make_way(top, path)
        file = top / path
        if mode == LINK:
            file.symlink_to(os.fsdecode(blob(name)))
        else:
            file.write_bytes(blob(name))
            file.chmod(0o755 if mode == EXECUTABLE else 0o644)


def write_new_tree(top: Path, tree: Tree, blob: Callable[[str], bytes]) -> None:
    """The same in an empty folder, where nothing can be in the way."""
    for path, (mode, name) in tree.items():
        file = top / path
        if "/" in path:
            file.parent.mkdir(parents=True, exist_ok=True)
        if mode == LINK:
            file.symlink_to(os.fsdecode(blob(name)))
            continue
        with file.open("xb", buffering=0) as new:
            os.fchmod(new.fileno(), 0o755 if mode == EXECUTABLE else 0o644)
            new.write(blob(name))


def remove_files(top: Path, paths: set[str]) -> None:
    """Remove files, and the folders that are empty then."""
    for path in sorted(paths):
        if not _is_behind_link(top, path):
            folders.remove(top / path)
    for folder, inner, _ in os.walk(top, topdown=False):
        for name in inner:
            candidate = Path(folder, name)
            if candidate.is_dir() and not candidate.is_symlink() and not any(candidate.iterdir()):
                candidate.rmdir()


def _list(folder: Path, prefix: str, outer: list[Rule]) -> Iterator[str]:
    rules = outer + read_rules(folder, prefix)
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        path = prefix + entry.name
        is_folder = entry.is_dir(follow_symlinks=False)
        if entry.name.lower() == ".git" or is_ignored(path, rules, is_folder=is_folder):
            continue
        if is_folder:
            yield from _list(Path(entry.path), f"{path}/", rules)
        elif _mode(Path(entry.path)) is not None:
            yield path


def _mode(file: Path) -> str | None:
    """As git has it; None where there is neither a file nor a link."""
    try:
        found = file.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    if stat.S_ISLNK(found):
        return LINK
    if not stat.S_ISREG(found):
        return None
    return EXECUTABLE if found & stat.S_IXUSR else REGULAR


def _is_behind_link(top: Path, path: str) -> bool:
    return any((top / parent).is_symlink() for parent in Path(path).parents)


def _make_way(top: Path, path: str) -> None:
    for parent in reversed(Path(path).parents):
        folder = top / parent
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            folder.unlink()
        folder.mkdir(exist_ok=True)
    folders.remove(top / path)
