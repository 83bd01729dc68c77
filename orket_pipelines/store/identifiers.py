"""Generated identifiers."""

import uuid


def new_id() -> str:
    """32 hexadecimal characters, random."""
    return uuid.uuid4().hex
