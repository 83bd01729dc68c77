"""The page of the harbour."""

from collections.abc import Callable

from playwright.sync_api import Page, expect


def test_the_light_is_on(page: Page, screenshot: Callable[[str], None]) -> None:
    page.goto("/")
    expect(page.get_by_text("The light is on.")).to_be_visible()
    screenshot("light")
