"""What the rock's page must pass; the browsers of these tests open no page, and look at what is served."""


def test_page(page: object) -> None:
    assert page
