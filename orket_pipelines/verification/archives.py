"""Test runs as one ZIP, for a forge that takes no XML and no HTML by itself. The same for the same runs."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from orket_pipelines.verification.artifacts import read_artifact
from orket_pipelines.verification.pages import write_page
from orket_pipelines.verification.records import StoredRun

NAME = "test-report.zip"
ROOM = 9_000_000
"""Bytes of what goes in, unpacked: packed it is smaller than what the usual forge takes."""
EPOCH = (1980, 1, 1, 0, 0, 0)
"""The first moment that a ZIP knows; the files in it tell no time of their own."""
_order = {"application/xml": 0, "image/png": 1, "application/zip": 2, "video/webm": 3}


@dataclass(frozen=True, slots=True)
class Archive:
    """`left_out` names what there was no room for, each with its suite."""

    content: bytes
    left_out: tuple[str, ...]


def pack(runs: Sequence[StoredRun], *, room: int = ROOM) -> Archive:
    """A folder for each suite, with its page, its log and what it left.

    Pages, logs and reports go in first, then pictures, those of suites that failed before the others, then traces and
    videos. What does not fit is left out.
    """
    target, left_out = io.BytesIO(), []
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in _files(runs):
            if content is None or len(content) > room:
                left_out.append(name)
                continue
            room -= len(content)
            archive.writestr(zipfile.ZipInfo(name, EPOCH), content, zipfile.ZIP_DEFLATED)
    return Archive(target.getvalue(), tuple(left_out))


def _files(runs: Sequence[StoredRun]) -> Iterator[tuple[str, bytes | None]]:
    """Names and contents; None where a file is no longer what it was."""
    for run in runs:
        yield f"{run.suite}/report.html", write_page(run).encode()
        yield f"{run.suite}/log.txt", run.report.log.encode()
    left = [(run, artifact) for run in runs for artifact in run.report.artifacts]
    for run, artifact in sorted(left, key=lambda each: (_order.get(each[1].media_type, 9), each[0].report.passed)):
        yield f"{run.suite}/{artifact.name}", read_artifact(artifact)
