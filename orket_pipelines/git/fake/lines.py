"""Merging three versions of a text, line by line."""

from collections.abc import Iterator
from difflib import SequenceMatcher

Lines = list[bytes]
Region = tuple[int, int, int, int]
"""A stretch of lines that all three have: its start in base, ours and theirs, and its length."""


def split(text: bytes) -> Lines:
    """Lines with their ends."""
    return text.splitlines(keepends=True) if b"\r" not in text else [line + b"\n" for line in text.split(b"\n")]


def merge(base: bytes, ours: bytes, theirs: bytes, labels: tuple[str, str]) -> tuple[bytes, bool]:
    """The merged text, and whether it holds conflict markers."""
    versions = (split(base), split(ours), split(theirs))
    merged: Lines = []
    conflict = False
    at = (0, 0, 0)
    for *starts, length in _common(*versions):
        parts = tuple(lines[begin:end] for lines, begin, end in zip(versions, at, starts, strict=True))
        chosen = _choose(*parts)
        conflict = conflict or chosen is None
        merged += _marked(parts[1], parts[2], labels) if chosen is None else chosen
        merged += versions[0][starts[0] : starts[0] + length]
        at = (starts[0] + length, starts[1] + length, starts[2] + length)
    return b"".join(merged), conflict


def _choose(base: Lines, ours: Lines, theirs: Lines) -> Lines | None:
    if ours in (theirs, base):
        return theirs
    return ours if theirs == base else None


def _marked(ours: Lines, theirs: Lines, labels: tuple[str, str]) -> Lines:
    first, second = (label.encode() for label in labels)
    return [b"<<<<<<< %s\n" % first, *_ended(ours), b"=======\n", *_ended(theirs), b">>>>>>> %s\n" % second]


def _ended(lines: Lines) -> Lines:
    return [line if line.endswith(b"\n") else line + b"\n" for line in lines]


def _common(base: Lines, ours: Lines, theirs: Lines) -> Iterator[Region]:
    """The stretches that all three have, in order; the last is empty and lies at the ends."""
    first = SequenceMatcher(None, base, ours, autojunk=False).get_matching_blocks()
    second = SequenceMatcher(None, base, theirs, autojunk=False).get_matching_blocks()
    left = right = 0
    while left < len(first) and right < len(second):
        mine, other = first[left], second[right]
        begin = max(mine.a, other.a)
        end = min(mine.a + mine.size, other.a + other.size)
        if begin < end:
            yield begin, mine.b + begin - mine.a, other.b + begin - other.a, end - begin
        if mine.a + mine.size < other.a + other.size:
            left += 1
        else:
            right += 1
    yield len(base), len(ours), len(theirs), 0
