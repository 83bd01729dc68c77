"""`orket dev`, short of starting Dagster: what it says of a port that is taken, and what it hands over."""

import socket
from datetime import UTC, datetime
from pathlib import Path

import pytest

from orket_pipelines.errors import OrketError
from orket_pipelines.server.dagster_home import SINCE, write_dagster_home
from orket_pipelines.server.dev import command, demand_free, environment
from orket_pipelines.settings import load_settings
from orket_pipelines.store import Store, append


def test_a_port_that_is_taken_is_one_clear_line_and_a_next_step() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OrketError, match=f"port {port} of 127.0.0.1 is not free") as refused:
            demand_free(port)
    assert refused.value.next_step.endswith(f"orket dev --port {port + 1}")


def test_the_ui_listens_on_this_machine_alone() -> None:
    assert command(3000)[-4:] == ["-h", "127.0.0.1", "-p", "3000"]


def test_paths_are_handed_over_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    given = environment(load_settings(home=Path("here")))
    assert given["ORKET_HOME"] == str(tmp_path / "here")
    assert given["DAGSTER_HOME"] == str(tmp_path / "here" / "dagster")


def test_the_first_day_is_that_of_the_first_event(tmp_path: Path) -> None:
    settings = load_settings(home=tmp_path)
    store = Store.open(settings.store_url)
    with store.write() as tx:
        append(tx, "card.created", "shop", {})
    store.close()
    today = datetime.now(tz=UTC).date().isoformat()
    assert (write_dagster_home(settings) / SINCE).read_text() == today
