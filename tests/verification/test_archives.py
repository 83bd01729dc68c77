"""What goes to a forge of test runs, packed."""

import io
import zipfile
from pathlib import Path

import pytest

from orket_pipelines.verification.archives import Archive, pack
from orket_pipelines.verification.artifacts import keep
from orket_pipelines.verification.fake import PASSED, PICTURE
from orket_pipelines.verification.model import Artifact, Case, CaseOutcome
from orket_pipelines.verification.records import StoredRun
from orket_pipelines.verification.reports import report_of

TRACE = b"PK\x03\x04" + b"t" * 400


def run(suite: str, outcome: CaseOutcome, *artifacts: Artifact) -> StoredRun:
    case = Case("test_page", outcome, 0.1, "" if outcome is CaseOutcome.PASSED else "no heading")
    report = report_of([case], exit_code=0, log=f"the log of {suite}", artifacts=artifacts)
    return StoredRun(f"one.1.{suite}", "one", 1, suite, "sandbox", "c" * 40, report, 0, 2_000_000, "shop")


@pytest.fixture
def runs(tmp_path: Path) -> list[StoredRun]:
    left = {"junit.xml": PASSED, "page.png": PICTURE, "page-trace.zip": TRACE}
    page = [keep(name, content, tmp_path) for name, content in left.items()]
    return [run("healthy", CaseOutcome.PASSED), run("page", CaseOutcome.FAILED, *page)]


def read(archive: Archive) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(archive.content)) as found:
        return {name: found.read(name) for name in found.namelist()}


def test_each_suite_has_a_folder_with_its_page_its_log_and_what_it_left(runs: list[StoredRun]) -> None:
    archive = pack(runs)
    files = read(archive)
    pages = ["healthy/report.html", "healthy/log.txt", "page/report.html", "page/log.txt"]
    assert list(files) == [*pages, "page/junit.xml", "page/page.png", "page/page-trace.zip"]
    assert (files["page/log.txt"], files["page/junit.xml"], files["page/page.png"]) == (
        b"the log of page",
        PASSED,
        PICTURE,
    )
    assert b"no heading" in files["page/report.html"]
    assert archive.left_out == ()


def test_the_same_runs_make_the_same_file(runs: list[StoredRun]) -> None:
    assert pack(runs) == pack(runs)


def test_what_has_no_room_is_left_out_and_named(runs: list[StoredRun]) -> None:
    whole = sum(len(content) for content in read(pack(runs)).values())
    archive = pack(runs, room=whole - 1)
    assert archive.left_out == ("page/page-trace.zip",)
    assert list(read(archive))[-1] == "page/page.png"


def test_a_file_that_is_no_longer_what_it_was_is_left_out(runs: list[StoredRun]) -> None:
    runs[1].report.artifacts[1].path.write_bytes(b"something else")
    assert pack(runs).left_out == ("page/page.png",)
