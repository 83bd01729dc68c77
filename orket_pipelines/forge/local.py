"""The embedded forge on the store and git: what serves where there is no Gitea."""

from collections.abc import Collection
from pathlib import Path

from orket_pipelines.forge import records
from orket_pipelines.forge.attachments import Shelf
from orket_pipelines.forge.embedded import EmbeddedForge
from orket_pipelines.forge.ledger import Entry
from orket_pipelines.forge.model import Comment, PullRequest, Review
from orket_pipelines.git import Code
from orket_pipelines.store import Store


class LocalForge(EmbeddedForge):
    """Pull requests in the store, branches in `code`, attachments in files below `folder`; see `forge.port.Forge`."""

    def __init__(self, store: Store, code: Code, folder: Path) -> None:
        super().__init__(StoreLedger(store, Shelf(folder / store.workspace_id)), code, store.clock)


class StoreLedger:
    """See `forge.ledger.Ledger`: one transaction a call. Contents of attachments lie on the shelf."""

    def __init__(self, store: Store, shelf: Shelf) -> None:
        self._store = store
        self._shelf = shelf

    def insert(self, request: PullRequest) -> int:
        with self._store.write() as tx:
            return records.insert_pull_request(tx, request)

    def find(self, repository: str, number: int) -> Entry | None:
        with self._store.read() as tx:
            return records.find_entry(tx, repository, number)

    def find_newest(self, repository: str, *, head: str, base: str) -> Entry | None:
        with self._store.read() as tx:
            return records.find_newest(tx, repository, head=head, base=base)

    def end(self, entry: Entry) -> bool:
        with self._store.write() as tx:
            return records.end_pull_request(tx, entry)

    def add_review(self, repository: str, number: int, review: Review) -> None:
        with self._store.write() as tx:
            records.insert_review(tx, repository, number, review)

    def reviews(self, repository: str, number: int) -> list[Review]:
        with self._store.read() as tx:
            return records.list_reviews(tx, repository, number)

    def add_comment(self, repository: str, number: int, comment: Comment) -> None:
        with self._store.write() as tx:
            records.insert_comment(tx, repository, number, comment)

    def change_comment(self, repository: str, number: int, position: int, comment: Comment) -> None:
        with self._store.write() as tx:
            records.change_comment(tx, repository, number, position, comment)

    def comments(self, repository: str, number: int) -> list[Comment]:
        with self._store.read() as tx:
            return records.list_comments(tx, repository, number)

    def keep_file(self, repository: str, number: int, content: bytes) -> None:
        self._shelf.keep(repository, number, content)

    def read_file(self, repository: str, number: int, sha256: str) -> bytes | None:
        return self._shelf.read(repository, number, sha256)

    def drop_files(self, repository: str, number: int, *, all_but: Collection[str]) -> None:
        self._shelf.drop(repository, number, all_but)

    def add_labels(self, repository: str, number: int, labels: tuple[str, ...]) -> None:
        with self._store.write() as tx:
            records.add_labels(tx, repository, number, labels)
