"""Seals the report of a run, loaded by pytest where a suite runs: at its very end pytest says what it wrote.

The key comes in the environment, which this module takes it out of before any test is imported. A process that ends in
another way than by pytest's own end leaves no seal, and a report that is rewritten afterwards does not fit its seal.
The factory reads seals with the same functions.
"""

import hashlib
import hmac
import os
from pathlib import Path
from typing import Any

KEY = "E2E_SEAL"
"""The variable that the key comes in."""
PREFIX = "orket-seal"

_run: dict[str, Any] = {}


def pytest_configure() -> None:
    """Take the key away before any test is imported."""
    _run["key"] = os.environ.pop(KEY, "")


def pytest_sessionfinish(session: Any) -> None:
    """Remember the session, whose exit code others may still change."""
    _run["session"] = session


def pytest_unconfigure(config: Any) -> None:
    """Say the seal, once the report is written."""
    if "session" in _run:
        report = Path(config.option.xmlpath)
        content = report.read_bytes() if report.is_file() else b""
        # Whatever stands before it on the line is not pytest's.
        print("\n" + seal_line(_run["key"], int(_run["session"].exitstatus), content), flush=True)  # noqa: T201


def seal_line(key: str, exit_code: int, report: bytes) -> str:
    """What stands for a report and the exit code that goes with it."""
    told = f"{exit_code} {hashlib.sha256(report).hexdigest()}"
    return f"{PREFIX} {exit_code} {hmac.new(key.encode(), told.encode(), hashlib.sha256).hexdigest()}"
