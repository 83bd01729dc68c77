"""Carries connections from ports of this host to the services of a sandbox, whose own network has no way to the host.

Python's own library alone and no import of ours: a container that stands on both networks runs this very text
(`source()`) by `python3 -c`. It looks into nothing that it carries.
"""

import asyncio
import contextlib
import sys
from pathlib import Path

CONNECTIONS = 512
"""At once; more are closed."""
CHUNK = 64 * 1024
CONNECTING = 5.0
"""Seconds that a service may take to be reached."""


def source() -> str:
    """The text of this file, to be handed to a Python elsewhere."""
    return Path(__file__).read_text()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until `reader` ends; the other way may go on."""
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


class Forwarder:
    """One port, and the service (host name and port) behind it."""

    open = 0

    def __init__(self, port: int, host: str, target: int) -> None:
        self._port, self._host, self._target = port, host, target

    async def serve(self) -> None:
        """For ever."""
        server = await asyncio.start_server(self._carry, "0.0.0.0", self._port, backlog=128)  # noqa: S104 - in its container
        await server.serve_forever()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        Forwarder.open += 1
        writers = [writer]
        try:
            if Forwarder.open <= CONNECTIONS:
                connecting = asyncio.open_connection(self._host, self._target)
                inner, outer = await asyncio.wait_for(connecting, CONNECTING)
                writers.append(outer)
                await asyncio.gather(pump(reader, outer), pump(inner, writer))
        except (TimeoutError, OSError):
            # Who is cut off hears of it at once.
            writer.transport.abort()
        finally:
            Forwarder.open -= 1
            for each in writers:
                each.close()


async def serve(words: list[str]) -> None:
    """`words` are PORT=HOST:PORT."""
    forwarders = []
    for word in words:
        port, _, target = word.partition("=")
        host, _, inner = target.rpartition(":")
        forwarders.append(Forwarder(int(port), host, int(inner)))
    await asyncio.gather(*(each.serve() for each in forwarders))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(sys.argv[1:]))
