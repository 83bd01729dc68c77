"""JUnit reports. What was tested ran in the process that wrote them: hostile."""

import math
from collections.abc import Iterator
from typing import Any

from defusedxml import ElementTree
from defusedxml.common import DefusedXmlException

from orket_pipelines.errors import OrketError
from orket_pipelines.verification.model import Case, CaseOutcome
from orket_pipelines.verification.reports import NAME_LIMIT, shortened

SIZE_LIMIT = 5_000_000
"""Bytes of one report."""
CASE_LIMIT = 2_000
_outcomes = {"failure": CaseOutcome.FAILED, "error": CaseOutcome.ERROR, "skipped": CaseOutcome.SKIPPED}


class UnreadableReport(OrketError):
    """A JUnit report cannot be used; the message says why."""


def read_junit(data: bytes) -> list[Case]:
    """The cases of a report, in order; a case that failed and then could not be taken down stands there twice.

    Raises: UnreadableReport where it is too large, no XML, has entities, or has more cases than anybody writes.
    """
    if len(data) > SIZE_LIMIT:
        raise UnreadableReport(f"the JUnit report is larger than {SIZE_LIMIT // 1_000_000} MB")
    try:
        root = ElementTree.fromstring(data, forbid_dtd=True)
    except (ElementTree.ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as error:
        raise UnreadableReport(f"the JUnit report cannot be read: {shortened(str(error), 200)}") from error
    if root.tag not in {"testsuites", "testsuite"}:
        raise UnreadableReport(f"the JUnit report is something else: <{shortened(root.tag, 60)}>")
    return list(_cases(root))


def _cases(root: Any) -> Iterator[Case]:
    for number, node in enumerate(root.iter("testcase")):
        if number >= CASE_LIMIT:
            raise UnreadableReport(f"the JUnit report has more than {CASE_LIMIT} cases")
        yield _case(node)


def _case(node: Any) -> Case:
    place = [node.get("classname") or "", node.get("name") or "unnamed"]
    name = shortened(".".join(part for part in place if part), NAME_LIMIT)
    for child in node:
        if child.tag in _outcomes:
            message, text = child.get("message") or "", child.text or ""
            told = text if message in text else f"{message}\n{text}"
            return Case(name, _outcomes[child.tag], _seconds(node.get("time")), shortened(told))
    return Case(name, CaseOutcome.PASSED, _seconds(node.get("time")))


def _seconds(text: str | None) -> float:
    """0 where it is no duration."""
    try:
        seconds = float(text or 0)
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) and seconds >= 0 else 0.0
