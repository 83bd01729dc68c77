"""Ids of cards: safe as a folder, a branch and a container name; the same at every load where a file gives none."""

import hashlib
import re
import unicodedata

LENGTH = 63
PATTERN = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
RULE = "lower-case letters, digits, '.', '_' and '-', at most 63, beginning with a letter or digit"

_FINGERPRINT = 8


def is_identifier(text: str) -> bool:
    """Whether `text` can be an id; what git refuses in the name of a branch cannot."""
    return bool(PATTERN.fullmatch(text)) and ".." not in text and not text.endswith((".", ".lock"))


def slug(name: str) -> str:
    """`A to-do list` → `a-to-do-list`. A long name, and one that no ASCII letter can stand for, gets a fingerprint."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return _shortened(re.sub(r"[^a-z0-9]+", "-", plain).strip("-") or _fingerprint(name))


def derived_id(parent_id: str, name: str) -> str:
    """The id of a card that its file gives none: `todo` and `API` → `todo-api`."""
    return _shortened(f"{parent_id}-{slug(name)}")


def _shortened(text: str) -> str:
    if len(text) <= LENGTH:
        return text
    return f"{text[: LENGTH - _FINGERPRINT - 1].rstrip('-._')}-{_fingerprint(text)}"


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:_FINGERPRINT]
