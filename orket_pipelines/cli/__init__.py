"""The terminal's door: `orket <noun> <verb>`, one file per noun.

Nothing but typer is imported until a command runs, so that `--help` starts at once.
"""

import sys


def main() -> None:
    """The entry point of the script `orket`."""
    from orket_pipelines.cli.application import build

    # The program's name is the same however it was started; a module's path would stand in --help otherwise.
    build()(prog_name="orket", args=sys.argv[1:])


__all__ = ["main"]
