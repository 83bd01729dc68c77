"""A model that gives no answer is stood in for; a person may switch a session to another one."""

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from orket_pipelines.agents import run_session
from orket_pipelines.agents.model import Assignment
from orket_pipelines.agents.models import open_models
from orket_pipelines.agents.models.talk import Talk, Terms
from orket_pipelines.agents.records import get_session, list_sessions, switch_model, turns_of
from orket_pipelines.agents.tools.model import Desk
from orket_pipelines.cards.model import CardState
from orket_pipelines.clock import FakeClock
from orket_pipelines.errors import ModelError, OrketError
from orket_pipelines.settings import Settings
from orket_pipelines.store import read_events

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from tests.agents.conftest import ProtocolServer

DONE = {"state": "ready_for_testing", "summary": "It says hello."}


def settings_for(server: "ProtocolServer", **changes: Any) -> Settings:
    own = {"base_url": server.url, "retries": 0}
    given: dict[str, Any] = {
        "model": "first",
        "isolation": "process",
        "models": {"first": own | {"fallback": ["second"]}, "second": own, "third": own},
    }
    return Settings(**(given | changes))


def at(desk: Desk, settings: Settings) -> Desk:
    return replace(desk, settings=settings)


def asked(server: "ProtocolServer") -> list[str]:
    return [request["model"] for request in server.requests]


def happened(desk: Desk, kind: str) -> list[dict[str, Any]]:
    with desk.store.read() as tx:
        return [event.payload for event in read_events(tx, limit=100) if event.kind == kind]


def test_the_next_of_the_chain_answers_where_the_first_does_not(
    server: "ProtocolServer", desk: Desk, assignment: Assignment
) -> None:
    server.refuses(503, "overloaded")
    server.answers(write_file={"path": "a.txt", "content": "hello\n"})
    server.answers(request_state=DONE)
    settings = settings_for(server)
    assert run_session(at(desk, settings), open_models(settings), assignment).request is CardState.READY_FOR_TESTING
    # The first rests: it is not asked again with every turn.
    assert asked(server) == ["first", "second", "second"]
    with desk.store.read() as tx:
        (session,) = list_sessions(tx)
        assert [turn.model for turn in turns_of(tx, session.id)] == ["second", "second"]
    (silent,) = happened(desk, "model.silent")
    assert (silent["model"], silent["answered_by"], silent["turn"]) == ("first", "second", 1)
    assert silent["reason"] == "first gave no usable answer: HTTP 503: overloaded"


def test_where_none_of_the_chain_answers_each_reason_is_told_and_the_session_goes_on_later(
    server: "ProtocolServer", desk: Desk, assignment: Assignment
) -> None:
    server.refuses(503, "overloaded")
    server.refuses(401, "no such key")
    server.answers(request_state=DONE)
    settings = settings_for(server)
    with pytest.raises(ModelError, match=r"^first gave .* 503: overloaded; second gave .* 401: no such key$") as caught:
        run_session(at(desk, settings), open_models(settings), assignment)
    assert "models.first.base_url" in caught.value.next_step
    assert run_session(at(desk, settings), open_models(settings), assignment).request is CardState.READY_FOR_TESTING
    assert asked(server) == ["first", "second", "first"]


def test_a_model_that_rested_is_asked_first_again(server: "ProtocolServer") -> None:
    server.refuses(503)
    server.answers("from the second")
    settings, clock = settings_for(server), FakeClock()
    with Talk(open_models(settings), None, Terms([], settings, threading.Event(), clock)) as talk:
        talk.ask([])
        clock.advance(settings.model_rest - 1)
        talk.ask([])
        clock.advance(1)
        talk.ask([])
    assert asked(server) == ["first", "second", "second", "first"]


def test_a_session_goes_on_with_the_model_that_a_person_switched_it_to(
    server: "ProtocolServer", desk: Desk, assignment: Assignment
) -> None:
    server.answers(write_file={"path": "a.txt", "content": "hello\n"})
    server.refuses(503)
    settings = settings_for(server)
    with pytest.raises(ModelError):
        run_session(at(desk, settings), open_models(settings), assignment)
    with desk.store.write() as tx:
        (session,) = list_sessions(tx)
        switch_model(tx, session, "third")
    server._replies.clear()
    server.answers(request_state=DONE)
    assert run_session(at(desk, settings), open_models(settings), assignment).request is CardState.READY_FOR_TESTING
    assert asked(server) == ["first", "first", "second", "third"]
    assert [switch["model"] for switch in happened(desk, "session.model_switched")] == ["third"]
    with desk.store.write() as tx, pytest.raises(OrketError, match="is over"):
        switch_model(tx, get_session(tx, session.id), "first")


def test_a_running_session_is_switched_from_its_next_turn_on(
    server: "ProtocolServer", desk: Desk, assignment: Assignment
) -> None:
    def switch() -> None:
        with desk.store.write() as tx:
            switch_model(tx, list_sessions(tx)[0], "third")

    server.answers(write_file={"path": "a.txt", "content": "hello\n"}, meanwhile=switch)
    server.answers(request_state=DONE)
    settings = settings_for(server)
    run_session(at(desk, settings), open_models(settings), assignment)
    assert asked(server) == ["first", "third"]
