"""The page of a test run, whose every text is somebody else's."""

import html.parser
from pathlib import Path

from orket_pipelines.verification.artifacts import keep
from orket_pipelines.verification.fake import PICTURE
from orket_pipelines.verification.model import Artifact, Case, CaseOutcome
from orket_pipelines.verification.pages import write_page
from orket_pipelines.verification.records import StoredRun
from orket_pipelines.verification.reports import report_of

HOSTILE = "</pre></details><script>alert(1)</script><img src=http://evil/ onerror=x> $log ${title} \x07 &amp;"
PASSED = Case("shop.test_title", CaseOutcome.PASSED, 0.1)
FAILED = Case("shop.test_price", CaseOutcome.FAILED, 1.25, "expected 3, got 4")
FLAKY = Case("shop.test_tax", CaseOutcome.FLAKY, 0.2, "flaky: of two runs on the same commit, the first failed:\nlate")


def run(*cases: Case, log: str = "the log", artifacts: tuple[Artifact, ...] = (), suite: str = "page") -> StoredRun:
    bad = CaseOutcome.FAILED in {case.outcome for case in cases}
    report = report_of(cases, exit_code=int(bad), log=log, artifacts=artifacts)
    return StoredRun("one.1.page", "one", 1, suite, "sandbox", "c0ffee" * 6, report, 1_000_000, 4_500_000, "s1")


class Tags(html.parser.HTMLParser):
    """The tags and addresses of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]


def test_a_page_says_what_came_of_a_run_failures_first_and_open(tmp_path: Path) -> None:
    page = write_page(run(PASSED, FAILED, FLAKY, artifacts=(keep("page.png", PICTURE, tmp_path),)))
    assert "<h1>page <i>failed</i></h1>" in page
    assert "one, attempt 1, on the sandbox, commit c0ffeec0ffee, 3.5 s" in page
    assert "1 failed, 1 flaky, 1 passed" in page
    assert page.index("test_price") < page.index("test_tax") < page.index("test_title")
    assert '<details class="failed" open>' in page
    assert '<details class="passed">' in page
    assert Tags(page).addresses == [
        next(uri for uri in Tags(page).addresses if uri.startswith("data:image/png;base64,"))
    ]


def test_a_flaky_run_says_so() -> None:
    assert "<i>flaky</i></h1>" in write_page(run(PASSED, FLAKY))
    assert "<i>passed</i></h1>" in write_page(run(PASSED))


def test_whatever_was_tried_is_text_on_the_page(tmp_path: Path) -> None:
    hostile = Case(HOSTILE, CaseOutcome.FAILED, 0.0, HOSTILE)
    picture = keep("page.png", PICTURE, tmp_path)
    named = Artifact(f"{HOSTILE}.png", picture.media_type, picture.path, picture.size, picture.sha256)
    page = Tags(write_page(run(hostile, log=HOSTILE, suite=HOSTILE, artifacts=(named,))))
    assert "script" not in page.tags
    assert page.tags.count("img") == 1
    assert [address for address in page.addresses if not address.startswith("data:image/png")] == []


def test_a_picture_that_is_gone_leaves_the_page_without_it(tmp_path: Path) -> None:
    picture = keep("page.png", PICTURE, tmp_path)
    picture.path.unlink()
    assert "<img" not in write_page(run(PASSED, artifacts=(picture,)))
