"""Carries connections from ports of this host to the services of a sandbox, whose own network has no way to the host.

Where each leads is read from a file whenever somebody connects: who renames another file over it moves all that come,
and none that is open. Python's own library alone and no import of ours: a container that stands on the networks runs
this very text (`source()`) by `python3 -c`. It looks into nothing that it carries.
"""

import asyncio
import contextlib
import sys
from pathlib import Path

CONNECTIONS = 512
"""At once; more are closed."""
CHUNK = 64 * 1024
CONNECTING = 5.0
"""Seconds that a service may take to be reached, and who asks for one by name to say which."""


def source() -> str:
    """The text of this file, to be handed to a Python elsewhere."""
    return Path(__file__).read_text()


def read_way(ways: Path, key: str) -> tuple[str, int]:
    """Host name and port behind a key. `ways` holds lines KEY=HOST:PORT. Raises: OSError where there is none."""
    for line in ways.read_text().splitlines():
        found, _, target = line.partition("=")
        host, _, port = target.rpartition(":")
        if found == key and host:
            return host, int(port)
    raise OSError(f"nothing is behind {key}")


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Until `reader` ends; the other way may go on."""
    while data := await reader.read(CHUNK):
        writer.write(data)
        await writer.drain()
    if writer.can_write_eof():
        writer.write_eof()


class Forwarder:
    """One port. What is behind it is found by its number; by a first line that a client says, where it is `asked`."""

    open = 0

    def __init__(self, ways: Path, port: int, *, asked: bool = False) -> None:
        self._ways, self._port, self._asked = ways, port, asked

    async def serve(self) -> None:
        """For ever."""
        server = await asyncio.start_server(self._carry, "0.0.0.0", self._port, backlog=128)  # noqa: S104 - in its container
        await server.serve_forever()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        Forwarder.open += 1
        writers = [writer]
        try:
            if Forwarder.open <= CONNECTIONS:
                said = await asyncio.wait_for(reader.readline(), CONNECTING) if self._asked else b"%d" % self._port
                connecting = asyncio.open_connection(*read_way(self._ways, said.decode(errors="replace").strip()))
                inner, outer = await asyncio.wait_for(connecting, CONNECTING)
                writers.append(outer)
                await asyncio.gather(pump(reader, outer), pump(inner, writer))
        except (TimeoutError, OSError, ValueError):
            # Who is cut off hears of it at once. A line that does not end is a ValueError.
            writer.transport.abort()
        finally:
            Forwarder.open -= 1
            for each in writers:
                each.close()


async def serve(words: list[str]) -> None:
    """`words` are the file with the ways, the port at which clients name what they want, and every other port."""
    ways, asked, *ports = words
    named = Forwarder(Path(ways), int(asked), asked=True)
    await asyncio.gather(named.serve(), *(Forwarder(Path(ways), int(port)).serve() for port in ports))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(serve(sys.argv[1:]))
