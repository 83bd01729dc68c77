"""What `.gitignore` files leave out."""

import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

_TOKEN = re.compile(r"\*\*/|/\*\*$|\*|\?|\[!?[^\]]+\]|\\?.", re.DOTALL)
_MEANING = {"**/": "(?:.*/)?", "/**": "/.*", "*": "[^/]*", "?": "[^/]"}


@dataclass(frozen=True, slots=True)
class Rule:
    """One line of a `.gitignore`; `pattern` matches a path from the top of the checkout."""

    pattern: re.Pattern[str]
    folders_only: bool
    ignores: bool


def read_rules(folder: Path, prefix: str) -> list[Rule]:
    """The rules of the `.gitignore` in `folder`, which is `prefix` (empty, or ending in a slash) from the top."""
    file = folder / ".gitignore"
    if file.is_symlink() or not file.is_file():
        return []
    lines = (line.rstrip() for line in file.read_text(errors="surrogateescape").splitlines())
    return [_rule(line, prefix) for line in lines if line and not line.startswith("#")]


def is_ignored(path: str, rules: list[Rule], *, is_folder: bool) -> bool:
    """Whether the last rule that matches `path` ignores it; its folders are the caller's business."""
    for rule in reversed(rules):
        if (is_folder or not rule.folders_only) and rule.pattern.fullmatch(path):
            return rule.ignores
    return False


@lru_cache
def _rule(line: str, prefix: str) -> Rule:
    ignores = not line.startswith("!")
    text = line if ignores else line[1:]
    folders_only = text.endswith("/")
    text = text.rstrip("/")
    anywhere = "" if "/" in text else "(?:.*/)?"
    return Rule(re.compile(re.escape(prefix) + anywhere + _translate(text.lstrip("/"))), folders_only, ignores)


def _translate(glob: str) -> str:
    return "".join(_meaning(token) for token in _TOKEN.findall(glob))


def _meaning(token: str) -> str:
    if token.startswith("[") and len(token) > 1:
        return token.replace("[!", "[^", 1)
    return _MEANING.get(token) or re.escape(token.removeprefix("\\"))
