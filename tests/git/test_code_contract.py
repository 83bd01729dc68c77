"""What every `Code` means, whoever answers."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from orket_pipelines.errors import GitError
from orket_pipelines.git import Candidate, Code, Conflict, GitCode, Identity, MemoryCode

pytestmark = pytest.mark.slow

AT = 1_700_000_000_000_000
CODER = Identity("coder", "coder@orket.invalid")
TEN_LINES = "".join(f"line {number}\n" for number in range(10))

CODES: dict[str, Callable[[Path], Code]] = {
    "git": lambda root: GitCode(root / "repositories"),
    "memory": lambda root: MemoryCode(),
    "kept": lambda root: MemoryCode(root / "code.jsonl"),
}


@pytest.fixture(params=CODES)
def code(request: pytest.FixtureRequest, tmp_path: Path) -> Code:
    return CODES[request.param](tmp_path)


@pytest.fixture
def start(code: Code) -> str:
    return code.ensure("todo", title="To do", at=AT)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return tmp_path / "checkouts" / "issue-1"


def commit_files(code: Code, checkout: Path, parent: str, files: dict[str, str | None], *, at: int = AT) -> str:
    """A commit on `parent` in which `files` have these contents (None: are gone)."""
    code.check_out("todo", parent, checkout)
    for name, text in files.items():
        if text is None:
            (checkout / name).unlink()
        else:
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            (checkout / name).write_text(text)
    return commit_checkout(code, checkout, parent, at=at)


def commit_checkout(code: Code, checkout: Path, *parents: str, at: int = AT) -> str:
    tree = code.snapshot("todo", checkout)
    return code.commit("todo", tree, parents=parents, message="Work", by=CODER, at=at)


def merge(code: Code, base: str, head: str) -> Candidate | Conflict:
    return code.merge("todo", base=base, head=head, message="Merge", by=CODER, at=AT)


def listing(checkout: Path) -> dict[str, str]:
    """The files of a checkout, without those of git."""
    found = (path for path in checkout.rglob("*") if path.is_file() and ".git" not in path.relative_to(checkout).parts)
    return {str(path.relative_to(checkout)): path.read_text() for path in found}


class TestRepositories:
    def test_a_new_repository_has_a_first_commit_on_main(self, code: Code, start: str) -> None:
        assert code.head("todo", "main") == start

    def test_a_repository_is_made_once(self, code: Code, start: str) -> None:
        assert code.ensure("todo", title="Another title", at=AT + 5_000_000) == start

    def test_the_first_commit_depends_on_nothing_but_title_and_time(self, code: Code, start: str) -> None:
        assert code.ensure("other", title="To do", at=AT) == start

    def test_asking_an_unknown_repository_is_an_error(self, code: Code) -> None:
        with pytest.raises(GitError, match="no repository"):
            code.head("todo", "main")

    @pytest.mark.parametrize("name", ["", "..", "../todo", "a/b", "-x", ".hidden", "todo.git", "a\nb", "x" * 101])
    def test_a_repository_name_is_one_plain_word(self, code: Code, name: str) -> None:
        with pytest.raises(GitError, match="cannot name a repository"):
            code.ensure(name, title="To do", at=AT)


class TestBranches:
    def test_an_unknown_branch_has_no_head(self, code: Code, start: str) -> None:
        assert code.head("todo", "issue-1") is None

    def test_a_branch_is_made_where_none_was_expected(self, code: Code, start: str) -> None:
        assert code.move_branch("todo", "orket/issue-1", to=start, expected=None)
        assert code.head("todo", "orket/issue-1") == start

    def test_a_branch_that_moved_meanwhile_stays_where_it_is(self, code: Code, start: str, checkout: Path) -> None:
        first = commit_files(code, checkout, start, {"a": "1"})
        second = commit_files(code, checkout, start, {"a": "2"})
        assert code.move_branch("todo", "main", to=first, expected=start)
        assert not code.move_branch("todo", "main", to=second, expected=start)
        assert code.head("todo", "main") == first

    def test_a_branch_that_exists_is_not_made_again(self, code: Code, start: str, checkout: Path) -> None:
        first = commit_files(code, checkout, start, {"a": "1"})
        assert not code.move_branch("todo", "main", to=first, expected=None)

    def test_a_move_that_was_made_already_is_a_success(self, code: Code, start: str, checkout: Path) -> None:
        first = commit_files(code, checkout, start, {"a": "1"})
        assert code.move_branch("todo", "main", to=first, expected=start)
        assert code.move_branch("todo", "main", to=first, expected=start)

    def test_a_branch_that_is_gone_is_not_moved(self, code: Code, start: str, checkout: Path) -> None:
        first = commit_files(code, checkout, start, {"a": "1"})
        assert not code.move_branch("todo", "issue-1", to=first, expected=start)
        assert code.head("todo", "issue-1") is None

    @pytest.mark.parametrize("name", ["", "-x", "a..b", "/a", "a/", "a//b", "../../x", ".x", "a.lock", "a b", "a\n"])
    def test_a_branch_name_is_plain(self, code: Code, start: str, name: str) -> None:
        with pytest.raises(GitError, match="cannot name a branch"):
            code.move_branch("todo", name, to=start, expected=None)

    @pytest.mark.parametrize("to", ["--exec=x", "main", "0" * 39, "0" * 40])
    def test_a_branch_points_at_nothing_but_a_commit(self, code: Code, start: str, to: str) -> None:
        with pytest.raises(GitError):
            code.move_branch("todo", "issue-1", to=to, expected=None)

    def test_a_branch_contains_its_head_and_what_that_came_from(self, code: Code, start: str, checkout: Path) -> None:
        first = commit_files(code, checkout, start, {"a": "1"})
        code.move_branch("todo", "issue-1", to=first, expected=None)
        assert code.contains("todo", branch="issue-1", commit=first)
        assert code.contains("todo", branch="issue-1", commit=start)
        assert not code.contains("todo", branch="main", commit=first)
        assert not code.contains("todo", branch="nowhere", commit=start)


class TestCheckouts:
    def test_a_checkout_has_the_files_of_its_commit(self, code: Code, start: str, checkout: Path) -> None:
        assert code.check_out("todo", start, checkout) == ()
        assert listing(checkout).keys() == {"README.md", ".gitignore"}
        assert (checkout / "README.md").read_text() == "# To do\n"

    def test_a_fresh_checkout_removes_what_was_there(self, code: Code, start: str, checkout: Path) -> None:
        (checkout / "deep").mkdir(parents=True)
        (checkout / "deep" / "old").write_text("old")
        code.check_out("todo", start, checkout)
        assert listing(checkout).keys() == {"README.md", ".gitignore"}

    def test_only_the_checkout_is_left_beside_it(self, code: Code, start: str, checkout: Path) -> None:
        code.check_out("todo", start, checkout)
        code.check_out("todo", start, checkout)
        assert list(checkout.parent.iterdir()) == [checkout]

    def test_an_unknown_commit_cannot_be_checked_out(self, code: Code, start: str, checkout: Path) -> None:
        with pytest.raises(GitError):
            code.check_out("todo", "1" * 40, checkout)

    def test_modes_links_and_odd_names_come_back(self, code: Code, start: str, checkout: Path) -> None:
        code.check_out("todo", start, checkout)
        (checkout / "run.sh").write_text("#!/bin/sh\n")
        (checkout / "run.sh").chmod(0o755)
        (checkout / "link").symlink_to("README.md")
        (checkout / 'a "b"\té').write_bytes(b"\0\r\n\xff")
        head = commit_checkout(code, checkout, start)
        code.check_out("todo", head, checkout)
        assert os.access(checkout / "run.sh", os.X_OK)
        assert (checkout / "README.md").stat().st_mode & 0o111 == 0
        assert (checkout / "link").readlink() == Path("README.md")
        assert (checkout / 'a "b"\té').read_bytes() == b"\0\r\n\xff"


class TestSnapshots:
    def test_the_same_files_are_the_same_tree(self, code: Code, start: str, checkout: Path) -> None:
        code.check_out("todo", start, checkout)
        first = code.snapshot("todo", checkout)
        (checkout / "a").write_text("1")
        second = code.snapshot("todo", checkout)
        (checkout / "a").unlink()
        assert code.snapshot("todo", checkout) == first != second

    def test_a_change_of_the_same_size_is_seen(self, code: Code, start: str, checkout: Path) -> None:
        code.check_out("todo", start, checkout)
        trees = set()
        for text in ("1", "2", "3"):
            (checkout / "a").write_text(text)
            trees.add(code.snapshot("todo", checkout))
        assert len(trees) == 3

    def test_what_gitignore_leaves_out_stays_out(self, code: Code, start: str, checkout: Path) -> None:
        code.check_out("todo", start, checkout)
        (checkout / ".gitignore").write_text("# caches\n*.pyc\n/only-here\nfolder/\n!kept.pyc\ndocs/**/draft?.md\n")
        before = code.snapshot("todo", checkout)
        for name in ("a.pyc", "sub/b.pyc", "only-here", "folder/x", "sub/folder/y", "docs/a/b/draft1.md"):
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            (checkout / name).write_text("ignored")
        assert code.snapshot("todo", checkout) == before
        for name in ("kept.pyc", "sub/only-here", "sub/a.md"):
            (checkout / name).write_text("kept")
        head = commit_checkout(code, checkout, start)
        code.check_out("todo", head, checkout)
        kept = {"README.md", ".gitignore", "kept.pyc", "sub/only-here", "sub/a.md"}
        assert listing(checkout).keys() == kept

    def test_a_gitignore_further_down_counts_there(self, code: Code, start: str, checkout: Path) -> None:
        code.check_out("todo", start, checkout)
        for name, text in {"a/.gitignore": "x\n", "a/x": "", "a/b/x": "", "x": ""}.items():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            (checkout / name).write_text(text)
        code.check_out("todo", commit_checkout(code, checkout, start), checkout)
        assert listing(checkout).keys() == {"README.md", ".gitignore", "a/.gitignore", "x"}

    def test_a_file_that_is_ignored_later_stays_tracked(self, code: Code, start: str, checkout: Path) -> None:
        code.check_out("todo", commit_files(code, checkout, start, {"a.log": "1"}), checkout)
        (checkout / ".gitignore").write_text("*.log\n")
        tree = code.snapshot("todo", checkout)
        (checkout / "a.log").write_text("2")
        assert code.snapshot("todo", checkout) != tree

    def test_there_is_no_snapshot_of_nothing(self, code: Code, start: str, checkout: Path) -> None:
        with pytest.raises(GitError, match="no checkout"):
            code.snapshot("todo", checkout)

    def test_a_tree_can_be_kept_under_a_name_more_than_once(self, code: Code, start: str, checkout: Path) -> None:
        code.check_out("todo", start, checkout)
        for text in ("1", "2", "2"):
            (checkout / "a").write_text(text)
            code.keep("todo", "checkpoints/session-1", code.snapshot("todo", checkout))


class TestRestoring:
    def test_a_restored_tree_is_exact(self, code: Code, start: str, checkout: Path) -> None:
        code.check_out("todo", start, checkout)
        (checkout / "sub").mkdir()
        for name in ("a", "sub/b", "c"):
            (checkout / name).write_text(name)
        tree, files = code.snapshot("todo", checkout), listing(checkout)
        (checkout / "a").write_text("A")
        (checkout / "sub" / "b").unlink()
        (checkout / "sub").rmdir()
        (checkout / "c").unlink()
        (checkout / "c").mkdir()
        (checkout / "c" / "d").write_text("in the way")
        (checkout / "new").write_text("new")
        code.snapshot("todo", checkout)
        (checkout / "newer").write_text("newer")
        code.restore("todo", tree, checkout)
        assert listing(checkout) == files
        assert code.snapshot("todo", checkout) == tree

    def test_ignored_files_survive(self, code: Code, start: str, checkout: Path) -> None:
        code.check_out("todo", start, checkout)
        tree = code.snapshot("todo", checkout)
        (checkout / ".venv").mkdir()
        (checkout / ".venv" / "python").write_text("kept")
        code.restore("todo", tree, checkout)
        assert (checkout / ".venv" / "python").read_text() == "kept"

    def test_what_only_the_undone_gitignore_ignored_goes(self, code: Code, start: str, checkout: Path) -> None:
        code.check_out("todo", start, checkout)
        tree = code.snapshot("todo", checkout)
        (checkout / ".gitignore").write_text("*\n")
        (checkout / "hidden").write_text("junk")
        code.restore("todo", tree, checkout)
        assert listing(checkout).keys() == {"README.md", ".gitignore"}

    def test_an_empty_tree_can_be_restored(self, code: Code, start: str, checkout: Path) -> None:
        code.check_out("todo", start, checkout)
        (checkout / "README.md").unlink()
        (checkout / ".gitignore").unlink()
        empty = code.snapshot("todo", checkout)
        code.restore("todo", empty, checkout)
        (checkout / "a").write_text("1")
        code.restore("todo", empty, checkout)
        assert listing(checkout) == {}

    def test_a_link_in_the_way_does_not_lead_out(self, code: Code, start: str, checkout: Path, tmp_path: Path) -> None:
        code.check_out("todo", commit_files(code, checkout, start, {"sub/a": "1", "sub/b": "2"}), checkout)
        tree = code.snapshot("todo", checkout)
        victim = tmp_path / "victim"
        victim.mkdir()
        (victim / "a").write_text("precious")
        (checkout / "sub" / "a").unlink()
        (checkout / "sub" / "b").unlink()
        (checkout / "sub").rmdir()
        (checkout / "sub").symlink_to(victim)
        (checkout / "other").symlink_to(victim)
        code.restore("todo", tree, checkout)
        assert {path.name: path.read_text() for path in victim.iterdir()} == {"a": "precious"}
        assert (checkout / "sub" / "a").read_text() == "1"
        assert not (checkout / "other").is_symlink()


class TestCommits:
    def test_the_same_arguments_make_the_same_commit(self, code: Code, start: str, checkout: Path) -> None:
        first = commit_files(code, checkout, start, {"a": "1"})
        assert commit_files(code, checkout, start, {"a": "1"}) == first
        assert commit_files(code, checkout, start, {"a": "1"}, at=AT + 1_000_000) != first

    def test_a_message_may_hold_anything(self, code: Code, start: str, checkout: Path) -> None:
        code.check_out("todo", start, checkout)
        tree = code.snapshot("todo", checkout)
        for message in ("", "-m x\n# not a comment", "é\ud800\0"):
            code.commit("todo", tree, parents=(start,), message=message, by=CODER, at=AT)

    def test_a_commit_needs_its_tree_and_its_parents(self, code: Code, start: str, checkout: Path) -> None:
        code.check_out("todo", start, checkout)
        with pytest.raises(GitError):
            code.commit("todo", "1" * 40, parents=(), message="", by=CODER, at=AT)
        with pytest.raises(GitError):
            commit_checkout(code, checkout, "1" * 40)


class TestMerging:
    def test_changes_to_different_parts_merge(self, code: Code, start: str, checkout: Path) -> None:
        root = commit_files(code, checkout, start, {"a": TEN_LINES, "gone": "x", "same": "x"})
        ours = commit_files(code, checkout, root, {"a": TEN_LINES.replace("line 1\n", "ours\n"), "same": "y"})
        theirs = commit_files(
            code, checkout, root, {"a": TEN_LINES.replace("line 8\n", "theirs\n"), "gone": None, "b": "b", "same": "y"}
        )
        merged = merge(code, ours, theirs)
        assert isinstance(merged, Candidate)
        code.check_out("todo", merged.commit, checkout)
        assert "ours\n" in (checkout / "a").read_text()
        assert "theirs\n" in (checkout / "a").read_text()
        assert listing(checkout).keys() == {"README.md", ".gitignore", "a", "b", "same"}

    def test_a_merge_moves_no_branch(self, code: Code, start: str, checkout: Path) -> None:
        ours = commit_files(code, checkout, start, {"a": "1"})
        code.move_branch("todo", "main", to=ours, expected=start)
        merge(code, ours, commit_files(code, checkout, start, {"b": "1"}))
        assert code.head("todo", "main") == ours

    def test_a_merge_has_both_sides_behind_it(self, code: Code, start: str, checkout: Path) -> None:
        theirs = commit_files(code, checkout, start, {"b": "1"})
        merged = merge(code, start, theirs)
        assert isinstance(merged, Candidate)
        assert merged.commit != theirs
        code.move_branch("todo", "main", to=merged.commit, expected=start)
        assert code.contains("todo", branch="main", commit=theirs)
        assert code.contains("todo", branch="main", commit=start)

    def test_the_same_merge_is_the_same_commit(self, code: Code, start: str, checkout: Path) -> None:
        theirs = commit_files(code, checkout, start, {"b": "1"})
        assert merge(code, start, theirs) == merge(code, start, theirs)

    def test_a_conflict_names_its_paths(self, code: Code, start: str, checkout: Path) -> None:
        root = commit_files(code, checkout, start, {"z": TEN_LINES, "dropped": TEN_LINES, "clean": "x"})
        ours = commit_files(code, checkout, root, {"z": "ours\n", "dropped": None, "new": "ours\n", "clean": "y"})
        theirs = commit_files(code, checkout, root, {"z": "theirs\n", "dropped": "changed\n", "new": "theirs\n"})
        assert merge(code, ours, theirs) == Conflict(("dropped", "new", "z"))

    def test_neighbouring_lines_are_in_conflict(self, code: Code, start: str, checkout: Path) -> None:
        root = commit_files(code, checkout, start, {"a": TEN_LINES})
        ours = commit_files(code, checkout, root, {"a": TEN_LINES.replace("line 4\n", "ours\n")})
        theirs = commit_files(code, checkout, root, {"a": TEN_LINES.replace("line 5\n", "theirs\n")})
        assert merge(code, ours, theirs) == Conflict(("a",))

    def test_files_that_are_no_text_are_in_conflict_as_a_whole(self, code: Code, start: str, checkout: Path) -> None:
        root = commit_files(code, checkout, start, {"a": "\0" + TEN_LINES})
        ours = commit_files(code, checkout, root, {"a": "\0ours" + TEN_LINES})
        theirs = commit_files(code, checkout, root, {"a": "\0" + TEN_LINES + "theirs"})
        assert merge(code, ours, theirs) == Conflict(("a",))

    def test_a_checkout_while_merging_has_markers_in_its_files(self, code: Code, start: str, checkout: Path) -> None:
        root = commit_files(code, checkout, start, {"a": TEN_LINES})
        ours = commit_files(code, checkout, root, {"a": TEN_LINES.replace("line 4\n", "ours\n")})
        theirs = commit_files(code, checkout, root, {"a": TEN_LINES.replace("line 4\n", "theirs\n"), "b": "b"})
        assert code.check_out("todo", ours, checkout, merging=theirs) == ("a",)
        assert f"<<<<<<< {ours}\nours\n=======\ntheirs\n>>>>>>> {theirs}\n" in (checkout / "a").read_text()
        assert (checkout / "b").read_text() == "b"

    def test_a_conflict_that_was_resolved_merges(self, code: Code, start: str, checkout: Path) -> None:
        ours = commit_files(code, checkout, start, {"a": "ours\n"})
        theirs = commit_files(code, checkout, start, {"a": "theirs\n"})
        code.check_out("todo", theirs, checkout, merging=ours)
        (checkout / "a").write_text("both\n")
        resolved = commit_checkout(code, checkout, theirs, ours)
        merged = merge(code, ours, resolved)
        assert isinstance(merged, Candidate)
        code.check_out("todo", merged.commit, checkout)
        assert (checkout / "a").read_text() == "both\n"

    def test_a_checkout_while_merging_without_conflict_is_the_merge(
        self, code: Code, start: str, checkout: Path
    ) -> None:
        ours = commit_files(code, checkout, start, {"a": "1"})
        theirs = commit_files(code, checkout, start, {"b": "2"})
        assert code.check_out("todo", ours, checkout, merging=theirs) == ()
        assert listing(checkout).keys() == {"README.md", ".gitignore", "a", "b"}


class TestDiffs:
    def test_a_diff_shows_what_head_changed_and_nothing_else(self, code: Code, start: str, checkout: Path) -> None:
        root = commit_files(code, checkout, start, {"a": TEN_LINES, "gone": "x\n"})
        base = commit_files(code, checkout, root, {"elsewhere": "main went on\n"})
        head = commit_files(code, checkout, root, {"a": TEN_LINES.replace("line 4\n", "four\n"), "gone": None})
        found = code.diff("todo", base, head)
        assert "diff --git a/a b/a\n" in found
        assert "\n-line 4\n+four\n line 5\n" in found
        assert "--- a/gone\n+++ /dev/null\n" in found
        assert "elsewhere" not in found

    def test_two_trees_differ_in_what_was_added_changed_and_removed(
        self, code: Code, start: str, checkout: Path
    ) -> None:
        before = commit_files(code, checkout, start, {"a": "1", "gone": "x", "same": "x"})
        after = commit_files(code, checkout, before, {"a": "2", "gone": None, "b/c é": "y"})
        assert code.changed_paths("todo", before, after) == ("a", "b/c é", "gone")
        assert code.changed_paths("todo", after, after) == ()

    def test_no_change_is_no_diff(self, code: Code, start: str) -> None:
        assert code.diff("todo", start, start) == ""

    def test_a_long_diff_is_cut_and_says_so(self, code: Code, start: str, checkout: Path) -> None:
        head = commit_files(code, checkout, start, {"a": "é\n" * 1000})
        found = code.diff("todo", start, head, limit=500)
        assert found.endswith("\n[The diff is longer than 500 characters; the rest is left out.]\n")
        assert len(found.rpartition("\n[")[0]) == 500

    def test_commits_without_common_history_have_no_diff(self, code: Code, start: str, checkout: Path) -> None:
        code.check_out("todo", start, checkout)
        stranger = commit_checkout(code, checkout)
        with pytest.raises(GitError):
            code.diff("todo", start, stranger)


class TestPatches:
    def test_the_same_patch_on_another_base_has_the_same_name(self, code: Code, start: str, checkout: Path) -> None:
        root = commit_files(code, checkout, start, {"a": TEN_LINES})
        head = commit_files(code, checkout, root, {"a": TEN_LINES.replace("line 8\n", "eight\n")})
        base = commit_files(code, checkout, root, {"a": "zero\n" + TEN_LINES, "b": "main went on\n"})
        updated = merge(code, base, head)
        assert isinstance(updated, Candidate)
        assert code.patch_id("todo", root, head) == code.patch_id("todo", base, updated.commit)
        assert code.patch_id("todo", base, head) == code.patch_id("todo", base, updated.commit)

    @pytest.mark.parametrize(
        "files",
        [{"a": "line\n    indented\n"}, {"a": "line\n  indented"}, {"b": "line\n  indented\n"}, {"a": "\0"}, {}],
    )
    def test_another_patch_has_another_name(
        self, code: Code, start: str, checkout: Path, files: dict[str, str | None]
    ) -> None:
        one = commit_files(code, checkout, start, {"a": "line\n  indented\n"})
        other = commit_files(code, checkout, start, files)
        assert code.patch_id("todo", start, one) != code.patch_id("todo", start, other)

    def test_files_that_are_no_text_count(self, code: Code, start: str, checkout: Path) -> None:
        one = commit_files(code, checkout, start, {"a": "\0one"})
        other = commit_files(code, checkout, start, {"a": "\0two"})
        assert code.patch_id("todo", start, one) != code.patch_id("todo", start, other)

    def test_a_mode_counts(self, code: Code, start: str, checkout: Path) -> None:
        one = commit_files(code, checkout, start, {"a": "1"})
        (checkout / "a").chmod(0o755)
        other = commit_checkout(code, checkout, start)
        assert code.patch_id("todo", start, one) != code.patch_id("todo", start, other)
