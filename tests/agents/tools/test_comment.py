from collections.abc import Callable

from orket_pipelines.agents.tools.comment import COMMENT
from orket_pipelines.agents.tools.model import ToolResult
from orket_pipelines.cards.model import Card, CardKind
from orket_pipelines.cards.records import comments_of, insert_cards
from orket_pipelines.store import Store

Call = Callable[..., ToolResult]


def test_a_comment_is_stored_with_the_result_of_the_call_and_not_before(call: Call, store: Store) -> None:
    with store.write() as tx:
        insert_cards(tx, [Card("ISSUE-1", CardKind.ISSUE, "first")])
    result = call(COMMENT, body="Which port?")
    assert result.text == "Commented on ISSUE-1."
    assert result.outcome is None
    with store.read() as tx:
        assert comments_of(tx, "ISSUE-1") == []
    assert result.record is not None
    with store.write() as tx:
        result.record(tx)
    with store.read() as tx:
        assert comments_of(tx, "ISSUE-1") == [("coder", "Which port?")]
