"""Where the forwarder of a sandbox carries connections: a file of this host, which it reads whenever somebody connects.

A generation's ways are part of its handles, so that whoever carries a deployment on knows which ones hold.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE = "ways"


def lead(handles: Mapping[str, Any], *, asked: Mapping[str, Any] | None = None) -> None:
    """Have connections carried to what `handles` tell of; by name, at the port for probes, to what `asked` tell of.

    Nothing happens where `handles` are of what no file leads to.
    """
    if "ways" not in handles:
        return
    ways = {**handles["ways"], **(asked or handles)["named"]}
    _write(Path(handles["led_by"]), "".join(f"{key}={target}\n" for key, target in ways.items()))


def _write(folder: Path, text: str) -> None:
    """Readers find the file before or after, and never half of it. Its reader is another user."""
    folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    folder.chmod(0o755)
    written = folder / f"{FILE}.new"
    written.write_text(text)
    written.chmod(0o644)
    written.replace(folder / FILE)
