"""Reads and writes of pull requests, their reviews and comments."""

from dataclasses import asdict
from typing import Any

import sqlalchemy as sa

from orket_pipelines.forge.ledger import Entry
from orket_pipelines.forge.model import (
    Attachment,
    Comment,
    PullRequest,
    PullRequestExists,
    PullRequestState,
    Review,
    Verdict,
)
from orket_pipelines.store import Transaction, tables

_requests = tables.pull_requests
_reviews = tables.pull_request_reviews
_comments = tables.pull_request_comments

_of_repository = sa.and_(
    _requests.c.workspace_id == sa.bindparam("b_workspace_id"), _requests.c.repository == sa.bindparam("b_repository")
)
_one = sa.and_(_of_repository, _requests.c.number == sa.bindparam("b_number"))
_newest = (
    sa.select(_requests)
    .where(_of_repository, _requests.c.head == sa.bindparam("b_head"), _requests.c.base == sa.bindparam("b_base"))
    .order_by(_requests.c.number.desc())
    .limit(1)
)
_highest = sa.select(sa.func.coalesce(sa.func.max(_requests.c.number), 0)).where(_of_repository)
_select = sa.select(_requests).where(_one)
_end = sa.update(_requests).where(_one, _requests.c.state != str(PullRequestState.MERGED))
_label = sa.update(_requests).where(_one)


def _about(table: sa.Table) -> sa.ColumnElement[bool]:
    return sa.and_(
        table.c.workspace_id == sa.bindparam("b_workspace_id"),
        table.c.repository == sa.bindparam("b_repository"),
        table.c.number == sa.bindparam("b_number"),
    )


_select_reviews = sa.select(_reviews).where(_about(_reviews)).order_by(_reviews.c.position)
_select_comments = sa.select(_comments).where(_about(_comments)).order_by(_comments.c.position)
_count_reviews = sa.select(sa.func.count()).select_from(_reviews).where(_about(_reviews))
_count_comments = sa.select(sa.func.count()).select_from(_comments).where(_about(_comments))


def insert_pull_request(tx: Transaction, request: PullRequest) -> int:
    """Store a new pull request; its number. Raises: PullRequestExists."""
    newest = find_newest(tx, request.repository, head=request.head, base=request.base)
    if newest is not None and newest.request.state is PullRequestState.OPEN:
        number = newest.request.number
        raise PullRequestExists(number, f"pull request {number} from {request.head} to {request.base} is open already")
    highest = tx.execute(_highest, {"b_workspace_id": tx.workspace_id, "b_repository": request.repository}).scalar_one()
    row = {**asdict(request), "number": highest + 1, "state": str(request.state), "head_commit": None}
    tx.execute(sa.insert(_requests), {"workspace_id": tx.workspace_id, **row})
    return int(row["number"])


def find_entry(tx: Transaction, repository: str, number: int) -> Entry | None:
    """The pull request of that number."""
    row = tx.execute(_select, _key(tx, repository, number)).mappings().first()
    return _entry(row) if row else None


def find_newest(tx: Transaction, repository: str, *, head: str, base: str) -> Entry | None:
    """The one with the highest number of those from `head` to `base`."""
    key = {"b_workspace_id": tx.workspace_id, "b_repository": repository, "b_head": head, "b_base": base}
    row = tx.execute(_newest, key).mappings().first()
    return _entry(row) if row else None


def end_pull_request(tx: Transaction, entry: Entry) -> bool:
    """Store how a pull request ended, unless it was merged before."""
    request = entry.request
    names = ("merge_commit", "merged_by", "closed_at", "head_commit")
    ended = {name: getattr(request, name) for name in names}
    row = {**ended, "state": str(request.state), "base_commit": entry.base_commit}
    return tx.execute(_end.values(row), _key(tx, request.repository, request.number)).rowcount == 1


def add_labels(tx: Transaction, repository: str, number: int, labels: tuple[str, ...]) -> None:
    """Add labels that are not there yet, in the order given."""
    entry = find_entry(tx, repository, number)
    known = entry.request.labels if entry else ()
    merged = list(dict.fromkeys((*known, *labels)))
    tx.execute(_label.values(labels=merged), _key(tx, repository, number))


def insert_review(tx: Transaction, repository: str, number: int, review: Review) -> None:
    """Store a review after those that are there."""
    position = tx.execute(_count_reviews, _key(tx, repository, number)).scalar_one()
    row = {**asdict(review), "verdict": str(review.verdict), **_place(tx, repository, number, position)}
    row.pop("stale")
    tx.execute(sa.insert(_reviews), row)


def list_reviews(tx: Transaction, repository: str, number: int) -> list[Review]:
    """Reviews, oldest first, none of them called stale."""
    rows = tx.execute(_select_reviews, _key(tx, repository, number))
    return [Review(row.reviewer, Verdict(row.verdict), row.body, row.commit, stale=False, at=row.at) for row in rows]


def insert_comment(tx: Transaction, repository: str, number: int, comment: Comment) -> None:
    """Store a comment after those that are there."""
    position = tx.execute(_count_comments, _key(tx, repository, number)).scalar_one()
    tx.execute(sa.insert(_comments), {**asdict(comment), **_place(tx, repository, number, position)})


def change_comment(tx: Transaction, repository: str, number: int, position: int, comment: Comment) -> None:
    """Store a comment in the place of one."""
    one = sa.and_(_about(_comments), _comments.c.position == sa.bindparam("b_position"))
    key = {**_key(tx, repository, number), "b_position": position}
    tx.execute(sa.update(_comments).where(one).values(**asdict(comment)), key)


def list_comments(tx: Transaction, repository: str, number: int) -> list[Comment]:
    """Comments, oldest first."""
    rows = tx.execute(_select_comments, _key(tx, repository, number))
    told = ("author", "body", "at", "attachments")
    return [comment_of({name: getattr(row, name) for name in told}) for row in rows]


def comment_of(told: dict[str, Any]) -> Comment:
    """A comment out of what `asdict` made of it."""
    return Comment(**{**told, "attachments": tuple(Attachment(**each) for each in told["attachments"])})


def _key(tx: Transaction, repository: str, number: int) -> dict[str, Any]:
    return {"b_workspace_id": tx.workspace_id, "b_repository": repository, "b_number": number}


def _place(tx: Transaction, repository: str, number: int, position: int) -> dict[str, Any]:
    return {"workspace_id": tx.workspace_id, "repository": repository, "number": number, "position": position}


def _entry(row: Any) -> Entry:
    facts = {name: row[name] for name in row if name not in {"workspace_id", "base_commit"}}
    facts |= {"state": PullRequestState(row["state"]), "labels": tuple(row["labels"])}
    return Entry(PullRequest(**{**facts, "head_commit": row["head_commit"] or ""}), row["base_commit"])
