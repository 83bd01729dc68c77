"""The whole page, in a real browser, as a person uses it. Titles are new in every run: the sandbox keeps its data."""

import secrets
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

# A busy machine is no fault of the page.
expect.set_options(timeout=10_000)


@pytest.fixture
def word() -> str:
    """A word that is in the titles of this test and in no other's."""
    return secrets.token_hex(4)


@pytest.fixture
def list_page(page: Page, word: str) -> Iterator[Page]:
    """The page, open; what the test adds to it is thrown away at the end."""
    page.goto("/")
    yield page
    found = page.request.get("/api/tasks", params={"search": word}).json()["tasks"]
    for each in found:
        page.request.delete(f"/api/tasks/{each['id']}")


def test_the_page_has_a_heading_and_a_form(list_page: Page, screenshot: Callable[[str], None]) -> None:
    expect(list_page).to_have_title("To-do list")
    expect(list_page.get_by_role("heading", level=1)).to_have_text("To-do list")
    expect(list_page.get_by_label("New task")).to_be_editable()
    screenshot("opened")


def test_an_added_task_is_still_there_after_a_reload(list_page: Page, word: str) -> None:
    add(list_page, f"Buy milk {word}")
    list_page.reload()
    expect(task(list_page, word)).to_be_visible()


def test_a_ticked_task_stays_ticked_and_can_be_opened_again(list_page: Page, word: str) -> None:
    add(list_page, f"Answer letters {word}")
    box = task(list_page, word).get_by_role("checkbox")
    box.check()
    expect(task(list_page, word)).to_have_attribute("aria-busy", "false")
    list_page.reload()
    expect(box).to_be_checked()
    box.uncheck()
    expect(task(list_page, word)).to_have_attribute("aria-busy", "false")
    list_page.reload()
    expect(box).not_to_be_checked()


def test_a_deleted_task_is_gone_for_good(list_page: Page, word: str) -> None:
    add(list_page, f"Call home {word}")
    list_page.get_by_role("button", name=f"Delete Call home {word}").click()
    expect(task(list_page, word)).to_have_count(0)
    list_page.reload()
    expect(list_page.get_by_role("status")).not_to_have_text("Loading…")
    expect(task(list_page, word)).to_have_count(0)


def test_the_list_shows_what_the_filter_and_the_search_find(
    list_page: Page, word: str, screenshot: Callable[[str], None]
) -> None:
    for what in ("Buy stamps", "Buy bread", "Call the 100% club"):
        add(list_page, f"{what} {word}")
    task(list_page, "Buy stamps").filter(has_text=word).get_by_role("checkbox").check()
    list_page.get_by_label("Search").fill(word)
    expect(list_page.get_by_role("listitem")).to_have_count(3)
    screenshot("found")
    list_page.get_by_role("radio", name="Open").check()
    expect(list_page.get_by_role("listitem")).to_have_count(2)
    list_page.get_by_role("radio", name="Done").check()
    expect(list_page.get_by_role("listitem")).to_contain_text(["Buy stamps"])
    list_page.get_by_role("radio", name="All").check()
    list_page.get_by_label("Search").fill(f"100% CLUB {word}")
    expect(list_page.get_by_role("listitem")).to_contain_text(["Call the 100% club"])


def add(page: Page, title: str) -> None:
    page.get_by_label("New task").fill(title)
    page.get_by_role("button", name="Add", exact=True).click()
    shown = task(page, title).or_(page.get_by_role("alert")).first
    expect(shown).to_be_visible()
    expect(shown).to_contain_text(title, timeout=100)


def task(page: Page, words: str) -> Locator:
    return page.get_by_role("listitem").filter(has_text=words)
