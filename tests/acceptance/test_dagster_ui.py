"""The Dagster UI as a person uses it, in Chromium, over the real web server, daemon and runs."""

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, TimeoutError, expect  # noqa: A004 - its own name for what it raises

from tests.acceptance.conftest import UI_LIMIT, UPDATE, Factory

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(1_200 if UPDATE else 300)]
PICTURES = Path(__file__).parents[2] / "docs" / "images"


@dataclass(frozen=True)
class Shown:
    """A rock that is delivered under a person's eyes: its first issue, one that was reviewed twice, and one that a
    browser tried; `limit` in milliseconds."""

    rock: str
    first: str
    reviewed: str
    tried: str
    limit: float


# The example takes its time, as it installs and builds; a small rock shows the same.
SHOWN = (
    Shown("todo", "todo-skeleton", "todo-create-list", "page-filter", 900_000)
    if UPDATE
    else Shown("harbour", "harbour-page", "harbour-page", "harbour-light", 120_000)
)
HEED_LIMIT = 30.0
"""Seconds from the request to stop to the end of the run; a step checkpoints within ten."""


def launch(page: Page, factory: Factory, rock: str) -> None:
    """Pick the rock in the Launchpad and launch."""
    page.goto(f"{factory.url}/locations/orket/jobs/deliver_rock/playground")
    until(lambda: is_picked(page, rock), 2 * UI_LIMIT / 1_000, f"{rock} could not be picked")
    until(lambda: is_launched(page), 2 * UI_LIMIT / 1_000, f"{rock} could not be launched")


def is_launched(page: Page) -> bool:
    """Press the button; on a busy machine the page may not have taken note yet of what it shows as picked, and asks."""
    page.get_by_role("button", name="Launch Run").click()
    doubts = page.get_by_text("launch a run without a partition")
    until(lambda: doubts.is_visible() or "/runs/" in page.url, UI_LIMIT / 1_000, "nothing came of the button")
    if doubts.is_visible():
        page.get_by_role("button", name="Cancel").click()
    return "/runs/" in page.url


def is_picked(page: Page, rock: str) -> bool:
    """Try to pick; the page forgets what is typed before it has loaded its partitions, and may load without any."""
    picker = page.get_by_placeholder("Partition")
    try:
        picker.click(timeout=UI_LIMIT / 3)
        picker.fill(rock)
        page.get_by_role("menuitem").filter(has_text=rock).first.click(timeout=3_000)
    except TimeoutError:
        page.reload()
        return False
    expect(page.get_by_role("menuitem")).to_have_count(0)
    return picker.input_value() == rock


def status_is(page: Page, status: str, limit: float = UI_LIMIT) -> None:
    """The run's own status, in the head of its page."""
    expect(page.get_by_text(status, exact=True).first).to_be_visible(timeout=limit)


def newest_check(factory: Factory, asset: str) -> str | None:
    """What the graph makes an asset's colour from."""
    check = "assetChecksOrError { ... on AssetChecks { checks { executionForLatestMaterialization { status } } } }"
    (node,) = factory.ask(f'{{ assetNodes(assetKeys: [{{path: ["{asset}"]}}]) {{ {check} }} }}')["assetNodes"]
    execution = node["assetChecksOrError"]["checks"][0]["executionForLatestMaterialization"]
    return str(execution["status"]) if execution else None


def messages(factory: Factory, run: str) -> list[str]:
    """What the log of a run says, from its beginning."""
    log = (
        "logsForRun(runId: $run, limit: 1000) { ... on EventConnection { events { ... on MessageEvent { message } } } }"
    )
    return [
        event["message"] for event in factory.ask(f"query ($run: ID!) {{ {log} }}", run=run)["logsForRun"]["events"]
    ]


def give_room_to_bars(page: Page) -> None:
    """Drag the edge between bars and log down, so that every bar can be seen."""
    log = page.get_by_role("button", name="stdout").bounding_box()
    assert log is not None
    edge = log["y"] - 12
    page.mouse.move(700, edge)
    page.mouse.down()
    page.mouse.move(700, edge + 330, steps=5)
    page.mouse.up()


def picture(page: Page, name: str) -> None:
    """The pictures of the README come from here: ORKET_UPDATE_PICTURES=1 takes them anew."""
    if UPDATE:
        PICTURES.mkdir(parents=True, exist_ok=True)
        # Colours are polled.
        page.wait_for_timeout(6_000)
        page.screenshot(path=PICTURES / name)


def until(holds: Callable[[], bool], limit: float, what: str) -> None:
    deadline = time.monotonic() + limit
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.5)


def test_a_rock_is_picked_launched_and_watched_and_its_cards_lead_to_what_came_of_them(
    page: Page, factory: Factory
) -> None:
    launch(page, factory, SHOWN.rock)
    expect(page.get_by_text(f"deliver[{SHOWN.first.replace('-', '_')}]").first).to_be_visible()
    expect(page.get_by_text(re.compile(r"Executing \([1-9]\)"))).to_be_visible()
    status_is(page, "Success", SHOWN.limit)
    expect(page.get_by_text("Errored (0)")).to_be_visible()
    give_room_to_bars(page)
    picture(page, "dagster-run.png")
    assert set(factory.states(SHOWN.rock).values()) == {"done"}
    said = "\n".join(messages(factory, page.url.split("/")[-1]))
    assert f"sandbox of {SHOWN.rock}: creating" in said
    assert f"sandbox of {SHOWN.rock}: running" in said

    page.goto(f"{factory.url}/assets/cards?view=partitions&partition={SHOWN.reviewed}")
    expect(page.get_by_text("done", exact=True).first).to_be_visible()
    page.goto(f"{factory.url}/assets/delivered?view=partitions&partition={SHOWN.reviewed}")
    page.get_by_role("link", name=re.compile(r"^pull request #\d+$")).click()
    expect(page).to_have_url(re.compile(rf"/assets/pull_requests\?.*partition={SHOWN.reviewed}"))
    expect(page.get_by_text("merged", exact=True)).to_be_visible()
    expect(page.get_by_text("integrity_guard changes_requested, integrity_guard approved")).to_be_visible()
    picture(page, "dagster-trace.png")

    until(lambda: newest_check(factory, "rocks") == "FAILED", 60, "the broken rock is hidden by the delivered one")
    page.goto(f"{factory.url}/asset-groups")
    expect(page.get_by_text("proof").first).to_be_visible()
    page.mouse.click(1200, 800)
    page.keyboard.press("Alt+e")
    expect(page.get_by_text("test_reports").first).to_be_visible()
    expect(page.get_by_text("sandboxes").first).to_be_visible()
    picture(page, "dagster-lineage.png")


def test_a_delivered_rock_shows_where_its_application_runs_and_what_a_browser_saw_of_it(
    page: Page, factory: Factory
) -> None:
    page.goto(f"{factory.url}/assets/sandboxes?view=partitions&partition={SHOWN.rock}")
    (sandbox,) = json.loads(factory.orket("sandboxes", "list", "--json"))
    expect(page.get_by_role("link", name=sandbox["urls"][sandbox["front"]]).first).to_be_visible()
    expect(page.get_by_text(sandbox["commit"]).first).to_be_visible()
    expect(page.get_by_text("Unsynced")).to_have_count(0)
    page.goto(f"{factory.url}/assets/test_reports?view=partitions&partition={SHOWN.tried}")
    row = page.get_by_role("row").filter(has=page.get_by_text("picture", exact=True))
    row.get_by_text("Show Markdown").click()
    expect(page.get_by_role("img", name=re.compile("taken by the suite page"))).to_be_visible()


def test_an_issue_that_fails_is_red_and_is_re_executed_with_what_waited_for_it_alone(
    page: Page, factory: Factory
) -> None:
    launch(page, factory, "lighthouse")
    status_is(page, "Failure")
    expect(page.get_by_text("Errored (2)")).to_be_visible()
    expect(page.get_by_text("lighthouse-tower is blocked (input: How high is the tower to be?)").first).to_be_visible()
    failed = page.url
    page.get_by_role("button", name="Re-execute all").locator("xpath=following::button[1]").click()
    page.get_by_role("menuitem", name="From failure").click()
    expect(page).not_to_have_url(failed)
    status_is(page, "Success")
    again = factory.ask(
        f'{{ runOrError(runId: "{page.url.split("/")[-1]}") {{ ... on Run {{ stepKeysToExecute }} }} }}'
    )
    steps = {"deliver[lighthouse_tower]", "deliver[lighthouse_keeper]", "settle"}
    assert set(again["runOrError"]["stepKeysToExecute"]) == steps
    assert set(factory.states("lighthouse").values()) == {"done"}


def test_a_broken_rock_that_the_terminal_left_beside_a_delivered_one_shows_red(page: Page, factory: Factory) -> None:
    until(lambda: newest_check(factory, "rocks") == "FAILED", 60, "the bridge never told of the broken rock")
    page.goto(f"{factory.url}/assets/rocks?view=checks&checkDetail=not_stuck")
    expect(page.get_by_role("tab", name="Partitions")).to_have_count(2)
    page.get_by_role("tab", name="Partitions").last.click()
    expect(page.get_by_role("checkbox", name=re.compile(r"^Failed \([1-9]\)$"))).to_be_attached()
    page.get_by_text("wreck", exact=True).first.click()
    expect(page.get_by_text("wreck-hull is blocked (input): There is no wood left.").first).to_be_visible()
    page.goto(f"{factory.url}/assets/delivered?view=partitions&partition=quay-wall")
    expect(page.get_by_text("Materialized", exact=True).first).to_be_visible()
    page.goto(f"{factory.url}/assets/delivered?view=partitions&partition=wreck-hull")
    expect(page.get_by_text("Materialized", exact=True)).to_have_count(0)


def test_a_sensor_that_did_nothing_says_why(page: Page, factory: Factory) -> None:
    page.goto(f"{factory.url}/locations/orket/sensors/ready_rocks")
    until(lambda: newest_tick_is_open(page), 2 * UI_LIMIT / 1_000, "no tick could be opened")
    expect(page.get_by_text("berth (1 issues)")).to_be_visible()


def newest_tick_is_open(page: Page) -> bool:
    """Open it; the list is drawn anew with every tick, and may swallow the click."""
    # The head of the page says it, then each tick's status and its result: the third is the newest tick's result.
    try:
        page.get_by_text("0 runs requested").nth(2).click(timeout=UI_LIMIT / 3)
        page.get_by_text("Switch it on: ORKET_AUTOMATION=true").wait_for(timeout=UI_LIMIT / 6)
    except TimeoutError:
        page.reload()
        return False
    return True


def test_a_terminated_run_ends_soon_and_its_rock_is_carried_on(page: Page, factory: Factory) -> None:
    launch(page, factory, "tide")
    until(lambda: factory.states("tide")["tide-table"] == "in_progress", 60, "the issue never began")
    page.get_by_role("button", name="Terminate").click()
    began = time.monotonic()
    page.get_by_role("button", name=re.compile("^Terminate .*run")).click()
    page.keyboard.press("Escape")
    status_is(page, "Canceled")
    assert time.monotonic() - began < HEED_LIMIT
    assert factory.states("tide")["tide-table"] != "done"
    launch(page, factory, "tide")
    status_is(page, "Success")
    assert set(factory.states("tide").values()) == {"done"}
