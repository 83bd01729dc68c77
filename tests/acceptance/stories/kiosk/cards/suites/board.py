"""The board of the kiosk."""

from collections.abc import Callable

from playwright.sync_api import Page, expect


def test_the_board_says_when_it_is_open(page: Page, screenshot: Callable[[str], None]) -> None:
    page.set_default_timeout(2_000)
    expect.set_options(timeout=2_000)
    page.goto("/")
    screenshot("board")
    expect(page.get_by_text("Open from 9 to 5")).to_be_visible()
