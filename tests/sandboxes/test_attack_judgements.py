"""What is made of what probes tell: recorded answers of walls that stood, and of walls that did not."""

import re
from pathlib import Path

import pytest

from orket_pipelines.sandboxes.attacks.catalog import ATTACKS
from orket_pipelines.sandboxes.attacks.judging import bounded, kept_log, percentile, refused, unheeded, unreached
from orket_pipelines.sandboxes.attacks.model import Attack, Attempt, Ground, Seen, Target, Verdict

QUICK = Seen(quiet=0.005, loaded=0.006)


@pytest.fixture
def ground() -> Ground:
    near, far = Target("10.0.0.1", 80, reachable=True), Target("1.1.1.1", 443)
    return Ground((near, far), (), (), (), (), 1, memory=1000, processes=100, log=500, secret="s")


def test_every_attack_has_a_name_and_a_sentence_of_its_own() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) == 18
    assert len({attack.claim for attack in ATTACKS}) == len(ATTACKS)
    assert all(attack.claim.endswith(".") for attack in ATTACKS)


def test_the_documents_promise_what_is_attacked_and_nothing_else() -> None:
    written = (Path(__file__).parents[2] / "docs" / "SANDBOXES.md").read_text()
    section = written.partition("## What contains what")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+) \|$", section, re.MULTILINE)
    assert rows == [(attack.name, attack.claim) for attack in ATTACKS]


def test_one_attempt_that_succeeded_is_a_hole(ground: Ground) -> None:
    attempts = [Attempt("mount", succeeded=False), Attempt("keyctl", succeeded=True, told="done")]
    assert refused(attempts, ground, Seen()) == (Verdict.BROKEN, "keyctl (done)")
    assert refused(attempts[:1], ground, Seen()) == (Verdict.HELD, "1 attempts failed")


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
def test_a_probe_that_told_nothing_has_tried_nothing(attack: Attack, ground: Ground) -> None:
    assert attack.judge([], ground, QUICK)[0] is Verdict.NOT_TRIED


@pytest.mark.parametrize(
    ("what", "told", "verdict"),
    [
        ("10.0.0.1:80", "timeout", Verdict.HELD),
        ("1.1.1.1:443", "ENETUNREACH", Verdict.HELD),
        ("1.1.1.1:443", "timeout", Verdict.NOT_TRIED),
    ],
)
def test_silence_proves_a_wall_only_where_there_is_no_way_or_somebody_behind_it(
    what: str, told: str, verdict: Verdict, ground: Ground
) -> None:
    judge = unreached(lambda g: g.outside)
    assert judge([Attempt(what, succeeded=False, told=told)], ground, Seen())[0] is verdict
    assert judge([Attempt(what, succeeded=True, told="ECONNREFUSED")], ground, Seen())[0] is Verdict.BROKEN


@pytest.mark.parametrize(
    ("amount", "seen", "verdict"),
    [
        (100, QUICK, Verdict.HELD),
        (106, QUICK, Verdict.BROKEN),
        (100, Seen(quiet=0.03, loaded=0.059), Verdict.HELD),
        (100, Seen(quiet=0.03, loaded=0.061), Verdict.BROKEN),
        (100, Seen(quiet=0.002, loaded=0.049), Verdict.HELD),
        (100, Seen(quiet=0.002, loaded=0.051), Verdict.BROKEN),
        (100, Seen(quiet=0.051, loaded=0.052), Verdict.NOT_TRIED),
        (100, Seen(quiet=0.002), Verdict.BROKEN),
    ],
)
def test_a_bomb_is_held_within_its_limit_and_its_neighbour_within_twice_the_time(
    amount: int, seen: Seen, verdict: Verdict, ground: Ground
) -> None:
    judge = bounded("processes", lambda g: g.processes)
    assert judge([Attempt("processes", succeeded=False, amount=amount)], ground, seen)[0] is verdict


def test_a_log_that_is_kept_whole_is_a_hole_and_a_trickle_is_no_flood(ground: Ground) -> None:
    flood, trickle = ([Attempt("log", succeeded=False, amount=amount)] for amount in (10_000, 500))
    assert kept_log(flood, ground, Seen(log=500, quiet=0.005, loaded=0.005))[0] is Verdict.HELD
    assert kept_log(flood, ground, Seen(log=10_000, quiet=0.005, loaded=0.005))[0] is Verdict.BROKEN
    assert kept_log(trickle, ground, Seen(log=500, quiet=0.005, loaded=0.005))[0] is Verdict.NOT_TRIED


def test_what_nobody_asked_for_is_a_hole_whatever_the_probe_tells(ground: Ground) -> None:
    fine = [Attempt("/host", succeeded=False)]
    assert unheeded(fine, ground, Seen())[0] is Verdict.HELD
    assert unheeded(fine, ground, Seen(strays=("container x",))) == (Verdict.BROKEN, "found: container x")


@pytest.mark.parametrize(("seconds", "found"), [([], None), ([3.0, 1.0], 3.0), ([*range(100)], 95)])
def test_the_percentile_is_one_of_what_was_measured(seconds: list[float], found: float | None) -> None:
    assert percentile(seconds) == found
