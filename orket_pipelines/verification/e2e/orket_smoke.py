"""The smoke pass: the page that people open renders, reports no error, and can be used by everybody, as far as that is
looked at here. Run with the plugin beside it, which fails a test whose page reported an error, and takes the picture.
"""

from pathlib import Path

import pytest
from playwright.sync_api import Error, Page
from playwright.sync_api import TimeoutError as Late

PATIENCE = 5_000
"""Milliseconds for the page to show something, and to become quiet."""
FIRST_REFUSAL = 400
SHOWS_SOMETHING = """() => {
  const seen = (each) => each.checkVisibility && each.checkVisibility() && each.getBoundingClientRect().width > 0;
  const drawn = "img, svg, canvas, video, input, button, iframe";
  return document.body.innerText.trim() !== "" || [...document.querySelectorAll(drawn)].some(seen);
}"""


def test_the_page_renders(page: Page) -> None:
    response = page.goto("/")
    assert response is not None
    kind = response.headers.get("content-type", "no content type")
    assert response.status < FIRST_REFUSAL, f"the page that people open answers with status {response.status}"
    assert "html" in kind, f"the address that people open answers with {kind}, which is no page"
    try:
        page.wait_for_function(SHOWS_SOMETHING, timeout=PATIENCE)
    except Late:
        pytest.fail(
            f"the page is blank: after {PATIENCE / 1000:g} s there is no text and nothing to see", pytrace=False
        )
    _become_quiet(page)


# What the page reports is the test's above.
@pytest.mark.allow_errors
def test_the_basics_of_accessibility_hold(page: Page) -> None:
    page.goto("/")
    _become_quiet(page)
    found = page.evaluate(Path(__file__).with_name("accessibility.js").read_text())
    if found:
        pytest.fail("not everybody can use the page:\n" + "\n".join(found), pytrace=False)


def _become_quiet(page: Page) -> None:
    """A page that always has something to ask for is looked at as it is."""
    try:
        page.wait_for_load_state("networkidle", timeout=PATIENCE)
    except Error:
        return
