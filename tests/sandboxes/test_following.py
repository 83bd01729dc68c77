"""Logs as they come: nothing twice, and what is missing is said."""

from orket_pipelines.sandboxes.following import News, follow, last_lines, unseen


def test_the_first_look_takes_in_everything_and_the_next_what_came_since() -> None:
    assert unseen(None, "1 a\n2 a\n") == News(("a", "a"), "2")
    assert unseen("2", "1 a\n2 a\n3 a\n4 b c\n") == News(("a", "b c"), "4")
    assert unseen("4", "3 a\n4 b c\n") == News((), "4")


def test_lines_that_went_by_between_two_looks_are_said_to_be_missing() -> None:
    assert unseen("2", "5 a\n6 b\n") == News(("a", "b"), "6", missed=True)


def test_a_log_that_is_empty_for_now_loses_no_place() -> None:
    assert unseen("2", "") == News((), "2")


def test_following_begins_with_the_last_lines_and_ends_when_it_is_told_to() -> None:
    looks = iter([{"api": "1 a\n2 b\n"}, {"api": "1 a\n2 b\n3 c\n", "web": "1 x\n"}, {"api": "3 c\n", "web": "1 x\n"}])
    enough = iter([False, False, True])
    told = [(name, news.lines) for name, news in follow(lambda: next(looks), lambda: next(enough), tail=1)]

    assert told == [("api", ("b",)), ("api", ("c",)), ("web", ("x",))]


def test_the_lines_of_a_text_that_is_over_bear_their_numbers() -> None:
    assert last_lines("a\nb\nc", 2, stamped=True) == "1 b\n2 c"
    assert last_lines("a\nb\nc", 2, stamped=False) == "b\nc"
