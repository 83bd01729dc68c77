"""Whether services answer, and what is said where they do not."""

import threading
from collections.abc import Iterable, Mapping
from itertools import pairwise

import pytest

from orket_pipelines.clock import FakeClock
from orket_pipelines.errors import Stopped
from orket_pipelines.sandboxes.probing import Silence, ask, await_answers, diagnose, listening_ports

TABLES = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1
   2: 0100007F:C350 0100007F:1F40 01 00000000:00000000 00:00000000 00000000     0        0 1 1
  sl  local_address                         remote_address                        st tx_queue rx_queue
   0: 00000000000000000000000001000000:0BB8 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000
   1: 00000000000000000000000000000000:0BB9 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000
"""


class Web:
    """Answers in the order given for each address, the last one for ever."""

    def __init__(self, **answers: Iterable[int | None]) -> None:
        self._answers = {f"http://{name}/": list(given) for name, given in answers.items()}

    def ask(self, url: str) -> int | None:
        given = self._answers[url]
        return given.pop(0) if len(given) > 1 else given[0]

    @property
    def addresses(self) -> dict[str, str]:
        return {url.removeprefix("http://").rstrip("/"): url for url in self._answers}


def wait(web: Web, clock: FakeClock, ended: Mapping[str, str] | None = None) -> Silence | None:
    stop = threading.Event()
    return await_answers(web.addresses, lambda: ended or {}, ask=web.ask, clock=clock, patience=10.0, stop=stop)


def test_a_service_is_healthy_when_it_has_answered_twice_in_a_row(clock: FakeClock) -> None:
    assert wait(Web(api=[None, 503, 200, None, 404, 302]), clock) is None


def test_a_service_that_does_not_answer_in_time_is_named_with_its_last_answer(clock: FakeClock) -> None:
    assert wait(Web(web=[200], api=[None, 500]), clock) == Silence("api", 500)
    assert wait(Web(web=[200], api=[None]), clock) == Silence("api", None)


def test_a_service_that_ended_is_not_waited_for(clock: FakeClock) -> None:
    began = clock.monotonic()
    assert wait(Web(api=[None]), clock, {"api": "ended with code 3"}) == Silence("api", None, "ended with code 3")
    assert clock.monotonic() - began < 2


def test_who_takes_long_is_asked_less_often_the_longer_it_takes(clock: FakeClock) -> None:
    began, asked = clock.monotonic(), list[float]()

    def tell(_: str) -> None:
        asked.append(clock.monotonic() - began)

    await_answers({"api": "http://api/"}, dict, ask=tell, clock=clock, patience=30.0, stop=threading.Event())
    pauses = [later - earlier for earlier, later in pairwise(asked)]
    assert pauses[:10] == pytest.approx([0.04] * 10), "as often as before, while a small service would start"
    assert pauses[-1] == pytest.approx(0.5)


def test_waiting_ends_when_a_stop_is_asked_for(clock: FakeClock) -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        await_answers({"api": "http://api/"}, dict, ask=lambda _: None, clock=clock, patience=10.0, stop=stop)


def test_nothing_that_listens_is_no_answer() -> None:
    assert ask("http://127.0.0.1:1/") is None


def test_the_kernel_tells_which_ports_others_reach() -> None:
    assert listening_ports(TABLES) == {8000: False, 80: True, 3000: False, 3001: True}


@pytest.mark.parametrize(
    ("silence", "listening", "said"),
    [
        (Silence("api", None, "ended with code 3"), None, "api ended with code 3"),
        (Silence("api", 503), {}, "api answers with status 503 on its health path"),
        (Silence("api"), None, "api did not answer on port 8000 within 10 s"),
        (
            Silence("api"),
            {8000: False},
            (
                "api did not answer on port 8000 within 10 s: it listens on localhost inside its container, "
                "where nobody reaches it; bind 0.0.0.0"
            ),
        ),
        (Silence("api"), {8000: True}, "api did not answer on port 8000 within 10 s, though it listens there"),
        (
            Silence("api"),
            {5000: True, 80: False},
            "api did not answer on port 8000 within 10 s: it listens on 80, 5000 and not on the port in PORT",
        ),
        (Silence("api"), {}, "api did not answer on port 8000 within 10 s: it listens nowhere"),
    ],
)
def test_a_silent_service_is_diagnosed(silence: Silence, listening: dict[int, bool] | None, said: str) -> None:
    assert diagnose(silence, 8000, listening, 10.0) == said
