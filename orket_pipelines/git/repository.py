"""Git itself behind the port `Code`: the factory's bare repositories under one root."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from orket_pipelines.errors import GitError
from orket_pipelines.git import folders
from orket_pipelines.git.names import check_object, check_reference, check_repository
from orket_pipelines.git.patch import name_patch
from orket_pipelines.git.port import MAIN, Candidate, Conflict, Identity
from orket_pipelines.git.process import Git
from orket_pipelines.store import failpoint, reach

BUILT = failpoint("git.repository_built")
FOUNDED = failpoint("git.repository_founded")
CLONED = failpoint("git.cloned")
FILLED = failpoint("git.checkout_filled")
ADDED = failpoint("git.files_added")
RESTORED = failpoint("git.files_restored")
POINTED = failpoint("git.reference_pointed")

TIMEOUT = 120.0
"""Seconds for one git command."""

FOUNDER = Identity("Orket", "orket@orket.invalid")
CHECKOUT_BRANCH = "work"
"""The branch that an agent sees in its clone; nobody reads it back."""

FIRST_GITIGNORE = """\
__pycache__/
*.py[cod]
.pytest_cache/
.coverage
.venv/
node_modules/
"""

# Stronger than every .gitattributes in a tree: files are stored as the bytes they are, and nothing hides from a diff.
_ATTRIBUTES = "* -text -ident !eol !filter !working-tree-encoding !merge !diff !whitespace !conflict-marker-size\n"
_AGENT = "[user]\n\tname = agent\n\temail = agent@orket.invalid\n[gc]\n\tauto = 0\n"
_ABSENT = "0" * 40
_EMPTY_TREE = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
_OWN = "orket"


@dataclass(frozen=True, slots=True)
class _Index:
    """What the factory last knew of the files of one checkout; it lies outside the checkout, and its lock is held."""

    path: Path
    lock: int

    @property
    def environment(self) -> dict[str, str]:
        return {"GIT_INDEX_FILE": str(self.path)}


class GitCode:
    """Repositories at `root/<name>.git`. Usable from many threads and processes at once; see `git.port.Code`.

    A call that dies half-way is repeated with the same arguments: locks are held by file descriptors, which die with
    their last holder, so that what is left behind a lock is known to be stale.
    """

    def __init__(self, root: Path, *, timeout: float = TIMEOUT) -> None:
        self._root = root.absolute()
        self._timeout = timeout

    def ensure(self, repository: str, *, title: str, at: int) -> str:
        directory = self._directory(repository)
        if not directory.is_dir():
            self._found(directory, " ".join(title.split()), at)
        head = self.head(repository, MAIN)
        if head is None:
            raise GitError(
                f"{directory} has no branch {MAIN}", next_step=f"Give it one: git -C {directory} branch {MAIN} COMMIT"
            )
        return head

    def head(self, repository: str, branch: str) -> str | None:
        git = self._git(repository)
        reference = f"refs/heads/{check_reference(branch)}"
        try:
            return check_object((git.directory / reference).read_text().strip())
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return _packed(git.directory, reference)

    def move_branch(self, repository: str, branch: str, *, to: str, expected: str | None) -> bool:
        git = self._git(repository)
        check_object(to)
        with folders.held(git.directory / _OWN / "references.lock", patience=self._timeout) as lock:
            now = self.head(repository, branch)
            if now == to or now != expected:
                return now == to
            _point(git, f"refs/heads/{branch}", to, expected or _ABSENT, lock)
        return True

    def contains(self, repository: str, *, branch: str, commit: str) -> bool:
        git = self._git(repository)
        head = self.head(repository, branch)
        if head is None or head == check_object(commit):
            return head == commit
        return git.run("merge-base", "--is-ancestor", commit, head, expected=(0, 1)).code == 0

    def check_out(self, repository: str, commit: str, path: Path, *, merging: str | None = None) -> tuple[str, ...]:
        git = self._git(repository)
        tips = [check_object(tip) for tip in (commit, merging) if tip is not None]
        with self._index(git, path) as index:
            tree, conflicts = _merge_trees(git, commit, merging) if merging else (commit, ())
            fresh = folders.make_fresh(path)
            index.path.unlink(missing_ok=True)
            _clone(git, tips, fresh)
            reach(CLONED)
            _fill(git, tree, fresh, index)
            reach(FILLED)
            folders.replace(path, fresh)
        return conflicts

    def snapshot(self, repository: str, path: Path) -> str:
        git = self._git(repository)
        with self._index(git, path) as index:
            _over_files(git, index, path, "add", "--all")
            reach(ADDED)
            return git.run("write-tree", environment=index.environment, lock=index.lock).line

    def restore(self, repository: str, tree: str, path: Path) -> None:
        git = self._git(repository)
        check_object(tree)
        with self._index(git, path) as index:
            _over_files(git, index, path, *_restoring(tree))
            reach(RESTORED)
            _over_files(git, index, path, "clean", "-ffdq")

    def commit(
        self, repository: str, tree: str, *, parents: tuple[str, ...], message: str, by: Identity, at: int
    ) -> str:
        ancestry = [part for parent in parents for part in ("-p", check_object(parent))]
        text = message.replace("\0", "").encode(errors="replace")
        command = ("commit-tree", check_object(tree), *ancestry, "-F", "-")
        return self._git(repository).run(*command, environment=_signature(by, at), stdin=text).line

    def keep(self, repository: str, name: str, tree: str) -> None:
        git = self._git(repository)
        reference = f"refs/orket/{check_reference(name)}"
        check_object(tree)
        with folders.held(git.directory / _OWN / "references.lock", patience=self._timeout) as lock:
            _point(git, reference, tree, None, lock)

    def merge(
        self, repository: str, *, base: str, head: str, message: str, by: Identity, at: int
    ) -> Candidate | Conflict:
        git = self._git(repository)
        tree, conflicts = _merge_trees(git, check_object(base), check_object(head))
        if conflicts:
            return Conflict(conflicts)
        return Candidate(self.commit(repository, tree, parents=(base, head), message=message, by=by, at=at))

    def diff(self, repository: str, base: str, head: str, *, limit: int = 100_000) -> str:
        with self._difference(repository, base, head, "--find-renames") as path, path.open("rb") as found:
            text = found.read(4 * limit + 4).decode(errors="replace")
        if len(text) <= limit:
            return text
        return f"{text[:limit]}\n[The diff is longer than {limit} characters; the rest is left out.]\n"

    def changed_paths(self, repository: str, before: str, after: str) -> tuple[str, ...]:
        command = ("diff-tree", "-r", "-z", "--no-renames", "--name-only", check_object(before), check_object(after))
        found = self._git(repository).run(*command).output
        return tuple(sorted(os.fsdecode(name) for name in found.split(b"\0") if name))

    def patch_id(self, repository: str, base: str, head: str) -> str:
        with self._difference(repository, base, head, "--no-renames", "--binary") as path, path.open("rb") as found:
            return name_patch(found)

    def _directory(self, repository: str) -> Path:
        return self._root / f"{check_repository(repository)}.git"

    def _git(self, repository: str) -> Git:
        directory = self._directory(repository)
        if not directory.is_dir():
            raise GitError(
                f"there is no repository at {directory} any more",
                next_step="Put it back, from a backup if need be, then run the same command again.",
            )
        return Git(directory, self._timeout)

    def _found(self, directory: Path, title: str, at: int) -> None:
        """Make a repository aside and move it into place whole, unless somebody else does so first."""
        holding = folders.held(self._root / ".lock", patience=self._timeout)
        with folders.explained(f"the repository {directory}"):
            self._root.mkdir(parents=True, exist_ok=True)
            with holding as lock:
                if directory.is_dir():
                    return
                fresh = folders.make_fresh(directory)
                folders.make_repository(fresh, branch=MAIN, bare=True)
                (fresh / "info/attributes").write_text(_ATTRIBUTES)
                (fresh / _OWN).mkdir()
                options = ("fastimport.unpackLimit=1",)
                Git(fresh, self._timeout).run(
                    "fast-import", "--quiet", options=options, stdin=_first_commit(title, at), lock=lock
                )
                if not (fresh / "refs/heads" / MAIN).is_file():
                    raise GitError(f"git made no first commit in {fresh}", next_step="Look at git: orket doctor")
                reach(BUILT)
                fresh.rename(directory)
                reach(FOUNDED)

    @contextmanager
    def _index(self, git: Git, path: Path) -> Iterator[_Index]:
        key = hashlib.sha256(os.fsencode(path.absolute())).hexdigest()[:32]
        index = git.directory / _OWN / f"{key}.index"
        holding = folders.held(index.with_suffix(".lock"), patience=self._timeout)
        with folders.explained(f"the checkout {path}"), holding as lock:
            index.with_name(f"{index.name}.lock").unlink(missing_ok=True)
            yield _Index(index, lock)

    @contextmanager
    def _difference(self, repository: str, base: str, head: str, *options: str) -> Iterator[Path]:
        """A file with the diff from where `head` left `base`: it may be larger than memory."""
        git = self._git(repository)
        span = f"{check_object(base)}...{check_object(head)}"
        plain = ("--no-color", "--no-ext-diff", "--no-textconv", "--full-index", "--submodule=short")
        with tempfile.NamedTemporaryFile(prefix="orket-diff-") as output:
            git.run("diff", *plain, *options, span, "--", output=output.file)
            yield Path(output.name)


def _packed(directory: Path, reference: str) -> str | None:
    """What a `git gc` that a person ran has moved out of `refs/`."""
    try:
        lines = (directory / "packed-refs").read_text().splitlines()
    except FileNotFoundError:
        return None
    return next((line[: -len(reference) - 1] for line in lines if line.endswith(f" {reference}")), None)


def _point(git: Git, reference: str, to: str, expected: str | None, lock: int) -> None:
    """Point `reference` at `to`; the caller holds the lock of the references.

    Git has waited for its own lock file before it gives up: as ours is held, that file is the rest of a git that died.
    """
    command = ["update-ref", reference, to, *([expected] if expected is not None else [])]
    try:
        git.run(*command, lock=lock)
    except GitError:
        stale = [git.directory / f"{name}.lock" for name in (reference, "HEAD", "packed-refs")]
        if not any(path.exists() for path in stale):
            raise
        for path in stale:
            path.unlink(missing_ok=True)
        git.run(*command, lock=lock)
    reach(POINTED)


def _signature(by: Identity, at: int) -> dict[str, str]:
    values = (("NAME", by.name), ("EMAIL", by.email), ("DATE", f"@{at // 1_000_000} +0000"))
    return {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in values}


def _merge_trees(git: Git, base: str, head: str) -> tuple[str, tuple[str, ...]]:
    """The merged tree, conflict markers in its files, and the paths in conflict."""
    options = ("--write-tree", "-z", "--name-only", "--no-messages")
    answer = git.run("merge-tree", *options, base, head, expected=(0, 1))
    tree, *paths = answer.output.rstrip(b"\0").split(b"\0")
    return tree.decode(), tuple(sorted({os.fsdecode(path) for path in paths}))


def _clone(git: Git, tips: list[str], path: Path) -> None:
    """A repository at `path`/.git with a copy of all history behind `tips`: no link leads back to the factory's."""
    directory = path / ".git"
    folders.make_repository(directory, branch=CHECKOUT_BRANCH, bare=False)
    pack = directory / "objects/pack/pack"
    wanted = "".join(f"{tip}\n" for tip in tips).encode()
    flags = ("--quiet", "--revs", "--delta-base-offset", "--window=0", "--threads=1")
    git.run("pack-objects", *flags, str(pack), options=("core.fsync=none",), stdin=wanted)
    with (directory / "config").open("a") as config:
        config.write(_AGENT)
    (directory / f"refs/heads/{CHECKOUT_BRANCH}").write_text(f"{tips[0]}\n")
    for merging in tips[1:]:
        (directory / "MERGE_HEAD").write_text(f"{merging}\n")
        (directory / "MERGE_MSG").write_text(f"Merge {merging}\n")


def _fill(git: Git, tree: str, path: Path, index: _Index) -> None:
    """The files of `tree`, and the agent's own copy of the index that knows them."""
    git.run("read-tree", "--reset", "-u", tree, work_tree=path, environment=index.environment, lock=index.lock)
    shutil.copy2(index.path, path / ".git/index")


def _restoring(tree: str) -> tuple[str, ...]:
    """`git restore` overwrites whatever is in its way, but finds nothing to restore from an empty tree."""
    if tree == _EMPTY_TREE:
        return "read-tree", "--reset", "-u", tree
    return "restore", f"--source={tree}", "--staged", "--worktree", "--", ":/"


def _over_files(git: Git, index: _Index, path: Path, *command: str) -> None:
    """Run git over the files of a checkout; where that fails, make them ours to read and write, and try once more."""
    folders.clear(path)
    place = {"work_tree": path.absolute(), "environment": index.environment, "lock": index.lock}
    try:
        git.run(*command, **place)  # type: ignore[arg-type]
    except GitError:
        folders.clear(path, repair=True)
        git.run(*command, **place)  # type: ignore[arg-type]


def _first_commit(title: str, at: int) -> bytes:
    """For `git fast-import`."""
    who = f"{FOUNDER.name} <{FOUNDER.email}> {at // 1_000_000} +0000"
    files = {"README.md": f"# {title}\n", ".gitignore": FIRST_GITIGNORE}
    parts = [f"commit refs/heads/{MAIN}\nauthor {who}\ncommitter {who}\n", _data(f"Start {title}\n")]
    parts += [f"M 100644 inline {name}\n{_data(text)}" for name, text in files.items()]
    return "".join(parts).encode(errors="replace")


def _data(text: str) -> str:
    return f"data {len(text.encode(errors='replace'))}\n{text}\n"
