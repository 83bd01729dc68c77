"""The git of this machine, as the factory needs it."""

from pathlib import Path

import pytest

from orket_pipelines.errors import GitError
from orket_pipelines.git import GitCode, demand_git


def _git(folder: Path, script: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The only git on PATH does what `script` says."""
    program = folder / "bin" / "git"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent))


@pytest.mark.parametrize("said", ["git version 2.30.2", "git version 1.9", "nothing of the kind", ""])
def test_an_old_git_is_refused_with_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    _git(tmp_path, f"echo '{said}'", monkeypatch)
    with pytest.raises(GitError, match="is too old") as refused:
        demand_git()
    assert refused.value.next_step.startswith("Install git 2.38 or newer")


@pytest.mark.parametrize("said", ["git version 2.38.0", "git version 2.39.5 (Apple Git-154)", "git version 3.0"])
def test_a_newer_git_will_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    _git(tmp_path, f"echo '{said}'", monkeypatch)
    demand_git()


def test_no_git_at_all_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(GitError, match="git is not installed"):
        demand_git()


def test_a_git_that_does_nothing_leaves_no_repository_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _git(tmp_path, "exit 0", monkeypatch)
    with pytest.raises(GitError, match="git made no first commit"):
        GitCode(tmp_path / "repositories").ensure("todo", title="To do", at=0)
    monkeypatch.undo()
    assert GitCode(tmp_path / "repositories").ensure("todo", title="To do", at=0)
