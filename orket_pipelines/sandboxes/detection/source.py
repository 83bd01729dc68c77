"""Source code of any language as tokens: comments are gone, texts are one token each; no more is understood of it."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from fnmatch import translate
from functools import cache

from orket_pipelines.sandboxes.detection.rule import Site
from orket_pipelines.sandboxes.detection.tree import Folder, Tree

FILE_LIMIT = 64 * 1024
"""Characters of one file: imports stand at its head."""
FILES_LIMIT = 150
"""Files of one folder that are looked into, those that begin programs first."""
ENTRY_STEMS = ("main", "server", "index", "app", "program", "application", "startup", "www", "start", "api", "mod")
ENTRY_FOLDERS = frozenset({"cmd", "server", "web", "http", "api", "app", "router", "routes", "handlers", "controllers"})
"""Folders whose files are looked into before others', where there are too many."""

_END = "\0"


class Comments(Enum):
    """How a family of languages writes comments and texts."""

    SLASHES = r"//[^\n]*|/\*.*?(?:\*/|\Z)"
    HASH = r"\#[^\n]*"
    BOTH = r"//[^\n]*|/\*.*?(?:\*/|\Z)|\#(?!\[)[^\n]*"


_texts = r"""'''.*?'''|\"\"\".*?\"\"\"|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`"""
_families = {
    family: re.compile(rf"(?:{family.value})|({_texts}|[A-Za-z_$@][\w$]*|[^\s\w])", re.DOTALL) for family in Comments
}


@dataclass(frozen=True, slots=True)
class Source:
    """A file's tokens, each between two NULs."""

    path: str
    tokens: str

    def has(self, *sequence: str) -> bool:
        """Whether these tokens stand there in a row. A text is a token with its quotes."""
        return f"{_END}{_END.join(sequence)}{_END}" in self.tokens

    def count(self, *sequence: str) -> int:
        """How often these tokens stand there in a row."""
        return self.tokens.count(f"{_END}{_END.join(sequence)}{_END}")

    def texts_after(self, *sequence: str) -> Iterator[str]:
        """The texts that stand right after these tokens, without their quotes."""
        before = f"{_END}{_END.join(sequence)}{_END}"
        at = self.tokens.find(before)
        while at >= 0:
            begin = at + len(before)
            word = self.tokens[begin : self.tokens.find(_END, begin)]
            if word[:1] in {'"', "'", "`"}:
                yield word[1:-1]
            at = self.tokens.find(before, begin - 1)

    def words(self) -> list[str]:
        """All tokens in a row."""
        return self.tokens.split(_END)


def tokenized(path: str, text: str, comments: Comments) -> Source:
    """The tokens of a text, of which no more than a bounded part is looked at."""
    found = (match[1] for match in _families[comments].finditer(text[:FILE_LIMIT]))
    return Source(path, _END + _END.join(each for each in found if each) + _END)


def read_source(tree: Tree, path: str, comments: Comments) -> Source | None:
    """A file's tokens; None where it cannot be read, or enough was read of this repository."""

    def read() -> Source | None:
        text = tree.read(path)
        return tokenized(path, text, comments) if text and tree.spend(text[:FILE_LIMIT]) else None

    return tree.once(("source", path), read)


def sources(site: Site, patterns: Iterable[str], comments: Comments) -> list[Source]:
    """The folder's files of these names, those that begin programs and lie nearest first."""
    return list(read_all(site.tree, site.folders(), tuple(patterns), comments))


def read_all(tree: Tree, folders: Iterable[Folder], patterns: tuple[str, ...], comments: Comments) -> Iterator[Source]:
    """The files of these names in the folders."""
    matches = _matcher(patterns)
    paths = [
        (_rank(folder, name), folder.depth, folder.file(name))
        for folder in folders
        for name in folder.files
        if matches(name)
    ]
    for _, _, path in sorted(paths)[:FILES_LIMIT]:
        source = read_source(tree, path, comments)
        if source:
            yield source


@cache
def _matcher(patterns: tuple[str, ...]) -> Callable[[str], object]:
    return re.compile("|".join(map(translate, patterns))).match


def _rank(folder: Folder, name: str) -> int:
    stem = name.partition(".")[0].lower()
    if stem in ENTRY_STEMS:
        return ENTRY_STEMS.index(stem)
    return len(ENTRY_STEMS) + (folder.path.rpartition("/")[2] not in ENTRY_FOLDERS)
