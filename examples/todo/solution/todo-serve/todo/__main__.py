"""`python -m todo` serves the list to this machine."""

import argparse
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from todo.api import DATABASE, create_app


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until stopped; `arguments` are those of the command line where None."""
    options = _options(arguments)
    uvicorn.run(create_app(options.database), host=options.host, port=options.port)


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m todo", description="Serve the to-do list.")
    parser.add_argument("--database", type=Path, default=DATABASE, help="the SQLite file (default: %(default)s)")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8000, help="the port to listen on (default: %(default)s)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
