"""The smoke pass: the page that people open renders, reports no error, and can be used by everybody, as far as axe-core
can tell. Run with the plugin beside it, which fails a test whose page reported an error, and takes the picture.
"""

import os
import warnings
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Error, Page
from playwright.sync_api import TimeoutError as Late

PATIENCE = 5_000
"""Milliseconds for the page to show something, and to become quiet."""
FIRST_REFUSAL = 400
IMPACTS = ("minor", "moderate", "serious", "critical")
"""How axe grades what it finds, the gravest last."""
PLACES, SNIPPET = 3, 120
"""Elements that are told of one finding, and the characters of each."""
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
def test_everybody_can_use_the_page(page: Page) -> None:
    page.goto("/")
    _become_quiet(page)
    found = Axe().run(page).response["violations"]
    told = [(each, _is_grave(each)) for each in found]
    for line in (_told(each) for each, grave in told if not grave):
        warnings.warn(line, stacklevel=1)
    if lines := [_told(each) for each, grave in told if grave]:
        pytest.fail("not everybody can use the page:\n" + "\n".join(lines), pytrace=False)


def _is_grave(violation: dict[str, Any]) -> bool:
    """Whether it fails the test. What axe does not grade is not."""
    least = os.environ.get("E2E_ACCESSIBILITY", "serious")
    impact = violation.get("impact")
    return least in IMPACTS and impact in IMPACTS and IMPACTS.index(impact) >= IMPACTS.index(least)


def _told(violation: dict[str, Any]) -> str:
    """As in `critical: Images must have alternative text (image-alt): <img src="/dot.svg">`."""
    places = [" ".join(str(node["html"]).split())[:SNIPPET] for node in violation["nodes"]]
    more = f" and {len(places) - PLACES} more" if len(places) > PLACES else ""
    where = "; ".join(places[:PLACES])
    return f"{violation['impact']}: {violation['help']} ({violation['id']}): {where}{more}"


def _become_quiet(page: Page) -> None:
    """A page that always has something to ask for is looked at as it is."""
    try:
        page.wait_for_load_state("networkidle", timeout=PATIENCE)
    except Error:
        return
