"""What a Python project's packaging says of itself: whether strangers install it, and to import it or to call it."""

import re
from dataclasses import dataclass

_command = re.compile(r"command[- ]line|\b(cli|console|terminal)\b", re.IGNORECASE)
_library = re.compile(
    r"\b(library|framework|toolkit|sdk|package|module|parser|bindings?|wrapper|api client)\b", re.IGNORECASE
)
_tool = re.compile(r"\b(tool|utility|server|application|app|downloader|formatter|linter|generator)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Project:
    """`packaged`: it is built to be installed elsewhere. `scripts` are the commands that this installs.

    `description` is its own line about itself; empty where there is none.
    """

    name: str
    packaged: bool
    scripts: tuple[str, ...]
    classifiers: tuple[str, ...]
    backend: str
    description: str

    @property
    def published(self) -> bool:
        """Whether it is made for strangers to install: only such a project says what kind of thing it is."""
        return self.packaged and self._has("Topic ::", "Intended Audience ::", "Framework ::")

    @property
    def calls_itself_library(self) -> bool:
        """Whether what it says first is that others import it, even if it installs commands."""
        if self._has("Framework ::"):
            return True
        named = any("Libraries" in each for each in self.classifiers)
        if not self.scripts:
            return named
        if self._has("Environment :: Console", "Topic :: Software Development :: Build Tools"):
            return False
        if _command.search(self.description):
            return False
        return named or (self.published and self._is_described_as_library())

    def _is_described_as_library(self) -> bool:
        if _library.search(self.description):
            return True
        return self._has("Topic :: Scientific/Engineering") and not _tool.search(self.description)

    def _has(self, *beginnings: str) -> bool:
        return any(each.startswith(beginnings) for each in self.classifiers)
