"""What a stack is to the detector: a rule that looks at one folder."""

import posixpath
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from orket_pipelines.sandboxes.detection.tree import Folder, Tree
from orket_pipelines.sandboxes.model import Service


class Language(StrEnum):
    """Of the rules of one language, the first that finds something in a folder speaks for it."""

    PYTHON = "python"
    NODE = "node"
    GO = "go"
    RUST = "rust"
    JAVA = "java"
    PHP = "php"
    RUBY = "ruby"
    DOTNET = "dotnet"
    ELIXIR = "elixir"
    DENO = "deno"
    STATIC = "static"


@dataclass(frozen=True, slots=True)
class Site:
    """A folder under examination. `others` are the folders in it that stand for themselves, having manifests."""

    tree: Tree
    folder: Folder
    others: tuple[Folder, ...] = ()

    def folders(self) -> list[Folder]:
        """The folder and what lies in it, without what stands for itself."""
        apart = frozenset(each.path for each in self.others)

        def find() -> list[Folder]:
            found = [self.folder]
            kept = {self.folder.path}
            for each in self.tree.below(self.folder):
                # A folder comes after the one that it lies in.
                if each is not self.folder and each.path not in apart and (posixpath.dirname(each.path) or ".") in kept:
                    kept.add(each.path)
                    found.append(each)
            return found

        return self.tree.once(("folders", self.folder.path, apart), find)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a rule found in a folder. The service's name is the detector's business: it is empty here.

    A finding without a service ends the search in the folder.
    """

    service: Service | None
    ambiguities: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rule:
    """A stack. `manifests` are names of files (patterns of fnmatch) of which one makes a folder worth a look.

    `language` is one of `Language`, or the name of another.
    """

    stack: str
    language: str
    manifests: tuple[str, ...]
    find: Callable[[Site], Finding | None]
