"""The event log and its consumers."""

from orket_pipelines.store import Event, Store, append, consume, read_events
from orket_pipelines.store.events import cursor_of


def write(store: Store, *subjects: str) -> None:
    for subject in subjects:
        with store.write() as tx:
            append(tx, "test.happened", subject, {"of": subject})


def subjects_of(batches: list[list[Event]]) -> list[list[str]]:
    return [[event.subject for event in batch] for batch in batches]


def test_events_come_back_in_order_with_what_was_written(store: Store) -> None:
    write(store, "a", "b")

    with store.read() as tx:
        first, second = read_events(tx)
    assert first.seq < second.seq
    assert (first.kind, first.subject, first.payload) == ("test.happened", "a", {"of": "a"})
    assert (first.schema_version, first.workspace_id, first.at) == (1, "default", 1_700_000_000_000_000)
    assert first.id != second.id


def test_events_can_be_read_after_a_seq_about_a_subject_and_up_to_a_limit(store: Store) -> None:
    write(store, "a", "b", "a", "c")

    with store.read() as tx:
        whole = read_events(tx)
        assert [event.subject for event in read_events(tx, after=whole[1].seq)] == ["a", "c"]
        assert read_events(tx, subject="a") == [whole[0], whole[2]]
        assert read_events(tx, limit=2) == whole[:2]


def test_a_consumer_gets_each_event_once_in_batches(store: Store) -> None:
    write(store, "a", "b", "c")

    assert subjects_of(list(consume(store, "one", limit=2))) == [["a", "b"], ["c"]]
    assert list(consume(store, "one")) == []
    write(store, "d")
    assert subjects_of(list(consume(store, "one"))) == [["d"]]


def test_consumers_do_not_share_a_cursor(store: Store) -> None:
    write(store, "a")

    assert subjects_of(list(consume(store, "one"))) == [["a"]]
    assert subjects_of(list(consume(store, "two"))) == [["a"]]


def test_a_consumer_that_dies_in_a_batch_sees_it_again(store: Store) -> None:
    write(store, "a", "b")

    dying = consume(store, "one")
    assert subjects_of([next(dying)]) == [["a", "b"]]
    dying.close()

    with store.read() as tx:
        assert cursor_of(tx, "one") == 0
    assert subjects_of(list(consume(store, "one"))) == [["a", "b"]]


def test_a_consumer_sees_what_was_written_while_it_dealt_with_a_batch(store: Store) -> None:
    write(store, "a")
    seen: list[str] = []
    for batch in consume(store, "one"):
        seen += [event.subject for event in batch]
        if len(seen) == 1:
            write(store, "b")

    assert seen == ["a", "b"]


def test_two_consumers_of_one_name_at_once_lose_nothing_and_the_cursor_never_goes_back(store: Store) -> None:
    """One falls behind the other: its late batch must not make the whole log come again."""
    write(store, "a", "b")
    slow = consume(store, "one", limit=1)
    next(slow)
    assert subjects_of(list(consume(store, "one", limit=2))) == [["a", "b"]]

    assert subjects_of(list(slow)) in ([], [["b"]])
    with store.read() as tx:
        assert cursor_of(tx, "one") == read_events(tx)[-1].seq
