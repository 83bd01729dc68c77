"""What a build says and what it makes, kept within bounds while it comes."""

import threading
from typing import BinaryIO

LOG_LIMIT = 64_000


class Tail:
    """The last `limit` bytes of an output."""

    def __init__(self, limit: int = LOG_LIMIT) -> None:
        self._limit = limit
        self._kept = bytearray()
        self._lock = threading.Lock()

    def add(self, data: bytes) -> None:
        """Take what came next."""
        with self._lock:
            self._kept += data
            # Cutting only at twice the limit makes the cost of each byte constant.
            if len(self._kept) > 2 * self._limit:
                del self._kept[: -self._limit]

    def text(self) -> str:
        """What was kept, decoded with replacement."""
        with self._lock:
            return self._kept[-self._limit :].decode(errors="replace")


class Archive:
    """A file that takes at most `limit` bytes; `full` tells that more came, which was not written."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self._file = file
        self._left = limit
        self.full = False

    def add(self, data: bytes) -> None:
        """Take what came next."""
        self._left -= len(data)
        if self._left < 0:
            self.full = True
        else:
            self._file.write(data)


def run_script(source: str) -> str:
    """What `sh -c` runs over a writable copy of `source`, with the service's folder and its command as arguments.

    Bundlers (Vite) write scratch files into the nearest `node_modules`, which is read-only where packages are shared:
    an empty one in front of it takes them, and the search for modules goes on above it.
    """
    modules = "if [ -f package.json ]; then mkdir -p node_modules; fi"
    return f'cp -R {source}/. . && cd -- "$1" && {modules} && shift && exec "$@"'
