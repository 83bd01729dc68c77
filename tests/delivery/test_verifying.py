"""What was merged is put to work, and only what works is done."""

import io
import threading
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from orket_pipelines.cards.bugs import bugs_of
from orket_pipelines.cards.model import Card, CardKind, CardState
from orket_pipelines.cards.records import comments_of, get_card, insert_cards, update_card
from orket_pipelines.delivery import Factory, Result, deliver_rock
from orket_pipelines.delivery.model import FeedbackKind
from orket_pipelines.delivery.records import feedback_of, last_attempt
from orket_pipelines.delivery.stage import Stage
from orket_pipelines.sandboxes import Deployment, MemorySandboxes, Sandbox, Sandboxes
from orket_pipelines.sandboxes.model import Tell, nobody
from orket_pipelines.sandboxes.records import sandbox_of_rock
from orket_pipelines.store import read_events
from orket_pipelines.verification.fake import MemoryBrowsers
from orket_pipelines.verification.model import Browsers, Case, CaseOutcome, Suite, SuiteKind, SuiteReport, Target
from orket_pipelines.verification.records import artifacts_of
from orket_pipelines.verification.reports import report_of
from orket_pipelines.verification.running import run_suite

from .conftest import APPROVE, READY, Line, scene, write

pytestmark = pytest.mark.slow

PAGE = {"name": "page", "kind": "e2e", "file": "page.py", "source": "def test_page(page): ...", "digest": "d"}
Answer = Callable[[Suite, Target], SuiteReport]


def verdict(*, passed: bool) -> SuiteReport:
    case = Case("test_page", CaseOutcome.PASSED if passed else CaseOutcome.FAILED, 0.1, "" if passed else "no heading")
    return report_of([case], exit_code=0 if passed else 1, log="the page was tried: no heading")


def in_memory(suite: Suite, target: Target, *, browsers: Browsers, **about: Any) -> SuiteReport:
    """Nothing listens here, so that suites that need it are answered by the fake."""
    if suite.kind is SuiteKind.HEALTHY:
        return browsers.run(suite, target, **about)
    return run_suite(suite, target, browsers=browsers, **about)


@pytest.fixture
def staged(line: Line) -> Callable[..., Factory]:
    """The line with a stage of fakes."""

    def stage(answer: Answer | None = None, *, serves: bool = True, sandboxes: Sandboxes | None = None) -> Factory:
        fakes = Stage(sandboxes or MemorySandboxes(line.store), MemoryBrowsers(answer), lambda _: serves, in_memory)
        return replace(line.factory, stage=fakes)

    return stage


@pytest.fixture
def paged(line: Line) -> Line:
    """A rock that declares a suite, and an issue that must pass it."""
    rock = Card("shop", CardKind.ROCK, "Shop", rock_id="shop", details={"suites": [PAGE], "verified_by": []})
    epic = Card("shop-epic", CardKind.EPIC, "Epic", parent_id="shop", rock_id="shop")
    with line.store.write() as tx:
        insert_cards(tx, [rock, epic])
    return line


def issue(line: Line, name: str, *suites: str, **values: Any) -> None:
    about = {"parent_id": "shop-epic", "rock_id": "shop", "details": {"verified_by": list(suites)}}
    with line.store.write() as tx:
        insert_cards(tx, [Card(name, CardKind.ISSUE, name, **(about | values))])


def deliver(factory: Factory, rock: str = "shop") -> dict[str, Any]:
    return {found.card.id: found for found in deliver_rock(factory, rock, stop=threading.Event())}


def events(line: Line, kind: str) -> list[dict[str, Any]]:
    with line.store.read() as tx:
        return [event.payload for event in read_events(tx, limit=1_000) if event.kind == kind]


def test_a_merge_is_deployed_and_tried_before_the_card_is_done(paged: Line, staged: Callable[..., Factory]) -> None:
    issue(paged, "one", "page")
    assert deliver(staged())["one"].result is Result.DONE
    with paged.store.read() as tx:
        sandbox, attempt = sandbox_of_rock(tx, "shop"), last_attempt(tx, "one")
        pictures = artifacts_of(tx, "one.1.page", home=paged.settings.home)
    assert sandbox is not None
    assert attempt is not None
    assert sandbox.commit == attempt.merge_commit
    assert [picture.media_type for picture in pictures] == ["image/png"]
    assert all(picture.path.is_file() for picture in pictures)
    runs = [(run["suite"], run["purpose"], run["passed"]) for run in events(paged, "tests.finished")]
    assert runs == [("project", "head", True), ("healthy", "sandbox", True), ("page", "sandbox", True)]
    assert [told["commit"] for told in events(paged, "card.deployed")] == [sandbox.commit]


def test_what_fails_at_work_comes_back_as_the_next_attempt_with_the_report(
    paged: Line, staged: Callable[..., Factory]
) -> None:
    issue(paged, "one", "page")
    again = [scene("verification_failed", write("work.txt", "mended\n"), READY)]
    coder = [scene("work", write("work.txt", "done\n"), READY), *again]
    paged.scripts = {"one": {"coder": coder, "integrity_guard": [scene("review", APPROVE)]}}
    asked: list[str] = []

    def answer(_suite: Suite, _target: Target) -> SuiteReport:
        asked.append("page")
        return verdict(passed=len(asked) > 1)

    paged.settings = paged.settings.model_copy(update={"rerun_failed_suites": False})
    assert deliver(staged(answer))["one"].result is Result.DONE
    with paged.store.read() as tx:
        feedback, attempt, card = feedback_of(tx, "one"), last_attempt(tx, "one"), get_card(tx, "one")
    failed = [found for found in feedback if found.kind is FeedbackKind.VERIFICATION_FAILED]
    assert [found.attempt for found in failed] == [1]
    assert "no heading" in failed[0].body
    assert (attempt.number if attempt else 0, card.attempt) == (2, 2)
    assert len(events(paged, "pull_request.merged")) == 2


def test_the_pull_request_says_what_came_of_the_suites(paged: Line, staged: Callable[..., Factory]) -> None:
    issue(paged, "one", "page")
    hostile = Case("a|b`c</td> @everybody\n# no", CaseOutcome.FAILED, 0.1, "no")
    paged.settings = paged.settings.model_copy(update={"rework_limit": 0})

    def answer(suite: Suite, _target: Target) -> SuiteReport:
        return verdict(passed=True) if suite.name == "healthy" else report_of([hostile], exit_code=1, log="")

    deliver(staged(answer))
    [comment] = paged.forge.comments("shop", 1)
    with paged.store.read() as tx:
        sandbox = sandbox_of_rock(tx, "shop")
    assert sandbox is not None
    assert comment.body == (
        f"<!-- orket: tests -->\n**1 of 2 suites failed** on commit `{sandbox.commit[:12]}`, attempt 1.\n\n"
        "| suite | verdict | cases |\n|---|---|---|\n"
        "| `healthy` | passed | 1 passed |\n| `page` | failed | 1 failed |\n\n"
        "- `a b c</td> @everybody # no` of `page`: failed\n- the report: `orket tests open one.1.page`\n\n"
        "Attached: `test-report.zip`, with a page, the log, JUnit and pictures of each suite."
    )
    [attached] = comment.attachments
    packed = paged.forge.attachment("shop", 1, attached)
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        names = ["healthy/report.html", "healthy/log.txt", "page/report.html", "page/log.txt"]
        assert archive.namelist() == names
        assert "&lt;/td&gt; @everybody" in archive.read("page/report.html").decode()


def test_a_suite_that_passes_when_it_is_tried_again_is_flaky_and_says_so(
    paged: Line, staged: Callable[..., Factory]
) -> None:
    issue(paged, "one", "page")
    asked: list[str] = []

    def answer(suite: Suite, _target: Target) -> SuiteReport:
        asked.append(suite.name)
        return verdict(passed=suite.name == "healthy" or asked.count("page") > 1)

    assert deliver(staged(answer))["one"].result is Result.DONE
    [run] = [run for run in events(paged, "tests.finished") if run["suite"] == "page"]
    assert (run["passed"], run["counts"], run["exit_code"]) == (True, {"flaky": 1}, 0)
    assert asked == ["healthy", "page", "page"]


def test_the_same_failure_three_times_calls_the_architect_and_once_more_a_person(
    paged: Line, staged: Callable[..., Factory]
) -> None:
    issue(paged, "one", "page")
    coder = [scene("work", write("work.txt", "done\n"), READY)]
    coder += [scene("verification_failed", write("work.txt", f"{visit}\n"), READY, visit=visit) for visit in (1, 2, 3)]
    advice = scene("stuck", {"submit_guidance": {"body": "give the page a heading"}})
    guard = [scene("review", APPROVE)]
    paged.scripts = {"one": {"coder": coder, "integrity_guard": guard, "lead_architect": [advice]}}
    answers = {"healthy": True, "page": False}
    delivered = deliver(staged(lambda suite, _target: verdict(passed=answers[suite.name])))["one"]
    assert delivered.result is Result.WAITING
    assert "failed 4 times in the same way, also after the architect's advice: Suite page failed" in delivered.reason
    with paged.store.read() as tx:
        kinds = [found.kind for found in feedback_of(tx, "one")]
    failed = [index for index, kind in enumerate(kinds) if kind is FeedbackKind.VERIFICATION_FAILED]
    assert len(failed) == 4
    assert failed[2] < kinds.index(FeedbackKind.GUIDANCE) < failed[3]


def test_the_author_is_told_the_failing_case_its_picture_and_what_the_sandbox_said(
    paged: Line, staged: Callable[..., Factory]
) -> None:
    paged.settings = paged.settings.model_copy(update={"rework_limit": 0})
    issue(paged, "one", "page")

    class Talking(MemorySandboxes):
        def logs(self, sandbox: Sandbox, *, tail: int = 200, stamped: bool = False) -> dict[str, str]:
            return {"app": "GET / 200\n" * 50 + "KeyError: 'heading'\nGET / 500\n"}

    def answer(suite: Suite, target: Target) -> SuiteReport:
        return verdict(passed=suite.name != "page")

    deliver(staged(answer, sandboxes=Talking(paged.store)))
    with paged.store.read() as tx:
        [body] = [found.body for found in feedback_of(tx, "one") if found.kind is FeedbackKind.VERIFICATION_FAILED]
    assert body.startswith("Suite page failed on commit ")
    assert "1 of 1 cases did not pass" in body
    assert "test_page: failed after 0.1 s\nno heading" in body
    assert "Service app of the sandbox said:" in body
    assert "KeyError: 'heading'" in body
    assert len(body) < 1_500


def test_a_commit_that_cannot_be_deployed_comes_back_with_its_log(paged: Line, staged: Callable[..., Factory]) -> None:
    issue(paged, "one")
    broken: dict[str, str] = {}

    class FirstFails(MemorySandboxes):
        def deploy(self, deployment: Deployment, *, stop: threading.Event, tell: Tell = nobody) -> Sandbox:
            if not broken:
                broken[deployment.commit] = "ModuleNotFoundError: todo"
            return MemorySandboxes(self.store, broken).deploy(deployment, stop=stop)

    again = [scene("verification_failed", write("work.txt", "mended\n"), READY)]
    coder = [scene("work", write("work.txt", "done\n"), READY), *again]
    paged.scripts = {"one": {"coder": coder, "integrity_guard": [scene("review", APPROVE)]}}
    assert deliver(staged(sandboxes=FirstFails(paged.store)))["one"].result is Result.DONE
    with paged.store.read() as tx:
        failed = [found.body for found in feedback_of(tx, "one") if found.kind is FeedbackKind.VERIFICATION_FAILED]
    assert len(failed) == 1
    assert "ModuleNotFoundError: todo" in failed[0]


def test_a_suite_that_a_card_names_and_nobody_declares_never_passes(
    paged: Line, staged: Callable[..., Factory]
) -> None:
    paged.settings = paged.settings.model_copy(update={"rework_limit": 1})
    issue(paged, "one", "pages")
    coder = [scene("work", write("work.txt", "done\n"), READY)]
    coder += [scene("verification_failed", write("work.txt", f"{visit}\n"), READY, visit=visit) for visit in (1, 2)]
    paged.scripts = {"one": {"coder": coder, "integrity_guard": [scene("review", APPROVE)]}}
    delivered = deliver(staged())["one"]
    assert delivered.result is Result.WAITING
    assert "pages" in delivered.reason


def test_what_is_declared_fails_where_nothing_serves(paged: Line, staged: Callable[..., Factory]) -> None:
    paged.settings = paged.settings.model_copy(update={"rework_limit": 1})
    issue(paged, "one", "page")
    coder = [scene("work", write("work.txt", "done\n"), READY)]
    coder += [scene("verification_failed", write("work.txt", f"{visit}\n"), READY, visit=visit) for visit in (1, 2)]
    paged.scripts = {"one": {"coder": coder, "integrity_guard": [scene("review", APPROVE)]}}
    delivered = deliver(staged(serves=False))["one"]
    assert delivered.result is Result.WAITING
    assert "nothing in the repository answers HTTP" in delivered.reason


def test_an_issue_that_declares_nothing_is_done_where_nothing_serves(
    paged: Line, staged: Callable[..., Factory]
) -> None:
    issue(paged, "one")
    assert deliver(staged(serves=False))["one"].result is Result.DONE
    assert events(paged, "card.deployed") == []


def test_the_rock_s_own_suites_are_tried_on_its_last_issue(line: Line, paged: Line, staged: Any) -> None:
    with line.store.write() as tx:
        rock = get_card(tx, "shop")
        update_card(tx, replace(rock, details={"suites": [PAGE], "verified_by": ["page"]}))
    issue(paged, "one")
    issue(paged, "two", depends_on=("one",))
    assert deliver(staged())["two"].result is Result.DONE
    tried = [run["run_id"] for run in events(paged, "tests.finished") if run["suite"] == "page"]
    assert tried == ["two.1.page"]
    with line.store.read() as tx:
        assert get_card(tx, "shop").state is CardState.DONE


def test_a_deployment_skips_the_commits_that_nobody_waits_for(paged: Line, staged: Callable[..., Factory]) -> None:
    """Two issues are merged; whoever comes second to the sandbox finds main deployed."""
    for name in ("one", "two", "three"):
        issue(paged, name)
        paged.scripts[name] = {"coder": [scene("work", write(f"{name}.txt", "x"), READY)]}
    factory = staged()
    deliver(factory)
    with paged.store.read() as tx:
        sandbox = sandbox_of_rock(tx, "shop")
    merges = len(events(paged, "pull_request.merged"))
    assert merges == 3
    assert sandbox is not None
    assert 1 <= sandbox.generation <= merges
    assert len(events(paged, "card.deployed")) == 3


def when_another_breaks_the_page(paged: Line) -> Answer:
    """`one` proves the page; `two` comes after it and declares nothing, and with its merge the page fails."""
    issue(paged, "one", "page")
    issue(paged, "two", depends_on=("one",))
    paged.scripts["two"] = {"coder": [scene("work", write("two.txt", "x"), READY)]}

    def answer(suite: Suite, target: Target) -> SuiteReport:
        with paged.store.read() as tx:
            proven = get_card(tx, "one").state is CardState.DONE
        return verdict(passed=suite.name != "page" or not proven)

    return answer


def test_what_was_proven_before_and_fails_at_another_s_gate_is_a_bug_and_not_its_author_s_blame(
    paged: Line, staged: Callable[..., Factory]
) -> None:
    found = deliver(staged(when_another_breaks_the_page(paged)))
    assert (found["one"].result, found["two"].result) == (Result.DONE, Result.DONE)
    with paged.store.read() as tx:
        [bug], attempt, rock = bugs_of(tx, "shop"), last_attempt(tx, "two"), get_card(tx, "shop")
    assert attempt is not None
    assert (bug.card.name, bug.source, bug.by, bug.severity) == ("page: test_page", "verification", "gate", "major")
    assert (bug.found_in.commit, bug.found_in.scenario) == (attempt.merge_commit, "page: test_page")
    assert bug.card.details["verified_by"] == ["page"]
    assert bug.card.details["description"] == (
        "It held before, and failed when two was verified, whose own suites held.\n\nno heading"
    )
    assert (bug.in_phase, rock.state) == (False, CardState.IN_PROGRESS)
    [run] = [run for run in events(paged, "tests.finished") if run["purpose"] == "regression"]
    assert (run["suite"], run["passed"], run["commit"]) == ("page", False, attempt.merge_commit)
    # The same delivery has taken it up: whoever is to mend it must pass the suite.
    assert found[bug.card.id].result is Result.WAITING


def test_a_bug_that_is_open_answers_for_its_suite_so_that_it_is_found_once(
    paged: Line, staged: Callable[..., Factory]
) -> None:
    answer = when_another_breaks_the_page(paged)
    issue(paged, "three", depends_on=("two",))
    paged.scripts["three"] = {"coder": [scene("work", write("three.txt", "x"), READY)]}
    assert deliver(staged(answer))["three"].result is Result.DONE
    with paged.store.read() as tx:
        [bug] = bugs_of(tx, "shop")
        assert comments_of(tx, bug.card.id) == []


def test_a_suite_that_an_open_issue_still_answers_for_is_not_tried_for_others(
    paged: Line, staged: Callable[..., Factory]
) -> None:
    answer = when_another_breaks_the_page(paged)
    issue(paged, "three", "page", depends_on=("two",))
    deliver(staged(answer))
    with paged.store.read() as tx:
        assert bugs_of(tx, "shop") == []


def test_what_an_issue_breaks_is_not_looked_for_while_its_own_suites_fail(
    paged: Line, staged: Callable[..., Factory]
) -> None:
    paged.settings = paged.settings.model_copy(update={"rework_limit": 0})
    answer = when_another_breaks_the_page(paged)

    def unhealthy(suite: Suite, target: Target) -> SuiteReport:
        report = answer(suite, target)
        with paged.store.read() as tx:
            return report if get_card(tx, "one").state is not CardState.DONE else verdict(passed=False)

    assert deliver(staged(unhealthy))["two"].result is Result.WAITING
    with paged.store.read() as tx:
        assert bugs_of(tx, "shop") == []


@dataclass(frozen=True, slots=True)
class SlowSandboxes(MemorySandboxes):
    """Takes a moment for each deployment."""

    def deploy(self, deployment: Deployment, *, stop: threading.Event, tell: Tell = nobody) -> Sandbox:
        self.store.clock.sleep(7.0)
        return MemorySandboxes.deploy(self, deployment, stop=stop)


def test_what_is_told_of_a_deployment_is_how_long_it_took(paged: Line, staged: Callable[..., Factory]) -> None:
    issue(paged, "one")
    deliver(staged(sandboxes=SlowSandboxes(paged.store)))
    assert [told["seconds"] for told in events(paged, "card.deployed")] == [pytest.approx(7.0, abs=1.0)]


def test_the_folder_of_a_deployment_is_gone_afterwards(paged: Line, staged: Any) -> None:
    issue(paged, "one")
    deliver(staged())
    left = [path.name for path in Path(paged.settings.home).rglob("deploy-*")]
    assert left == []


def test_checkouts_that_killed_processes_left_of_other_commits_are_gone_too(paged: Line, staged: Any) -> None:
    issue(paged, "one")
    factory = staged()
    for left in ("shop/deploy-0123", "shop/.deploy-0123.new", "one/test-0123", "one/.test-0123.old"):
        factory.checkout_of("", left).mkdir(parents=True)
    deliver(factory)
    assert sorted(path.name for path in factory.checkout_of("", "").glob("*/*")) == ["review", "work"]
