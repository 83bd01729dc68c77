"""The output of a command, kept within a bound while it comes."""

NOTICE = "\n[… {} bytes left out …]\n"


class Output:
    """The first quarter of `limit` bytes and the last three: what went wrong mostly stands at the end."""

    def __init__(self, limit: int) -> None:
        self._head_limit = limit // 4
        self._tail_limit = limit - self._head_limit
        self._head = bytearray()
        self._tail = bytearray()
        self.truncated = 0

    def add(self, data: bytes) -> None:
        """Take what came next."""
        room = self._head_limit - len(self._head)
        self._head += data[:room]
        self._tail += data[room:]
        # Cutting only at twice the limit makes the cost of each byte constant.
        if len(self._tail) > 2 * self._tail_limit:
            self._cut()

    def text(self) -> str:
        """All that was kept, with a notice where bytes were left out. Without NUL, which PostgreSQL cannot store."""
        self._cut()
        notice = NOTICE.format(self.truncated) if self.truncated else ""
        return _decode(self._head) + notice + _decode(self._tail) if notice else _decode(self._head + self._tail)

    def _cut(self) -> None:
        excess = len(self._tail) - self._tail_limit
        if excess > 0:
            del self._tail[:excess]
            self.truncated += excess


def _decode(data: bytearray) -> str:
    return data.decode(errors="replace").replace("\0", "�")
