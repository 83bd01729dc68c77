"""Links inside Dagster's UI: they are relative, so they hold wherever it is served."""

from collections.abc import Iterable
from urllib.parse import quote

from dagster import MetadataValue

from assets.history import History

ARROW = " ▸ "


def url(asset: str, partition: str) -> str:
    """The page of one partition of an asset."""
    return f"/assets/{asset}?view=partitions&partition={quote(partition, safe='')}"


def anchor(text: str, asset: str, partition: str) -> str:
    """A link, in Markdown."""
    return f"[{text}]({url(asset, partition)})"


def link(asset: str, partition: str) -> MetadataValue:
    """A link to a partition, called like it."""
    return MetadataValue.md(anchor(partition, asset, partition))


def trace(history: History) -> str:
    """How far an issue has come: card ▸ code ▸ tests ▸ pull request ▸ main line ▸ sandbox ▸ delivered."""
    return ARROW.join(_stations(history))


def _stations(history: History) -> Iterable[str]:
    card = history.card_id
    yield anchor(f"card {card}", "cards", card)
    if history.commit:
        yield anchor(f"code {history.commit[:8]}", "generated_code", card)
    if history.tests:
        yield anchor(f"tests {'passed' if history.tests.get('passed') else 'failed'}", "test_reports", card)
    if history.pull_request:
        yield anchor(f"pull request #{history.pull_request}", "pull_requests", card)
    if history.merge_commit and history.rock_id:
        yield anchor(f"main {history.merge_commit[:8]}", "mainline", history.rock_id)
    if history.sandbox and history.rock_id:
        yield anchor(f"sandbox {history.sandbox['state']}", "sandboxes", history.rock_id)
    if history.state == "done":
        yield anchor("delivered", "delivered", card)
