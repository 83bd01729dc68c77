"""What an agent may leave in its checkout, and what host git must not do about it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from orket_pipelines.errors import GitError
from orket_pipelines.git import GitCode, Identity

pytestmark = pytest.mark.slow

AT = 1_700_000_000_000_000
CODER = Identity("coder", "coder@orket.invalid")


@pytest.fixture
def code(tmp_path: Path) -> GitCode:
    return GitCode(tmp_path / "repositories")


@pytest.fixture
def start(code: GitCode) -> str:
    return code.ensure("todo", title="To do", at=AT)


@pytest.fixture
def checkout(code: GitCode, start: str, tmp_path: Path) -> Path:
    path = tmp_path / "checkouts" / "issue-1"
    code.check_out("todo", start, path)
    return path


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A program that leaves a trace when it runs: `trap.with_suffix(".ran")`."""
    program = tmp_path / "trap"
    program.write_text(f"#!/bin/sh\ntouch {program}.ran\ncat\n")
    program.chmod(0o755)
    return program


def use(code: GitCode, checkout: Path, start: str) -> list[str]:
    """Everything that host git does with a checkout; the files of its snapshot."""
    tree = code.snapshot("todo", checkout)
    head = code.commit("todo", tree, parents=(start,), message="Work", by=CODER, at=AT)
    code.diff("todo", start, head)
    code.patch_id("todo", start, head)
    code.merge("todo", base=start, head=head, message="Merge", by=CODER, at=AT)
    names = listing(code, tree)
    code.restore("todo", tree, checkout)
    assert code.snapshot("todo", checkout) == tree
    code.check_out("todo", head, checkout)
    assert code.snapshot("todo", checkout) == tree
    return names


def listing(code: GitCode, tree: str) -> list[str]:
    command = ["git", f"--git-dir={code._directory('todo')}", "ls-tree", "-r", "-z", tree]
    lines = subprocess.run(command, capture_output=True, check=True).stdout.split(b"\0")[:-1]
    assert all(b" blob " in line for line in lines), "only files may be recorded"
    return sorted(os.fsdecode(line.partition(b"\t")[2]) for line in lines)


def ran(trap: Path) -> bool:
    return trap.with_name("trap.ran").exists()


def write_evil_configuration(git_directory: Path, trap: Path) -> None:
    (git_directory / "config").write_text(
        f"[core]\n\trepositoryformatversion = 0\n\tfsmonitor = {trap}\n\thooksPath = {trap.parent}\n\tpager = {trap}\n"
        f"\tsshCommand = {trap}\n\teditor = {trap}\n[diff]\n\texternal = {trap}\n"
        f'[filter "evil"]\n\tclean = {trap}\n\tsmudge = {trap}\n\tprocess = {trap}\n\trequired = true\n'
        f'[diff "evil"]\n\tcommand = {trap}\n\ttextconv = {trap}\n[merge "evil"]\n\tdriver = {trap}\n'
    )
    hooks = git_directory / "hooks"
    hooks.mkdir(exist_ok=True)
    for hook in ("post-checkout", "pre-commit", "post-index-change", "reference-transaction", "fsmonitor-watchman"):
        shutil.copy(trap, hooks / hook)


def test_the_trap_works(checkout: Path, trap: Path) -> None:
    """Without this, the other tests would pass for nothing."""
    write_evil_configuration(checkout / ".git", trap)
    subprocess.run(["git", "status"], cwd=checkout, check=False, capture_output=True)
    assert ran(trap)


def test_configuration_and_hooks_of_the_checkout_are_never_run(
    code: GitCode, start: str, checkout: Path, trap: Path
) -> None:
    write_evil_configuration(checkout / ".git", trap)
    (checkout / ".gitattributes").write_text("* filter=evil diff=evil merge=evil\n")
    assert use(code, checkout, start) == [".gitattributes", ".gitignore", "README.md"]
    assert not ran(trap)


def test_a_git_file_that_points_at_an_evil_repository_is_not_followed(
    code: GitCode, start: str, checkout: Path, trap: Path, tmp_path: Path
) -> None:
    evil = tmp_path / "evil"
    shutil.move(checkout / ".git", evil)
    write_evil_configuration(evil, trap)
    (checkout / ".git").write_text(f"gitdir: {evil}\n")
    use(code, checkout, start)
    assert not ran(trap)


def test_nested_repositories_are_plain_folders(code: GitCode, start: str, checkout: Path, trap: Path) -> None:
    for name in ("empty", "deep/down"):
        nested = checkout / name
        subprocess.run(["git", "init", "-q", nested], check=True)
        write_evil_configuration(nested / ".git", trap)
        (nested / "code.py").write_text("pass\n")
    (checkout / "linked").mkdir()
    (checkout / "linked" / ".git").write_text("gitdir: /nowhere\n")
    (checkout / "linked" / "code.py").write_text("pass\n")
    found = use(code, checkout, start)
    assert [name for name in found if name.endswith(".py")] == ["deep/down/code.py", "empty/code.py", "linked/code.py"]
    assert not ran(trap)


def test_a_nested_repository_with_commits_is_no_submodule(code: GitCode, start: str, checkout: Path) -> None:
    nested = checkout / "vendored"
    command = ["git", "-c", "user.name=x", "-c", "user.email=x", "-C", str(nested)]
    subprocess.run(["git", "init", "-q", nested], check=True)
    (nested / "code.py").write_text("pass\n")
    subprocess.run([*command, "add", "."], check=True)
    subprocess.run([*command, "commit", "-qm", "x"], check=True)
    (checkout / ".gitmodules").write_text(
        '[submodule "vendored"]\n\tpath = vendored\n\turl = ../evil\n\tupdate = !touch /tmp/evil\n'
    )
    assert "vendored/code.py" in use(code, checkout, start)


@pytest.mark.parametrize("name", [".GIT", "sub/.Git", "sub/.git"])
def test_a_git_folder_under_any_spelling_is_not_recorded(code: GitCode, start: str, checkout: Path, name: str) -> None:
    (checkout / name).mkdir(parents=True)
    (checkout / name / "config").write_text("x")
    assert use(code, checkout, start) == [".gitignore", "README.md"]


def test_names_that_git_refuses_elsewhere_do_no_harm(code: GitCode, start: str, checkout: Path) -> None:
    odd = ["git~1", "a\\.git", "-rf", "--exec=x", ":(top)x", "a\nb", " ", "*", "\udcff", "x" * 255, "HEAD", ".git "]
    for name in odd:
        (checkout / name).write_text(name, errors="surrogateescape")
    (checkout / ".gitmodules").symlink_to("/etc/passwd")
    (checkout / "HEAD").write_text("ref: refs/heads/x\n")
    assert set(use(code, checkout, start)) == {".gitignore", "README.md", *odd}


def test_a_bare_repository_in_the_checkout_is_files(code: GitCode, start: str, checkout: Path, trap: Path) -> None:
    subprocess.run(["git", "init", "-q", "--bare", checkout / "bare"], check=True)
    write_evil_configuration(checkout / "bare", trap)
    assert "bare/config" in use(code, checkout, start)
    assert not ran(trap)


def test_links_are_recorded_as_links(code: GitCode, start: str, checkout: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("precious")
    (checkout / "folder").symlink_to(secret)
    (checkout / "file").symlink_to(secret / "key")
    (checkout / "loop").symlink_to("loop")
    assert use(code, checkout, start) == [".gitignore", "README.md", "file", "folder", "loop"]
    assert (secret / "key").read_text() == "precious"


@pytest.mark.parametrize("name", [".gitignore", ".gitattributes"])
def test_a_link_is_not_read_as_rules(code: GitCode, start: str, checkout: Path, name: str, tmp_path: Path) -> None:
    (tmp_path / "rules").write_text("* filter=evil\nREADME.md\ncode.py\n")
    (checkout / name).unlink(missing_ok=True)
    (checkout / name).symlink_to(tmp_path / "rules")
    (checkout / "code.py").write_text("pass\n")
    assert "code.py" in use(code, checkout, start)


def test_a_checkout_that_became_a_link_is_refused(code: GitCode, checkout: Path, tmp_path: Path) -> None:
    tree = code.snapshot("todo", checkout)
    victim = tmp_path / "victim"
    (victim / "sub" / ".git").mkdir(parents=True)
    checkout.rename(tmp_path / "aside")
    checkout.symlink_to(victim)
    with pytest.raises(GitError, match="no checkout"):
        code.snapshot("todo", checkout)
    with pytest.raises(GitError, match="no checkout"):
        code.restore("todo", tree, checkout)
    assert (victim / "sub" / ".git").is_dir()


def test_checking_out_over_a_link_leaves_alone_where_it_leads(
    code: GitCode, start: str, checkout: Path, tmp_path: Path
) -> None:
    checkout.rename(tmp_path / "victim")
    checkout.symlink_to(tmp_path / "victim")
    code.check_out("todo", start, checkout)
    assert not checkout.is_symlink()
    assert (tmp_path / "victim" / "README.md").exists()


def test_an_encoding_that_does_not_fit_is_no_obstacle(code: GitCode, start: str, checkout: Path) -> None:
    (checkout / ".gitattributes").write_text("* text=auto eol=crlf ident working-tree-encoding=UTF-16\n")
    (checkout / "code.py").write_bytes(b"$Id$\r\na\nb\r\n\xff")
    use(code, checkout, start)
    assert (checkout / "code.py").read_bytes() == b"$Id$\r\na\nb\r\n\xff"


def test_attributes_do_not_hide_a_change_from_the_reviewer(code: GitCode, start: str, checkout: Path) -> None:
    (checkout / ".gitattributes").write_text("* binary -diff\n*.py linguist-generated\n")
    (checkout / "code.py").write_text("import os\n")
    head = code.commit("todo", code.snapshot("todo", checkout), parents=(start,), message="Work", by=CODER, at=AT)
    assert "\n+import os\n" in code.diff("todo", start, head)


def test_attributes_do_not_merge_what_is_in_conflict(code: GitCode, start: str, checkout: Path) -> None:
    heads = []
    for text in ("ours\n", "theirs\n"):
        code.check_out("todo", start, checkout)
        (checkout / ".gitattributes").write_text("* merge=union\n")
        (checkout / "code.py").write_text(text)
        tree = code.snapshot("todo", checkout)
        heads.append(code.commit("todo", tree, parents=(start,), message="Work", by=CODER, at=AT))
    assert code.check_out("todo", heads[0], checkout, merging=heads[1]) == ("code.py",)


def test_pipes_and_sockets_are_passed_over(code: GitCode, start: str, checkout: Path) -> None:
    os.mkfifo(checkout / "pipe")
    assert use(code, checkout, start) == [".gitignore", "README.md"]


def test_folders_without_bottom_are_removed(code: GitCode, start: str, checkout: Path) -> None:
    dig(checkout)
    assert len(use(code, checkout, start)) == 2
    dig(checkout)
    code.check_out("todo", start, checkout)
    assert list(checkout.parent.iterdir()) == [checkout]


def dig(top: Path) -> None:
    """Deeper than any path may be long; in a process of its own, because it takes changing directory."""
    program = "import os\nfor _ in range(300):\n os.mkdir('d' * 100)\n os.chdir('d' * 100)\nopen('bottom', 'w')"
    subprocess.run([sys.executable, "-c", program], cwd=top, check=True)


def test_what_was_made_unreadable_is_read_nevertheless(code: GitCode, start: str, checkout: Path) -> None:
    (checkout / "folder" / "inner").mkdir(parents=True)
    (checkout / "folder" / "inner" / "code.py").write_text("pass\n")
    (checkout / "folder" / "inner" / "code.py").chmod(0)
    (checkout / "folder" / "inner").chmod(0)
    (checkout / "folder").chmod(0o500)
    checkout.chmod(0)
    assert "folder/inner/code.py" in use(code, checkout, start)
    (checkout / "folder").chmod(0)
    checkout.chmod(0)
    code.check_out("todo", start, checkout)
    assert not (checkout / "folder").exists()


def test_nothing_of_the_callers_environment_reaches_git(
    code: GitCode, checkout: Path, trap: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    start = code.head("todo", "main")
    assert start is not None
    (tmp_path / ".gitconfig").write_text(f"[core]\n\tfsmonitor = {trap}\n[diff]\n\tnoprefix = true\n")
    outside = {
        "HOME": tmp_path,
        "GIT_CONFIG_GLOBAL": tmp_path / ".gitconfig",
        "GIT_DIR": "/nowhere",
        "GIT_OBJECT_DIRECTORY": "/nowhere",
        "GIT_EXTERNAL_DIFF": trap,
        "GIT_TRACE": tmp_path / "trace",
        "GIT_AUTHOR_NAME": "Somebody",
    }
    for name, value in outside.items():
        monkeypatch.setenv(name, str(value))
    (checkout / "code.py").write_text("pass\n")
    tree = code.snapshot("todo", checkout)
    head = code.commit("todo", tree, parents=(start,), message="Work", by=CODER, at=AT)
    assert "diff --git a/code.py b/code.py\n" in code.diff("todo", start, head)
    assert not (tmp_path / "trace").exists()
    assert not ran(trap)


def test_no_link_leads_from_the_clone_to_the_factory(code: GitCode, checkout: Path) -> None:
    ours = {path.stat().st_ino for path in code._directory("todo").rglob("*") if path.is_file()}
    theirs = [path for path in (checkout / ".git").rglob("*") if path.is_file()]
    assert not ours & {path.stat().st_ino for path in theirs}
    texts = [path.read_bytes() for path in theirs if path.suffix not in {".pack", ".idx"}]
    assert not any(bytes(code._directory("todo").parent) in text for text in texts)


def test_the_clone_serves_the_agents_own_git(code: GitCode, start: str, checkout: Path) -> None:
    (checkout / "code.py").write_text("pass\n")

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=checkout, check=True, capture_output=True, text=True).stdout

    assert git("log", "--format=%H %s") == f"{start} Start To do\n"
    assert git("status", "--short") == "?? code.py\n"
    git("add", "code.py")
    git("commit", "-qm", "My own")
    assert git("fsck") == ""
    assert code.head("todo", "main") == start
