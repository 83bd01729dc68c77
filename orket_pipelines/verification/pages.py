"""A test run as people read it: HTML that needs nothing else. What it tells is hostile, and is text there."""

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from string import Template

from orket_pipelines.verification.artifacts import screenshot_uri
from orket_pipelines.verification.model import BAD, Artifact, Case, CaseOutcome
from orket_pipelines.verification.records import StoredRun

TEMPLATES = Path(__file__).parent / "templates"
PICTURE_LIMIT = 4_000_000
"""Characters of one picture; of all together three times that."""
ORDER = ("failed", "errors", "flaky", "passed", "skipped")
OCCASIONS = {
    "head": "on the branch",
    "merged": "on the merged tree",
    "sandbox": "on the sandbox",
    "regression": "on the sandbox, for another card",
    "nightly": "on what had run for a while",
}


def framed(title: str, body: str) -> str:
    """A whole page that needs nothing besides: no script, no address, no font. `body` is HTML, `title` is text."""
    return _filled("page.html", title=escape(title), body=body)


def write_page(run: StoredRun) -> str:
    """The run with its failing cases open, its pictures in it, and everything else to be opened."""
    report = run.report
    about = f"{run.card_id}, attempt {run.attempt}, {occasion(run)}, {run.seconds:.1f} s"
    body = _filled(
        "report.html",
        suite=escape(run.suite),
        verdict=run.verdict,
        about=escape(about),
        bar=_bar(report.counts),
        counts=escape(describe_counts(report.counts)),
        details=details(run),
    )
    return framed(f"{run.suite} {run.verdict}: {run.card_id}", body)


def occasion(run: StoredRun) -> str:
    """What it ran on."""
    return f"{OCCASIONS.get(run.purpose, run.purpose)}, commit {run.commit[:12]}"


def details(run: StoredRun, *, room: int = 3 * PICTURE_LIMIT) -> str:
    """Its cases, pictures of at most `room` characters, what else it left, and the end of its output, as HTML."""
    report = run.report
    return _filled(
        "details.html",
        cases=_cases(report.cases),
        pictures=_pictures(report.artifacts, room),
        artifacts=_artifacts(report.artifacts),
        log=escape(report.log),
    )


def _filled(template: str, **texts: str) -> str:
    return Template((TEMPLATES / template).read_text()).substitute(**texts)


def describe_counts(counts: dict[str, int]) -> str:
    """As in `1 failed, 3 passed`."""
    told = [f"{counts[word]} {word}" for word in ORDER if counts.get(word)]
    return ", ".join(told) or "nothing that can be read was said"


def _bar(counts: dict[str, int]) -> str:
    return "".join(
        f'<span class="{word}" style="flex:{int(counts[word])}"></span>' for word in ORDER if counts.get(word)
    )


def _cases(cases: Sequence[Case]) -> str:
    """What did not pass first, then the rest in its order."""
    if not cases:
        return ""
    wanting = [case for case in cases if case.outcome in BAD | {CaseOutcome.FLAKY}]
    rest = [case for case in cases if case not in wanting]
    return "\n".join(["<h2>Cases</h2>", *map(_case, wanting), *map(_case, rest)])


def _case(case: Case) -> str:
    line = f"<b>{case.seconds:.2f} s</b>{escape(case.name)} <i>{case.outcome}</i>"
    told = f"<pre>{escape(case.message)}</pre>" if case.message else ""
    is_open = " open" if case.outcome in BAD | {CaseOutcome.FLAKY} else ""
    return f'<details class="{case.outcome}"{is_open}><summary>{line}</summary>{told}</details>'


def _pictures(artifacts: Iterable[Artifact], room: int) -> str:
    shown = []
    # Those of failed tests end so, and come first.
    for artifact in sorted(artifacts, key=lambda each: not each.name.endswith("-failed.png")):
        uri = screenshot_uri(artifact, limit=min(PICTURE_LIMIT, room))
        if uri is not None:
            room -= len(uri)
            name = escape(artifact.name)
            shown.append(f'<figure><img alt="{name}" src="{uri}"><figcaption>{name}</figcaption></figure>')
    return "\n".join(["<h2>Pictures</h2>", *shown]) if shown else ""


def _artifacts(artifacts: Sequence[Artifact]) -> str:
    if not artifacts:
        return ""
    rows = "".join(
        f"<tr><td>{escape(each.name)}</td><td>{each.size} bytes</td><td><code>{escape(each.path.name)}</code></td></tr>"
        for each in artifacts
    )
    return f"<h2>What it left</h2>\n<table>{rows}</table>"
