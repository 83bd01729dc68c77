# ruff: noqa: RUF001 - look-alikes are what is tested
import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket_pipelines.workbench.paths import (
    BOUNDARY,
    PROTECTION,
    FileRefused,
    components,
    folded,
    judge_path,
    shorten,
    why_protected,
)

GOOD = [
    "a",
    "src/app.py",
    "./src/app.py",
    "src//app.py",
    "src/",
    ".",
    "..a",
    "a..b",
    "...",
    "a b.txt",
    ".gitignore",
    ".gitattributes",
    ".gitkeep",
    "git",
    "agit",
    "digit/x",
    "docs/.github/notes.md",
    "über/naïve.md",
    "日本語.txt",
    "emoji 🎉.md",
    "12:30.txt",
    "-rf",
    "$HOME",
    "x~",
    "a'b\"c",
]
ESCAPES = [
    "",
    " ",
    "..",
    "../x",
    "a/../x",
    "a/../../x",
    "a/..",
    "./..",
    ".. /x",
    " ../x",
    "‥/x",
    "．．/x",
    "/",
    "/etc/passwd",
    "//etc/passwd",
    "C:\\x",
    "C:/x",
    "\\\\host\\share",
    "..\\x",
    "a\\b",
    "~",
    "~/x",
    "~root/x",
    "a\0b",
    "a\nb",
    "a\rb",
    "a\tb",
    "a\x1b[2Jb",
    "a\x7fb",
    "a\u0085b",
    "a\u2028b",
    "a\u200bb",
    "a\u202eb",
    "a\ufeffb",
    "a\ud800b",
    "x" * 256,
    "ü" * 128,
    "a/" * 600,
    "trailing ",
    "dir /x",
    "\u00a0x",
]
GIT = [
    ".git",
    ".git/config",
    ".GIT/config",
    ".Git/hooks/pre-commit",
    "sub/.git/config",
    "sub/.gIT",
    "./.git/config",
    ".git /config",
    ".git./config",
    ".git.../config",
    ".git . ./config",
    "git~1/config",
    "GIT~1/config",
    ".git:stream",
    ".git::$INDEX_ALLOCATION/config",
    ".g\u200cit/config",
    "\u200d.git/config",
    ".git\ufeff/config",
    ".ｇｉｔ/config",
    "．git/config",
    "․git/config",
    ".ɡit/config",
    ".gіt/config",
    ".giт/config",
    ".𝐠𝐢𝐭/config",
]
PROTECTED = [
    ".gitea/workflows/ci.yaml",
    ".GITEA/workflows/ci.yaml",
    ".gitea",
    "./.github/workflows/x.yml",
    ".Github/CODEOWNERS",
    ".github./x",
    ".gitlab-ci.yml",
    ".GitLab-CI.yml",
    ".gitlab-ci.yml.",
    ".forgejo/workflows/x.yml",
    ".orket/suites/api.yaml",
    ".ORKET/x",
]


@pytest.mark.parametrize("path", GOOD)
def test_a_plain_path_is_allowed(path: str) -> None:
    assert judge_path(path, writing=True) is None


@pytest.mark.parametrize("path", [*ESCAPES, *GIT])
def test_a_path_that_could_leave_the_checkout_is_refused(path: str) -> None:
    refusal = judge_path(path)
    assert refusal is not None
    assert refusal.rule == BOUNDARY
    assert refusal.fix
    assert refusal.reason.isprintable()
    with pytest.raises(FileRefused):
        components(path)


@pytest.mark.parametrize("path", PROTECTED)
def test_what_decides_about_the_work_is_read_and_not_written(path: str) -> None:
    assert judge_path(path) is None
    refusal = judge_path(path, writing=True)
    assert refusal is not None
    assert refusal.rule == PROTECTION
    assert why_protected(path)


def test_a_path_of_a_diff_that_is_not_protected_has_no_reason_to_be() -> None:
    assert why_protected("src/app.py") is None
    assert why_protected(".") is None


def test_a_path_is_taken_apart_into_plain_names() -> None:
    assert components("./src//app.py") == ("src", "app.py")
    assert components(".") == ()


@given(st.text(max_size=40))
def test_no_allowed_path_has_a_name_that_leads_elsewhere(path: str) -> None:
    if judge_path(path) is None:
        names = components(path)
        assert not {"", ".", ".."} & set(names)
        assert not any("/" in name or "\0" in name or folded(name) == ".git" for name in names)


@given(st.text(max_size=300))
def test_whatever_is_in_a_text_it_is_shown_on_one_printable_line(text: str) -> None:
    assert "\n" not in shorten(text)
    assert "\x1b" not in shorten(text)
