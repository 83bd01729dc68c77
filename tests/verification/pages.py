"""A page in two states and a suite about it; the same for browsers on processes and in containers."""

GOOD = """<!doctype html><title>List</title><h1>To do</h1><ul id=list></ul>
<script>document.querySelector("#list").innerHTML = "<li>secure: " + isSecureContext</script>"""
BAD = """<!doctype html><title>List</title><h1>To do</h1><img src=/gone.png>
<script>console.error("the list is broken")</script><script>throw new Error("nobody caught it")</script>"""
SUITE = """
import pytest
from playwright.sync_api import expect

def test_the_page_loads(page, screenshot):
    page.goto("/")
    expect(page.get_by_role("heading")).to_have_text("To do")
    expect(page.get_by_role("listitem")).to_have_text("secure: true")
    screenshot("first view")

def test_an_error_on_the_console_fails(page):
    page.goto("/bad")

@pytest.mark.allow_errors("the list is broken", "gone.png answered 404", "nobody caught it")
def test_errors_that_are_expected_do_not(page):
    page.goto("/bad")

@pytest.mark.allow_errors("ERR_NAME_NOT_RESOLVED")
def test_no_other_host_is_reached(page):
    page.goto("/")
    assert page.evaluate("fetch('http://example.com/').then(() => 'reached', () => 'not reached')") == "not reached"
"""
CASES = {
    "page.test_the_page_loads": "passed",
    "page.test_an_error_on_the_console_fails": "failed",
    "page.test_errors_that_are_expected_do_not": "passed",
    "page.test_no_other_host_is_reached": "passed",
}
ARTIFACTS = {
    "junit.xml",
    "first-view.png",
    "test_the_page_loads.png",
    "test_an_error_on_the_console_fails-failed.png",
    "test_an_error_on_the_console_fails-trace.zip",
    "test_errors_that_are_expected_do_not.png",
    "test_no_other_host_is_reached.png",
}
