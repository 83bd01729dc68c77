"""Numbers over days as a picture."""

import re

from defusedxml import ElementTree

from orket_pipelines.plots import BAD, GOOD, QUIET, Plot, Series, draw

SVG = "{http://www.w3.org/2000/svg}"


def titles(picture: str) -> list[str | None]:
    """What a reader sees over the bars."""
    return [each.text for each in ElementTree.fromstring(picture).iter(f"{SVG}title")][1:]


def heights(picture: str) -> list[float]:
    drawn = ElementTree.fromstring(picture).iter(f"{SVG}rect")
    return [float(bar.attrib["height"]) for bar in drawn if bar.find(f"{SVG}title") is not None]


def test_a_bar_is_as_high_as_its_number_and_says_it_and_nothing_has_none() -> None:
    plot = Plot("Bugs", ("1", "2"), bars=(Series("found", BAD, (4, 1)), Series("fixed", GOOD, (0, None))))
    picture = draw(plot)
    assert titles(picture) == ["day 1: 4 found", "day 2: 1 found"]
    high, low = heights(picture)
    assert round(high / low) == 4


def test_a_picture_of_many_days_stays_small() -> None:
    numbers = tuple(range(1, 15))
    plot = Plot("Bugs", tuple(map(str, numbers)), bars=(Series("found", BAD, numbers), Series("fixed", GOOD, numbers)))
    assert len(draw(plot)) < 5_000


def test_a_line_passes_over_what_is_not_known_and_a_limit_goes_across() -> None:
    known = Series("uptime", GOOD, (100, None, 50))
    picture = draw(Plot("Up", ("1", "2", "3"), lines=(known, Series("limit", QUIET, (75, 75, 75), is_limit=True))))
    (points,) = re.findall('points="([^"]+)"', picture)
    assert len(points.split()) == 2
    assert picture.count("stroke-dasharray") == 1


def test_a_single_day_and_none_at_all_can_be_drawn() -> None:
    assert "<circle" in draw(Plot("Up", ("1",), lines=(Series("uptime", GOOD, (3.5,)),)))
    nothing = Plot("Up", (), lines=(Series("uptime", GOOD, ()),))
    assert nothing.is_empty
    assert ElementTree.fromstring(draw(nothing)).tag == f"{SVG}svg"


def test_limits_alone_are_nothing_to_look_at() -> None:
    assert Plot("Up", ("1",), lines=(Series("limit", QUIET, (5,), is_limit=True),)).is_empty
    assert not Plot("Up", ("1",), bars=(Series("found", BAD, (1,)),)).is_empty


def test_names_are_text() -> None:
    plot = Plot("<script>", ("<b>",), bars=(Series("<i>", BAD, (1,)),))
    assert {each.tag for each in ElementTree.fromstring(draw(plot)).iter()} == {
        f"{SVG}{tag}" for tag in ("svg", "title", "rect", "line", "text", "g")
    }
