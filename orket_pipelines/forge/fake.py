"""The embedded forge without a store: for tests, kill sweeps, and benches that leave the forge out."""

import base64
import threading
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict, replace
from pathlib import Path

from orket_pipelines.clock import Clock, SystemClock
from orket_pipelines.forge.attachments import digest_of
from orket_pipelines.forge.embedded import EmbeddedForge
from orket_pipelines.forge.ledger import Entry
from orket_pipelines.forge.model import Comment, PullRequest, PullRequestExists, PullRequestState, Review, Verdict
from orket_pipelines.forge.records import comment_of
from orket_pipelines.git import Code
from orket_pipelines.store.journal import Entry as Call
from orket_pipelines.store.journal import Journal

Key = tuple[str, int]


class MemoryForge(EmbeddedForge):
    """Pull requests in memory, branches in `code`; see `forge.port.Forge`.

    With a `path` everything is kept in that file and survives the process. `journal` holds what changed, oldest first:
    `{"call": "open"|"end"|"review"|"comment"|"edit"|"label"|"file"|"drop", ...}`. One process at a time.
    """

    def __init__(self, code: Code, path: Path | None = None, *, clock: Clock | None = None) -> None:
        ledger = MemoryLedger(path)
        super().__init__(ledger, code, clock or SystemClock())
        self._memory = ledger

    @property
    def journal(self) -> list[Call]:
        """What changed, oldest first."""
        return self._memory.journal


class MemoryLedger:
    """See `forge.ledger.Ledger`: written down in a journal, from which memory is made again."""

    def __init__(self, path: Path | None = None) -> None:
        self._lock = threading.RLock()
        self._entries: dict[Key, Entry] = {}
        self._reviews: dict[Key, list[Review]] = defaultdict(list)
        self._comments: dict[Key, list[Comment]] = defaultdict(list)
        self._files: dict[Key, dict[str, bytes]] = defaultdict(dict)
        self._journal = Journal(path)
        for call in self._journal.replay():
            self._apply(call)

    @property
    def journal(self) -> list[Call]:
        """What changed, oldest first."""
        with self._lock:
            return list(self._journal.entries)

    def insert(self, request: PullRequest) -> int:
        with self._lock:
            newest = self.find_newest(request.repository, head=request.head, base=request.base)
            if newest is not None and newest.request.state is PullRequestState.OPEN:
                taken = newest.request.number
                raise PullRequestExists(
                    taken, f"pull request {taken} from {request.head} to {request.base} is open already"
                )
            number = 1 + sum(repository == request.repository for repository, _ in self._entries)
            self._record("open", request.repository, number, _fields(replace(request, number=number)))
            return number

    def find(self, repository: str, number: int) -> Entry | None:
        with self._lock:
            return self._entries.get((repository, number))

    def find_newest(self, repository: str, *, head: str, base: str) -> Entry | None:
        with self._lock:
            found = (entry for entry in self._entries.values() if entry.request.repository == repository)
            matching = [entry for entry in found if (entry.request.head, entry.request.base) == (head, base)]
            return matching[-1] if matching else None

    def end(self, entry: Entry) -> bool:
        request = entry.request
        with self._lock:
            now = self._entries[request.repository, request.number].request
            if now.state is PullRequestState.MERGED:
                return False
            told = {**_fields(request), "labels": now.labels, "base_commit": entry.base_commit}
            self._record("end", request.repository, request.number, told)
            return True

    def add_review(self, repository: str, number: int, review: Review) -> None:
        with self._lock:
            self._record("review", repository, number, _fields(review))

    def reviews(self, repository: str, number: int) -> list[Review]:
        with self._lock:
            return list(self._reviews[repository, number])

    def add_comment(self, repository: str, number: int, comment: Comment) -> None:
        with self._lock:
            self._record("comment", repository, number, _fields(comment))

    def change_comment(self, repository: str, number: int, position: int, comment: Comment) -> None:
        with self._lock:
            self._record("edit", repository, number, _fields(comment) | {"position": position})

    def comments(self, repository: str, number: int) -> list[Comment]:
        with self._lock:
            return list(self._comments[repository, number])

    def keep_file(self, repository: str, number: int, content: bytes) -> None:
        with self._lock:
            digest = digest_of(content)
            if digest not in self._files[repository, number]:
                packed = base64.b64encode(content).decode()
                self._record("file", repository, number, {"sha256": digest}, objects=[packed])

    def read_file(self, repository: str, number: int, sha256: str) -> bytes | None:
        with self._lock:
            return self._files[repository, number].get(sha256)

    def drop_files(self, repository: str, number: int, *, all_but: Collection[str]) -> None:
        with self._lock:
            gone = sorted(self._files[repository, number].keys() - set(all_but))
            if gone:
                self._record("drop", repository, number, {"files": gone})

    def add_labels(self, repository: str, number: int, labels: tuple[str, ...]) -> None:
        with self._lock:
            known = self._entries[repository, number].request.labels
            merged = tuple(dict.fromkeys((*known, *labels)))
            if merged != known:
                self._record("label", repository, number, {"labels": merged})

    def _record(self, call: str, repository: str, number: int, told: Call, objects: Sequence[str] = ()) -> None:
        facts = {**told, "repository": repository, "number": number}
        self._journal.add(call, objects, **facts)
        self._apply({"call": call, **facts, "objects": objects})

    def _apply(self, entry: Call) -> None:
        """Take in one line of the journal, just written or read back."""
        facts = {name: value for name, value in entry.items() if name not in {"call", "objects"}}
        key = (facts.pop("repository"), facts.pop("number"))
        match entry["call"]:
            case "open" | "end":
                base = facts.pop("base_commit", None)
                facts |= {"state": PullRequestState(facts["state"]), "labels": tuple(facts["labels"])}
                self._entries[key] = Entry(PullRequest(repository=key[0], number=key[1], **facts), base)
            case "label":
                known = self._entries[key]
                labels = tuple(facts["labels"])
                self._entries[key] = replace(known, request=replace(known.request, labels=labels))
            case "review":
                self._reviews[key].append(Review(**{**facts, "verdict": Verdict(facts["verdict"])}))
            case "file":
                self._files[key][facts["sha256"]] = base64.b64decode(entry["objects"][0])
            case "drop":
                for digest in facts["files"]:
                    self._files[key].pop(digest, None)
            case "edit":
                position = facts.pop("position")
                self._comments[key][position] = comment_of(facts)
            case _:
                self._comments[key].append(comment_of(facts))


def _fields(fact: PullRequest | Review | Comment) -> Call:
    if isinstance(fact, Comment):
        return asdict(fact)
    return {name: getattr(fact, name) for name in fact.__match_args__}
