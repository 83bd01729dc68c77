"""What came of the suites, as one comment on the pull request, edited in place, with everything else attached."""

import hashlib
from collections.abc import Sequence

from orket_pipelines.delivery.model import SuiteRun
from orket_pipelines.delivery.work import Work
from orket_pipelines.store import effect_kind, perform
from orket_pipelines.store.effects import Result, repeatable
from orket_pipelines.verification.archives import NAME as ARCHIVE
from orket_pipelines.verification.archives import Archive, pack
from orket_pipelines.verification.findings import failing
from orket_pipelines.verification.pages import describe_counts
from orket_pipelines.verification.records import StoredRun
from orket_pipelines.verification.reports import shortened

COMMENT = effect_kind("forge.report_tests")
MARK = "<!-- orket: tests -->"
AUTHOR = "system"
CASES = 10
"""Cases that did not pass, that are named of each suite."""
NAME = 120


def tell_forge(work: Work, runs: Sequence[SuiteRun]) -> None:
    """Say on the attempt's pull request what came of it; said already is as good. Raises: ForgeError."""
    attempt, forge, number = work.attempt, work.factory.forge, work.attempt.pull_request
    if not runs or number is None:
        return
    body = write_comment(attempt.number, runs)

    def act() -> Result:
        archive = pack([_stored(work, run) for run in runs])
        told = f"{body}\n\n{describe_archive(archive)}"
        files = {ARCHIVE: archive.content}
        forge.put_comment(attempt.repository, number, author=AUTHOR, mark=MARK, body=told, files=files)
        return {"number": number}

    digest = hashlib.sha256(body.encode()).hexdigest()[:16]
    key = f"{work.card.id}:{attempt.number}:{digest}"
    intent = {"repository": attempt.repository, "number": number, "digest": digest}
    perform(work.store, COMMENT, key, subject=work.card.id, intent=intent, act=act, probe=repeatable)


def write_comment(attempt: int, runs: Sequence[SuiteRun]) -> str:
    """A table of the suites, and the names of what did not pass. The same for the same results."""
    bad = [run for run in runs if not run.report.passed]
    head = f"**{len(bad)} of {len(runs)} suites failed**" if bad else f"**All {len(runs)} suites passed**"
    rows = [f"| {_code(run.suite.name)} | {_verdict(run)} | {describe_counts(run.report.counts)} |" for run in runs]
    lines = [f"{head} on commit {_code(runs[0].commit[:12])}, attempt {attempt}.", ""]
    lines += ["| suite | verdict | cases |", "|---|---|---|", *rows, ""]
    for run in bad:
        lines += [
            f"- {_code(case.name)} of {_code(run.suite.name)}: {case.outcome}" for case in failing(run.report)[:CASES]
        ]
        lines.append(f"- the report: {_code(f'orket tests open {run.id}')}")
    return "\n".join(lines).strip()


def describe_archive(archive: Archive) -> str:
    """What is in it, and what is not."""
    left = archive.left_out
    more = f" There was no room for {len(left)} of their files: {', '.join(map(_code, left[:CASES]))}." if left else ""
    return f"Attached: {_code(ARCHIVE)}, with a page, the log, JUnit and pictures of each suite.{more}"


def _stored(work: Work, run: SuiteRun) -> StoredRun:
    """The run as it is about to be stored."""
    about = (run.suite.name, run.purpose, run.commit, run.report, run.started_at, run.ended_at or run.started_at)
    return StoredRun(run.id or "", work.card.id, work.attempt.number, *about, run.sandbox_id)


def _verdict(run: SuiteRun) -> str:
    if not run.report.passed:
        return "failed"
    return "flaky" if run.report.counts.get("flaky") else "passed"


def _code(text: str) -> str:
    """As code, in which nothing means anything: no markup, no mention, no row of a table."""
    plain = "".join(letter if letter.isprintable() and letter not in "`|" else " " for letter in text)
    return f"`{shortened(plain.strip(), NAME) or '-'}`"
