from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from todo.__main__ import main


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What uvicorn was asked to serve, instead of serving it."""
    served: list[dict[str, Any]] = []
    monkeypatch.setattr("uvicorn.run", lambda app, **options: served.append({"app": app, **options}))
    return served


def test_only_this_machine_is_served_unless_told_otherwise(served: list[dict[str, Any]], tmp_path: Path) -> None:
    main(["--database", str(tmp_path / "todo.db")])
    [options] = served
    assert isinstance(options["app"], FastAPI)
    assert (options["host"], options["port"]) == ("127.0.0.1", 8000)


def test_address_and_port_are_options(served: list[dict[str, Any]], tmp_path: Path) -> None:
    main(["--database", str(tmp_path / "todo.db"), "--host", "0.0.0.0", "--port", "9000"])
    [options] = served
    assert (options["host"], options["port"]) == ("0.0.0.0", 9000)


def test_a_port_must_be_a_number(served: list[dict[str, Any]], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--port", "http"])
    assert "invalid int value: 'http'" in capsys.readouterr().err
    assert served == []
