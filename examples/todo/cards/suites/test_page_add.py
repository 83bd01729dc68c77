"""Adding a task, in a real browser. Titles are new in every run: the sandbox keeps what earlier runs added."""

import re
import secrets
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

# A busy machine is no fault of the page.
expect.set_options(timeout=10_000)


@pytest.fixture
def title() -> str:
    return f"Buy milk {secrets.token_hex(4)}"


def test_an_added_task_is_still_there_after_a_reload(page: Page, screenshot: Callable[[str], None], title: str) -> None:
    page.goto("/")
    page.get_by_label("New task").fill(title)
    page.get_by_role("button", name="Add", exact=True).click()
    expect_listed(page, title)
    screenshot("added")
    page.reload()
    expect(task(page, title)).to_be_visible()


def test_tasks_are_added_by_keyboard_one_after_the_other(page: Page, title: str) -> None:
    page.goto("/")
    page.get_by_label("New task").focus()
    for number in ("one", "two"):
        page.keyboard.type(f"{title} {number}")
        page.keyboard.press("Enter")
        expect_listed(page, f"{title} {number}")
        expect(page.get_by_label("New task")).to_have_value("")
        expect(page.get_by_label("New task")).to_be_focused()
    expect(task(page, title)).to_have_text([re.compile("one"), re.compile("two")])


def test_a_blank_title_is_not_sent(page: Page) -> None:
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.method))
    page.goto("/")
    page.get_by_label("New task").fill("   ")
    page.keyboard.press("Enter")
    expect(page.get_by_label("New task")).to_be_focused()
    assert "POST" not in sent


def expect_listed(page: Page, title: str) -> None:
    """The task is in the list; where the page complains instead, its words are part of the report."""
    shown = task(page, title).or_(page.get_by_role("alert")).first
    expect(shown).to_be_visible()
    expect(shown).to_contain_text(title, timeout=100)


def task(page: Page, title: str) -> Locator:
    return page.get_by_role("listitem").filter(has_text=title)
