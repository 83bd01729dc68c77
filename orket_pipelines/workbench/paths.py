"""Which paths a model may name: pure, before anything is opened.

A path is relative to the checkout, of plain visible names, and never the repository's own folder in any spelling that
some file system takes for it. Some paths may be read and not written: what decides whether work is accepted.
"""

import unicodedata
from dataclasses import dataclass

from orket_pipelines.errors import OrketError

LONGEST_PATH = 1024
LONGEST_NAME = 255
"""Bytes, as Linux has it."""
PROTECTED = {
    ".gitea": "it configures the forge's own checks",
    ".forgejo": "it configures the forge's own checks",
    ".github": "it configures the forge's own checks",
    ".gitlab-ci.yml": "it configures the forge's own checks",
    ".woodpecker": "it configures the forge's own checks",
    ".woodpecker.yml": "it configures the forge's own checks",
    ".woodpecker.yaml": "it configures the forge's own checks",
    ".drone.yml": "it configures the forge's own checks",
    ".circleci": "it configures the forge's own checks",
    ".travis.yml": "it configures the forge's own checks",
    "jenkinsfile": "it configures the forge's own checks",
    ".orket": "it holds the fixtures that the work is verified with",
}
"""Names at the top of a checkout that agents cannot write, each with the reason."""
BOUNDARY = "workspace_boundary"
PROTECTION = "protected_path"
INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Unicode categories without a visible form."""
# Cyrillic, Greek and Latin letters that look like those of ".git", whose only use would be to deceive a reader.
_LOOK_ALIKES = str.maketrans("іıɩɡցтτ․", "iiiggtt.")  # noqa: RUF001 - they are meant


@dataclass(frozen=True, slots=True)
class PathRefusal:
    """Why a path may not be used, by which rule, and what would do."""

    rule: str
    reason: str
    fix: str


class FileRefused(OrketError):
    """A file of a checkout may not, or cannot, be used as asked; whoever asked can mend it. `refusal` has the rule."""

    def __init__(self, refusal: PathRefusal) -> None:
        super().__init__(refusal.reason, next_step=refusal.fix)
        self.refusal = refusal


def components(path: str) -> tuple[str, ...]:
    """The names that `path` goes through; none for the checkout itself (`.`).

    Raises: FileRefused where the path leaves the checkout, or could in some spelling.
    """
    refusal = judge_path(path)
    if refusal is not None:
        raise FileRefused(refusal)
    return _split(path)


def judge_path(path: str, *, writing: bool = False) -> PathRefusal | None:
    """None where a model may name `path` for reading, or for `writing`."""
    shown = shorten(path)
    if not path.strip():
        return PathRefusal(BOUNDARY, "the path is empty", "Name a file, or '.' for the whole checkout.")
    reason = next((found for check in (_as_text, _as_place, _as_names) if (found := check(path))), None)
    if reason:
        return PathRefusal(BOUNDARY, f"{shown} {reason}", "Give a plain path relative to the checkout: src/app.py")
    if any(folded(name) == ".git" for name in _split(path)):
        fix = "Work on the files themselves; commits are made for you."
        return PathRefusal(BOUNDARY, f"{shown} is the repository's own folder, or looks like it", fix)
    if writing and (why := why_protected(path)):
        fix = "Leave it as it is, and say in a comment what should change."
        return PathRefusal(PROTECTION, f"{shown} cannot be written: {why}", fix)
    return None


def why_protected(path: str) -> str | None:
    """Why agents may not change `path`, which may come from a diff; None where they may."""
    names = _split(path)
    return PROTECTED.get(folded(names[0])) if names else None


def folded(name: str) -> str:
    """One form for all spellings of a name that some file system takes for the same, or a person would.

    Case (macOS, Windows), compatibility forms and invisible characters (HFS+), trailing spaces and dots, streams and
    short names (NTFS); see the protections in git's own path.c and utf8.c.
    """
    visible = "".join(letter for letter in name if unicodedata.category(letter) not in INVISIBLE)
    plain = unicodedata.normalize("NFKC", visible).casefold().translate(_LOOK_ALIKES)
    plain = plain.split(":", 1)[0].strip(" ").rstrip(". ")
    return ".git" if plain == "git~1" else plain


def shorten(text: str, limit: int = 120) -> str:
    """`text` as it can be shown on one line, whatever is in it."""
    cut = text if len(text) <= limit else f"{text[:limit]}…"
    return ascii(cut) if any(unicodedata.category(letter) in INVISIBLE for letter in cut) else repr(cut)


def _split(path: str) -> tuple[str, ...]:
    return tuple(name for name in path.split("/") if name not in {"", "."})


def _as_text(path: str) -> str | None:
    if len(path) > LONGEST_PATH:
        return f"is longer than {LONGEST_PATH} characters"
    if any(unicodedata.category(letter) in INVISIBLE for letter in path):
        return "contains invisible characters"
    if "\\" in path:
        return "contains a backslash; folders are separated by /"
    return None


def _as_place(path: str) -> str | None:
    if path.startswith("/") or path[1:2] == ":":
        return "is absolute"
    if path.split("/", 1)[0].startswith("~"):
        return "begins with ~, which is not this checkout"
    return None


def _as_names(path: str) -> str | None:
    names = _split(path)
    if any(unicodedata.normalize("NFKC", name).strip() == ".." for name in names):
        return "goes up with .."
    if any(len(name.encode()) > LONGEST_NAME for name in names):
        return f"has a name longer than {LONGEST_NAME} bytes"
    if any(name != name.strip() for name in names):
        return "has a name that begins or ends with a space"
    return None
