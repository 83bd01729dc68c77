"""Generated identifiers."""

import os


def new_id() -> str:
    """32 hexadecimal characters, random."""
    return os.urandom(16).hex()
