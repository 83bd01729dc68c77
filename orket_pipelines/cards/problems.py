"""What is wrong with a card file, and where: the file and the path to the key."""

from dataclasses import dataclass

from orket_pipelines.errors import CardError

SHOWN = 60
"""Characters of a wrong value that an error repeats."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing in one file that keeps a card from being loaded.

    `path` leads to the key, as in `rock.epics[0].issues[2].state`; empty where the whole file is meant.
    """

    file: str
    path: str
    message: str
    fix: str = ""

    def __str__(self) -> str:
        place = f"{self.file}: {self.path}" if self.path else self.file
        return f"{place}: {self.message}"


@dataclass(frozen=True, slots=True)
class Place:
    """A node of a card file."""

    file: str
    path: str = ""

    def __truediv__(self, key: str | int) -> "Place":
        if isinstance(key, int):
            return Place(self.file, f"{self.path}[{key}]")
        return Place(self.file, f"{self.path}.{key}" if self.path else key)

    def __str__(self) -> str:
        return f"{self.file}#{self.path}"

    def problem(self, message: str, fix: str = "") -> Problem:
        """A problem of this node."""
        return Problem(self.file, self.path, message, fix)


class UnreadableFile(CardError):
    """A card file cannot be used at all; the message says why, without the name of the file."""


def shown(value: object) -> str:
    """A value as an error repeats it: on one line, and short however hostile it is."""
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
