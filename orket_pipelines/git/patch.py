"""What makes two patches the same."""

import hashlib
from collections.abc import Iterable


def name_patch(lines: Iterable[bytes]) -> str:
    """64 hexadecimal characters that name the change in a unified diff, wherever in the file it applies.

    Positions and blob names are left out; paths, modes, context and every byte of white space count. (`git patch-id`
    skips white space, so that code moved to another block would keep its approval.)
    """
    name = hashlib.sha256()
    for line in lines:
        if line.startswith(b"@@ "):
            name.update(b"@@\n")
        elif not line.startswith(b"index "):
            name.update(line)
    return name.hexdigest()
