"""What a shipped fake has done, in order: for tests to read, and for the fake to come back after a kill."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

Entry = dict[str, Any]


class Journal:
    """Calls that changed something, oldest first: `{"call": name, ...}`.

    With a `path` each entry is a line of that file before it takes effect, so that a process that is killed loses
    nothing that anybody saw. `objects` go to the file alone: what a reader of `entries` does not need.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.entries: list[Entry] = []
        self._file = None if path is None else _open(path)

    def replay(self) -> list[Entry]:
        """The entries of the file, with their objects, once; `entries` are filled from them."""
        if self._file is None:
            return []
        os.lseek(self._file, 0, os.SEEK_SET)
        with open(self._file, "rb", closefd=False) as file:
            found = [json.loads(line) for line in file]
        self.entries = [{key: value for key, value in entry.items() if key != "objects"} for entry in found]
        return found

    def add(self, call: str, objects: Iterable[Any] = (), **facts: Any) -> None:
        """Record that `call` changes something, right before it does."""
        entry = {"call": call, **facts}
        if self._file is not None:
            line = {**entry, "objects": list(objects)}
            os.write(self._file, json.dumps(line).encode() + b"\n")
        self.entries.append(entry)


def _open(path: Path) -> int:
    """The file to append to, without the half line that a killed process may have left."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    whole = path.read_bytes().rpartition(b"\n")
    os.truncate(file, len(whole[0]) + len(whole[1]))
    return file
