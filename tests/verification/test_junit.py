"""JUnit reports, as pytest writes them and as nobody should."""

import time

import pytest

from orket_pipelines.verification import Case, CaseOutcome
from orket_pipelines.verification.junit import UnreadableReport, read_junit

pytestmark = pytest.mark.slow

REPORT = """<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests"><testsuite name="pytest" tests="4">
  <testcase classname="page" name="test_a" time="0.5" />
  <testcase classname="page" name="test_b" time="1e400">
    <failure message="no &lt;h1&gt;">trace: no &lt;h1&gt;</failure></testcase>
  <testcase name="test_c" time="-1"><error message="broken">at line 1</error></testcase>
  <testcase classname="page" time="soon"><skipped message="later"/></testcase>
</testsuite></testsuites>"""


def test_the_cases_of_a_report_are_read() -> None:
    assert read_junit(REPORT.encode()) == [
        Case("page.test_a", CaseOutcome.PASSED, 0.5),
        Case("page.test_b", CaseOutcome.FAILED, 0.0, "trace: no <h1>"),
        Case("test_c", CaseOutcome.ERROR, 0.0, "broken\nat line 1"),
        Case("page.unnamed", CaseOutcome.SKIPPED, 0.0, "later\n"),
    ]


BOMB = (
    '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x0 "ha">'
    + "".join(f'<!ENTITY x{number} "{f"&x{number - 1};" * 10}">' for number in range(1, 10))
    + "]><testsuite><testcase name='&x9;'/></testsuite>"
)
OUTSIDE = (
    '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><testsuite><testcase name="a">&x;</testcase></testsuite>'
)


@pytest.mark.parametrize(
    ("report", "told"),
    [
        (b"", "cannot be read: no element found"),
        (b"passed", "cannot be read: syntax error"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b'<?xml version="1.0" encoding="nonsense"?><testsuite/>', "cannot be read"),
        (b"<html><testcase/></html>", "is something else: <html>"),
        (BOMB.encode(), "cannot be read"),
        (OUTSIDE.encode(), "cannot be read"),
        (b"<testsuite>" + b'<testcase name="a"/>' * 100_000 + b"</testsuite>", "has more than 2000 cases"),
        (b"<testsuite>" + b" " * 5_000_000 + b"</testsuite>", "is larger than 5 MB"),
        (b"<testsuite>" + b"<a>" * 500_000, "cannot be read"),
    ],
)
def test_a_hostile_report_is_refused_at_once(report: bytes, told: str) -> None:
    began = time.process_time()
    with pytest.raises(UnreadableReport, match=told):
        read_junit(report)
    assert time.process_time() - began < 5


def test_a_report_of_bottomless_elements_is_read_like_any_other() -> None:
    deep = b"<a>" * 300_000 + b"</a>" * 300_000
    assert len(read_junit(b'<testsuite><testcase name="a">' + deep + b"</testcase></testsuite>")) == 1


def test_names_and_messages_are_kept_short() -> None:
    failure = f'<failure message="{"m" * 10_000}"/>'
    (case,) = read_junit(f'<testsuite><testcase name="{"n" * 10_000}">{failure}</testcase></testsuite>'.encode())
    assert (len(case.name), len(case.message)) == (200, 4_000)
