"""What comes of an attack, from what its probe told and what was seen from outside: pure."""

from collections.abc import Callable, Sequence

from orket_pipelines.sandboxes.attacks.model import Attempt, Ground, Judge, Seen, Target, Verdict

NO_WAY = frozenset({"ENETUNREACH", "EHOSTUNREACH", "EADDRNOTAVAIL", "EAFNOSUPPORT", "EPERM", "EACCES"})
"""How the kernel of a container says that nothing leads there: no answer of anybody is needed to know it."""
SLACK = 1.05
"""What is counted in blocks may come to a little more."""
SLOWER = 2.0
"""How many times slower a neighbour may get."""
UNFELT = 0.05
"""Seconds: an answer within them is as good as any, whatever it took before; and a machine that takes longer with
nothing to do for us is too busy to tell."""
SHOWN = 5


def refused(attempts: Sequence[Attempt], _ground: Ground, _seen: Seen) -> tuple[Verdict, str]:
    """Nothing that was tried succeeded."""
    if not attempts:
        return Verdict.NOT_TRIED, "the probe told nothing"
    if found := [each for each in attempts if each.succeeded]:
        return Verdict.BROKEN, _listed(found)
    return Verdict.HELD, f"{len(attempts)} attempts failed"


def unreached(targets: Callable[[Ground], Sequence[Target]]) -> Judge:
    """Nobody answered; and that there was somebody to answer, or no way at all, is known of at least one."""

    def judge(attempts: Sequence[Attempt], ground: Ground, seen: Seen) -> tuple[Verdict, str]:
        verdict, told = refused(attempts, ground, seen)
        if verdict is not Verdict.HELD:
            return verdict, told
        answering = {each.what for each in targets(ground) if each.reachable}
        proven = [each for each in attempts if each.told in NO_WAY or each.what in answering]
        if not proven:
            return Verdict.NOT_TRIED, "nobody answers this machine itself there: " + _listed(attempts)
        return Verdict.HELD, f"{len(proven)} of {len(attempts)} are out of reach; nobody is there to answer the rest"

    return judge


def bounded(what: str, bound: Callable[[Ground], int]) -> Judge:
    """What the probe came to is at most `bound`, and a neighbour hardly felt it."""

    def judge(attempts: Sequence[Attempt], ground: Ground, seen: Seen) -> tuple[Verdict, str]:
        if not attempts:
            return Verdict.NOT_TRIED, "the probe told nothing"
        most, limit = max(each.amount for each in attempts), bound(ground)
        if most > limit * SLACK:
            return Verdict.BROKEN, f"{most} {what}, where {limit} are allowed"
        return _felt(seen, f"{most} {what} of at most {limit}")

    return judge


def kept_log(attempts: Sequence[Attempt], ground: Ground, seen: Seen) -> tuple[Verdict, str]:
    """The engine keeps no more of a log than the limit, whatever was said, and a neighbour hardly felt it."""
    said = max((each.amount for each in attempts), default=0)
    if said <= ground.log:
        return Verdict.NOT_TRIED, f"only {said} bytes could be said, which is no flood"
    if seen.log > ground.log * SLACK:
        return Verdict.BROKEN, f"{seen.log} bytes are kept, where {ground.log} are allowed"
    return _felt(seen, f"{seen.log} bytes are kept of {said}")


def unheeded(attempts: Sequence[Attempt], ground: Ground, seen: Seen) -> tuple[Verdict, str]:
    """Nothing inside nor outside came of what was asked for."""
    if seen.strays:
        return Verdict.BROKEN, f"found: {', '.join(seen.strays[:SHOWN])}"
    return refused(attempts, ground, seen)


def percentile(seconds: Sequence[float], share: float = 0.95) -> float | None:
    """The nearest rank; None of nothing."""
    ordered = sorted(seconds)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)] if ordered else None


def _felt(seen: Seen, told: str) -> tuple[Verdict, str]:
    if seen.quiet is None or seen.loaded is None:
        return Verdict.BROKEN, f"{told}; but its neighbour did not answer"
    told += f"; its neighbour answered in {seen.loaded * 1000:.1f} ms (p95), before in {seen.quiet * 1000:.1f}"
    if seen.quiet > UNFELT:
        return Verdict.NOT_TRIED, f"{told}: this machine is too busy to tell"
    if seen.loaded > max(seen.quiet * SLOWER, UNFELT):
        return Verdict.BROKEN, told
    return Verdict.HELD, told


def _listed(attempts: Sequence[Attempt]) -> str:
    shown = [f"{each.what} ({each.told})" if each.told else each.what for each in attempts[:SHOWN]]
    more = len(attempts) - SHOWN
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")
