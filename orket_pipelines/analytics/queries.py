"""SQL lives in `.sql` files; this reads the ones that hold several named statements."""

import re
from functools import cache
from pathlib import Path

HERE = Path(__file__).parent
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def named(file: str) -> dict[str, str]:
    """The queries of a file of this room, by the names in its `-- name:` lines."""
    _, *found = _NAME.split((HERE / file).read_text())
    return {name: text.strip() for name, text in zip(found[::2], found[1::2], strict=True)}
