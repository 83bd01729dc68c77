"""What services say, as it comes: which lines of a log are new since the last look."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

WINDOW = 5_000
"""Lines of each service that one look takes in; who says more between two looks is told to have lines left out."""


@dataclass(frozen=True, slots=True)
class News:
    """What a service said since the last look. `missed`: lines between may be missing."""

    lines: tuple[str, ...]
    last: str | None
    missed: bool = False


def unseen(last: str | None, text: str) -> News:
    """The lines of `text`, whose lines are stamped, after the one whose stamp is `last`; None: all of them.

    Where that line is there no more, all of them are new: more was said than `text` holds, or another log begins.
    """
    stamped = [line.partition(" ") for line in text.splitlines()]
    stamps = [stamp for stamp, _, _ in stamped]
    new = stamps.index(last) + 1 if last in stamps else 0
    lines = tuple(line for _, _, line in stamped[new:])
    return News(lines, stamps[-1] if stamps else last, missed=last is not None and bool(stamps) and last not in stamps)


def follow(read: Callable[[], Mapping[str, str]], wait: Callable[[], bool], *, tail: int) -> Iterator[tuple[str, News]]:
    """What each service says, from its last `tail` lines on, until `wait` (between two looks) says that it is enough.

    `read` gives stamped logs by service. Of a service that is deployed anew, everything is new.
    """
    seen: dict[str, str | None] = {}
    while True:
        for name, text in read().items():
            news = unseen(seen.get(name), text)
            if name not in seen:
                news = News(news.lines[-tail:], news.last)
            seen[name] = news.last
            if news.lines:
                yield name, news
        if wait():
            return


def last_lines(text: str, tail: int, *, stamped: bool) -> str:
    """The end of a text that does not grow any more; where `stamped`, its lines bear their numbers."""
    lines = text.splitlines()
    return "\n".join([f"{number} {line}" for number, line in enumerate(lines)][-tail:] if stamped else lines[-tail:])
