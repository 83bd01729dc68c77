"""What is made of a sandbox that is looked at."""

from orket_pipelines.sandboxes.judging import judge
from orket_pipelines.sandboxes.model import SandboxState
from orket_pipelines.sandboxes.runtime import Condition

FINE = {"api": 200, "web": 304}
RUNNING = {"api": Condition(), "web": Condition()}


def test_all_that_run_and_answer_are_fine() -> None:
    assert judge(RUNNING, FINE, {}) == (SandboxState.RUNNING, "")


def test_one_that_ended_makes_it_unhealthy_and_all_of_them_failed() -> None:
    gone = Condition("ended with code 1")
    assert judge({**RUNNING, "api": gone}, FINE, {}) == (SandboxState.UNHEALTHY, "api ended with code 1")
    assert judge({"api": gone}, FINE, {}) == (SandboxState.FAILED, "api ended with code 1")


def test_several_restarts_since_the_last_look_are_a_storm_and_one_is_an_accident() -> None:
    conditions = {"api": Condition(restarts=3)}
    assert judge(conditions, FINE, {"api": 1}) == (SandboxState.UNHEALTHY, "api was restarted 3 times")
    assert judge(conditions, FINE, {"api": 2}) == (SandboxState.RUNNING, "")
    assert judge(conditions, FINE, {"api": 3}) == (SandboxState.RUNNING, "")


def test_silence_and_errors_of_the_server_make_it_unhealthy() -> None:
    assert judge(RUNNING, {"api": None, "web": 200}, {}) == (SandboxState.UNHEALTHY, "api does not answer")
    assert judge(RUNNING, {"api": 404, "web": 502}, {}) == (SandboxState.UNHEALTHY, "web answers with status 502")
