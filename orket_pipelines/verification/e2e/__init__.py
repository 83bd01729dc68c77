"""What goes along to where a browser runs: the plugin that pytest loads, and what has to be installed there."""

from pathlib import Path

FOLDER = Path(__file__).parent


def shipped(name: str) -> str:
    """The text of a module that goes along."""
    return FOLDER.joinpath(f"{name}.py").read_text()
