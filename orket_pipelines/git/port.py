"""What the factory asks of git. `repository.py` answers with git itself, `fake.py` in memory."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

MAIN = "main"


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a commit is by; one per role."""

    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """A merge that could be made: its commit exists, no branch points at it yet."""

    commit: str


@dataclass(frozen=True, slots=True)
class Conflict:
    """A merge that needs a person or an agent: the paths in conflict, sorted."""

    paths: tuple[str, ...]


class Code(Protocol):
    """Repositories by name. Commits and trees are full hexadecimal object names. `at` is UTC microseconds: a commit
    made twice from the same arguments is the same commit, which is what makes every call safe to repeat.

    Every method raises GitError where git fails.
    """

    def ensure(self, repository: str, *, title: str, at: int) -> str:
        """Make the repository, with a first commit on `main`, unless it exists; the head of `main`."""

    def head(self, repository: str, branch: str) -> str | None:
        """The commit that `branch` points at; None where there is no such branch."""

    def move_branch(self, repository: str, branch: str, *, to: str, expected: str | None) -> bool:
        """Point `branch` at `to` if it points at `expected` (None: it does not exist), or already at `to`.

        False where it points elsewhere; nothing is changed then.
        """

    def contains(self, repository: str, *, branch: str, commit: str) -> bool:
        """Whether `commit` is `branch`'s head or one of its ancestors."""

    def check_out(self, repository: str, commit: str, path: Path, *, merging: str | None = None) -> tuple[str, ...]:
        """Make `path` a fresh throwaway clone standing at `commit`; what was at `path` is removed.

        With `merging`, that commit is merged into the files, conflict markers left in place; the paths in conflict.
        """

    def snapshot(self, repository: str, path: Path) -> str:
        """The tree of the files at `path` (what `.gitignore` leaves out stays out); nothing points at it.

        A repository nested there is plain files: its `.git` is not recorded, and may be removed.
        """

    def restore(self, repository: str, tree: str, path: Path) -> None:
        """Make the tracked files at `path` those of `tree`, and remove others that `.gitignore` does not cover."""

    def commit(
        self, repository: str, tree: str, *, parents: tuple[str, ...], message: str, by: Identity, at: int
    ) -> str:
        """A commit of `tree`; nothing points at it yet."""

    def keep(self, repository: str, name: str, tree: str) -> None:
        """Point the hidden ref `refs/orket/<name>` at an object, so that it is never collected."""

    def merge(
        self, repository: str, *, base: str, head: str, message: str, by: Identity, at: int
    ) -> Candidate | Conflict:
        """The merge of `head` into `base`, without touching any branch."""

    def diff(self, repository: str, base: str, head: str, *, limit: int = 100_000) -> str:
        """What `head` changes since it left `base`, as a unified diff; cut to `limit` characters, and it says so."""

    def changed_paths(self, repository: str, before: str, after: str) -> tuple[str, ...]:
        """The paths in which two trees differ, sorted; names that are no UTF-8 come with surrogates."""

    def patch_id(self, repository: str, base: str, head: str) -> str:
        """A name of what `head` changes since it left `base`, the same for the same patch on another base."""
