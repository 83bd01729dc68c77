"""What a folder is deployed as."""

from pathlib import Path

import pytest

from orket_pipelines.errors import SandboxError
from orket_pipelines.sandboxes.folders import deployment_of, digest

LIMIT = 1000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "shop front"
    made.mkdir()
    (made / "app.py").write_text("one")
    return made


def test_a_folder_is_called_as_it_is_or_as_a_person_says(folder: Path) -> None:
    assert deployment_of(folder, None, limit=LIMIT).rock_id == "shop-front"
    assert deployment_of(folder, "shop", limit=LIMIT).rock_id == "shop"
    for wrong in ("", "a b", "../x", "-x"):
        with pytest.raises(SandboxError):
            deployment_of(folder, wrong, limit=LIMIT)


def test_its_commit_changes_with_what_is_copied_and_with_nothing_else(folder: Path) -> None:
    seen = [digest(folder, limit=LIMIT)]

    def change() -> bool:
        seen.append(digest(folder, limit=LIMIT))
        return seen[-1] != seen[-2]

    (folder / "node_modules").mkdir()
    (folder / "node_modules" / "left out").write_text("x")
    assert not change()
    (folder / "app.py").write_text("two")
    assert change()
    (folder / "app.py").chmod(0o755)
    assert change()
    (folder / "app.py").rename(folder / "main.py")
    assert change()
    (folder / "link").symlink_to("main.py")
    assert change()
    (folder / "empty").mkdir()
    assert change()
    assert len(seen[0]) == 40


def test_one_that_is_too_big_is_not_read_to_the_end(folder: Path) -> None:
    (folder / "big").write_bytes(b"x" * (LIMIT + 1))
    with pytest.raises(SandboxError, match="more than 1000 bytes"):
        digest(folder, limit=LIMIT)
