"""What a machine lacks is skipped by a developer, and never by CI."""

from collections.abc import Callable

import pytest

Require = Callable[[str, bool, str], None]


def test_what_is_there_is_no_reason_to_skip(require: Require) -> None:
    require("docker", True, "")


def test_what_is_missing_skips(require: Require, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORKET_REQUIRE", "browser")

    with pytest.raises(pytest.skip.Exception, match="no engine"):
        require("docker", False, "there is no engine")


def test_what_is_missing_but_required_fails(require: Require, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORKET_REQUIRE", "browser,docker")

    with pytest.raises(pytest.fail.Exception, match="ORKET_REQUIRE names docker, but there is no engine"):
        require("docker", False, "there is no engine")
