"""A rock as one page that needs nothing besides: what happened, its issues with every try, its bug-fix phase.

What agents, people and tests said was written by anybody, and is text there.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from string import Template

from orket_pipelines.bugs.page import section
from orket_pipelines.cards.model import CardState
from orket_pipelines.delivery.model import Feedback
from orket_pipelines.reports.narration import tell
from orket_pipelines.reports.stories import AttemptStory, IssueStory, RockStory
from orket_pipelines.verification.pages import PICTURE_LIMIT, describe_counts, details, framed, occasion
from orket_pipelines.verification.records import StoredRun

TEMPLATE = Path(__file__).with_name("rock.html")
PICTURES = 4 * PICTURE_LIMIT
"""Characters of all pictures together; each run has its share."""


def rock_page(story: RockStory) -> str:
    """The whole page."""
    rock, runs = story.rock, _runs_of(story)
    room = PICTURES // max(1, sum(bool(run.report.artifacts) for run in runs))
    body = Template(TEMPLATE.read_text()).substitute(
        name=escape(rock.name),
        state=escape(rock.state),
        about=escape(about(story)),
        sandbox=escape(_sandbox(story)),
        issues="\n".join(_issue(issue, room) for issue in story.issues) or "<p>It has no issues.</p>",
        again=_again(story.runs, room),
        phase="" if story.phase is None else f"<h1>Its bug-fix phase</h1>\n{section(story.phase)}",
        told=_told(story),
    )
    return framed(f"{rock.name} ({rock.id})", body)


def about(story: RockStory) -> str:
    """The rock in a sentence or two."""
    done = sum(issue.card.state is CardState.DONE for issue in story.issues)
    attempts = sum(len(issue.attempts) for issue in story.issues)
    runs = _runs_of(story)
    failed = sum(not run.report.passed for run in runs)
    spent = story.spent
    unpriced = f" and {spent['unpriced']:g} turns of unknown price" if spent["unpriced"] else ""
    return (
        f"{done} of {len(story.issues)} issues are done, in {attempts} attempts. Suites ran {len(runs)} times, "
        f"{failed} of them failed. Agents took {spent['turns']:g} turns in {spent['sessions']:g} sessions, which cost "
        f"{spent['usd']:g} USD{unpriced}."
    )


def _runs_of(story: RockStory) -> list[StoredRun]:
    tries = (each for issue in story.issues for each in issue.attempts)
    return [*(run for each in tries for run in each.runs), *story.runs]


def _sandbox(story: RockStory) -> str:
    found = story.sandbox
    if found is None:
        return "Nothing was deployed."
    where = f" at {found.url}" if found.url else ""
    return f"Its sandbox is {found.state}{where}, commit {found.commit[:12]}. {found.meanwhile}".rstrip()


def _issue(issue: IssueStory, room: int) -> str:
    card = issue.card
    head = f"<h3>{escape(card.name)} <i>{escape(card.state)}</i></h3>\n<small>{escape(card.id)}</small>"
    tries = "\n".join(_attempt(each, room) for each in issue.attempts) or "<p>Nobody has begun it.</p>"
    return f'<article id="{escape(card.id)}">\n{head}\n{tries}\n</article>'


def _attempt(each: AttemptStory, room: int) -> str:
    """What was said and what was run, each in its order."""
    attempt = each.attempt
    request = f", pull request #{attempt.pull_request}" if attempt.pull_request else ""
    merged = f", merged as {attempt.merge_commit[:12]}" if attempt.merge_commit else ""
    head = f"<h4>Attempt {attempt.number}: branch {escape(attempt.branch)}{request}{merged}</h4>"
    parts = [(said.at, _said(said)) for said in each.said] + [(run.ended_at, _run(run, room)) for run in each.runs]
    return "\n".join(["<article>", head, *(part for _, part in sorted(parts, key=lambda part: part[0])), "</article>"])


def _said(said: Feedback) -> str:
    line = f"{escape(said.author)}: {escape(said.kind.replace('_', ' '))} <i>commit {escape(said.commit[:12])}</i>"
    return f"<details><summary>{line}</summary><pre>{escape(said.body)}</pre></details>"


def _run(run: StoredRun, room: int) -> str:
    """Open where it failed, as that is what a reader looks for."""
    counts = escape(describe_counts(run.report.counts))
    line = f"<b>{run.seconds:.1f} s</b>suite {escape(run.suite)} {escape(occasion(run))} <i>{run.verdict}</i>, {counts}"
    is_open = "" if run.report.passed else " open"
    inside = details(run, room=room)
    return f'<details class="{run.verdict}"{is_open}><summary>{line}</summary><article>{inside}</article></details>'


def _again(runs: Sequence[StoredRun], room: int) -> str:
    shown = "\n".join(_run(run, room) for run in runs)
    return f"<h2>What ran, tried again at night</h2>\n{shown}" if shown else ""


def _told(story: RockStory) -> str:
    lines = ((event.at, tell(event)) for event in story.told)
    return _rows((_when(at), line) for at, line in lines if line)


def _rows(rows: Iterable[tuple[str, str]]) -> str:
    return "".join(f"<tr><td>{escape(when)}</td><td>{escape(line)}</td></tr>\n" for when, line in rows)


def _when(at: int) -> str:
    return f"{datetime.fromtimestamp(at / 1e6, UTC):%Y-%m-%d %H:%M:%S}"
