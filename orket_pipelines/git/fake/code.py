"""The port `Code` in memory."""

import difflib
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from orket_pipelines.errors import GitError
from orket_pipelines.git import folders
from orket_pipelines.git.fake import files, lines
from orket_pipelines.git.fake.objects import Commit, Objects, Tree, changed, from_json, to_json
from orket_pipelines.git.names import check_object, check_reference, check_repository
from orket_pipelines.git.patch import name_patch
from orket_pipelines.git.port import MAIN, Candidate, Conflict, Identity
from orket_pipelines.git.repository import FIRST_GITIGNORE, FOUNDER
from orket_pipelines.store.journal import Entry, Journal

_Entry = tuple[str, str] | None
_NO_END = b"\\ No newline at end of file\n"


class MemoryCode:
    """Repositories in memory, checkouts in real folders (without a `.git`); see `git.port.Code`.

    With a `path` everything is kept in that file and survives the process. `journal` holds the calls that changed
    something: a call that is repeated and finds its work done is not in it twice. Safe to share between threads; one
    process at a time.

    Without `files` a checkout begins as an empty folder that stands for its commit: for benches, where nobody reads it.
    What is written there counts, what is deleted does not.
    """

    def __init__(self, path: Path | None = None, *, files: bool = True) -> None:
        self._files = files
        self._lock = threading.RLock()
        self._objects = Objects()
        self._references: dict[tuple[str, str], str] = {}
        self._standing: dict[str, str] = {}
        self._journal = Journal(path)
        for entry in self._journal.replay():
            for kept in entry["objects"]:
                self._objects.add(from_json(kept))
            self._apply(entry)
        self._objects.take_new()

    @property
    def journal(self) -> list[Entry]:
        """What changed, oldest first: `{"call": "move_branch", "repository": …, "branch": …, "to": …}` and so on."""
        with self._lock:
            return list(self._journal.entries)

    def ensure(self, repository: str, *, title: str, at: int) -> str:
        check_repository(repository)
        with self._lock:
            if (repository, MAIN) not in self._references:
                first = {"README.md": f"# {' '.join(title.split())}\n", ".gitignore": FIRST_GITIGNORE}
                blobs = {path: self._objects.add(text.encode(errors="replace"))[0] for path, text in first.items()}
                tree, _ = self._objects.add({path: (files.REGULAR, blob) for path, blob in blobs.items()})
                commit, _ = self._objects.add(Commit(tree, (), f"Start {title}", FOUNDER, at // 1_000_000))
                self._record("ensure", repository=repository, branch=MAIN, to=commit)
            return self._references[repository, MAIN]

    def head(self, repository: str, branch: str) -> str | None:
        with self._lock:
            self._check(repository)
            return self._references.get((repository, check_reference(branch)))

    def move_branch(self, repository: str, branch: str, *, to: str, expected: str | None) -> bool:
        with self._lock:
            self._objects.commit(check_object(to))
            now = self.head(repository, branch)
            if now == to or now != expected:
                return now == to
            self._record("move_branch", repository=repository, branch=branch, to=to)
            return True

    def contains(self, repository: str, *, branch: str, commit: str) -> bool:
        with self._lock:
            head = self.head(repository, branch)
            if head is None or head == check_object(commit):
                return head == commit
            self._objects.commit(commit)
            return self._objects.came_from(head, commit)

    def check_out(self, repository: str, commit: str, path: Path, *, merging: str | None = None) -> tuple[str, ...]:
        with self._lock:
            self._check(repository)
            conflicts: tuple[str, ...] = ()
            tree = self._objects.tree(self._objects.commit(commit).tree)
            if merging is not None:
                tree, conflicts = self._merge_trees(commit, merging)
            self._write_checkout(path, tree)
            self._stand(path, tree, "check_out", repository=repository, commit=commit, merging=merging)
            return conflicts

    def snapshot(self, repository: str, path: Path) -> str:
        with self._lock:
            self._check(repository)
            before = self._standing_at(path)
            tree: Tree = {} if self._files else dict(before)
            for name in sorted(files.list_files(path, before if self._files else {})):
                mode, content = files.read_file(path, name)
                tree[name] = (mode, self._objects.add(content)[0])
            if tree != before:
                self._stand(path, tree, "snapshot", repository=repository)
            return self._objects.add(tree)[0]

    def restore(self, repository: str, tree: str, path: Path) -> None:
        with self._lock:
            self._check(repository)
            before, wanted = self._standing_at(path), self._objects.tree(check_object(tree))
            if self._files:
                files.remove_files(path, before.keys() - wanted.keys())
                files.write_tree(path, wanted, self._objects.blob)
                files.remove_files(path, set(files.list_files(path, {})) - wanted.keys())
            else:
                self._write_checkout(path, wanted)
            self._stand(path, wanted, "restore", repository=repository)

    def commit(
        self, repository: str, tree: str, *, parents: tuple[str, ...], message: str, by: Identity, at: int
    ) -> str:
        with self._lock:
            self._check(repository)
            self._objects.tree(check_object(tree))
            for parent in parents:
                self._objects.commit(parent)
            name, new = self._objects.add(Commit(tree, parents, message, by, at // 1_000_000))
            if new:
                self._record("commit", repository=repository, commit=name, parents=list(parents))
            return name

    def keep(self, repository: str, name: str, tree: str) -> None:
        with self._lock:
            self._check(repository)
            self._objects.tree(check_object(tree))
            branch = f"refs/orket/{check_reference(name)}"
            if self._references.get((repository, branch)) != tree:
                self._record("keep", repository=repository, branch=branch, to=tree)

    def merge(
        self, repository: str, *, base: str, head: str, message: str, by: Identity, at: int
    ) -> Candidate | Conflict:
        with self._lock:
            self._check(repository)
            merged, conflicts = self._merge_trees(base, head)
            if conflicts:
                return Conflict(conflicts)
            tree, _ = self._objects.add(merged)
            return Candidate(self.commit(repository, tree, parents=(base, head), message=message, by=by, at=at))

    def diff(self, repository: str, base: str, head: str, *, limit: int = 100_000) -> str:
        text = b"".join(self._difference(repository, base, head)).decode(errors="replace")
        if len(text) <= limit:
            return text
        return f"{text[:limit]}\n[The diff is longer than {limit} characters; the rest is left out.]\n"

    def changed_paths(self, repository: str, before: str, after: str) -> tuple[str, ...]:
        with self._lock:
            self._check(repository)
            return tuple(sorted(changed(self._objects.tree(before), self._objects.tree(after))))

    def patch_id(self, repository: str, base: str, head: str) -> str:
        return name_patch(self._difference(repository, base, head))

    def _write_checkout(self, path: Path, tree: Tree) -> None:
        if not self._files:
            if path.exists():
                folders.remove(path)
            path.mkdir(parents=True)
            return
        fresh = folders.make_fresh(path)
        files.write_new_tree(fresh, tree, self._objects.blob)
        folders.replace(path, fresh)

    def _difference(self, repository: str, base: str, head: str) -> list[bytes]:
        with self._lock:
            self._check(repository)
            before = self._objects.tree(self._objects.merge_base(base, head))
            after = self._objects.tree(head)
            return [line for path in changed(before, after) for line in self._file_difference(path, before, after)]

    def _file_difference(self, path: str, before: Tree, after: Tree) -> Iterator[bytes]:
        name = os.fsencode(path)
        old, new = before.get(path), after.get(path)
        yield b"diff --git a/%s b/%s\n" % (name, name)
        yield from _modes(old and old[0], new and new[0])
        first, second = (self._objects.blob(side[1]) if side else b"" for side in (old, new))
        if b"\0" in first + second:
            yield f"Binary files differ: {old and old[1]} and {new and new[1]}\n".encode()
            return
        sides = (b"a/" + name if old else b"/dev/null", b"b/" + name if new else b"/dev/null")
        for line in difflib.diff_bytes(difflib.unified_diff, lines.split(first), lines.split(second), *sides):
            yield line if line.endswith(b"\n") else line + b"\n" + _NO_END

    def _merge_trees(self, base: str, head: str) -> tuple[Tree, tuple[str, ...]]:
        """The merged tree, conflict markers in its files, and the paths in conflict."""
        origin = self._objects.tree(self._objects.merge_base(base, head))
        ours, theirs = self._objects.tree(base), self._objects.tree(head)
        merged, conflicts = dict(ours), []
        for path in changed(ours, theirs):
            sides = origin.get(path), ours.get(path), theirs.get(path)
            entry, clean = self._merge_entry(*sides, labels=(base, head))
            conflicts += [] if clean else [path]
            merged.pop(path, None)
            merged |= {path: entry} if entry else {}
        for path in [path for path in merged if any(str(parent) in merged for parent in Path(path).parents)]:
            # A file on one side and a folder on the other.
            conflicts.append(path)
            del merged[path]
        return merged, tuple(sorted(set(conflicts)))

    def _merge_entry(
        self, origin: _Entry, ours: _Entry, theirs: _Entry, *, labels: tuple[str, str]
    ) -> tuple[_Entry, bool]:
        """One path's entry after the merge, and whether it is free of conflict."""
        if ours == origin:
            return theirs, True
        if theirs in (origin, ours):
            return ours, True
        if ours is None or theirs is None:
            return ours or theirs, False
        texts = [self._objects.blob(side[1]) if side else b"" for side in (origin, ours, theirs)]
        if any(b"\0" in text for text in texts) or files.LINK in (ours[0], theirs[0]):
            return ours, False
        text, conflict = lines.merge(texts[0], texts[1], texts[2], labels)
        mode = theirs[0] if origin and ours[0] == origin[0] else ours[0]
        return (mode, self._objects.add(text)[0]), not conflict

    def _check(self, repository: str) -> None:
        if (check_repository(repository), MAIN) not in self._references:
            raise GitError(f"there is no repository {repository}")

    def _standing_at(self, path: Path) -> Tree:
        """What was last known to stand at `path`. Raises: GitError where no folder is."""
        if path.is_symlink() or not path.is_dir():
            raise GitError(f"there is no checkout at {path}")
        name = self._standing.get(str(path.absolute()))
        return self._objects.tree(name) if name else {}

    def _stand(self, path: Path, tree: Tree, call: str, **facts: Any) -> None:
        name, _ = self._objects.add(tree)
        self._record(call, **facts, path=str(path.absolute()), tree=name)

    def _record(self, call: str, **facts: Any) -> None:
        self._journal.add(call, (to_json(stored) for stored in self._objects.take_new()), **facts)
        self._apply({"call": call, **facts})

    def _apply(self, entry: Entry) -> None:
        if "branch" in entry:
            self._references[entry["repository"], entry["branch"]] = entry["to"]
        if "path" in entry:
            self._standing[entry["path"]] = entry["tree"]


def _modes(old: str | None, new: str | None) -> Iterator[bytes]:
    if old is None:
        yield f"new file mode {new}\n".encode()
    elif new is None:
        yield f"deleted file mode {old}\n".encode()
    elif old != new:
        yield f"old mode {old}\nnew mode {new}\n".encode()
