"""Data versions: equal content, equal version."""

import hashlib
import json
from typing import Any


def version_of(content: Any) -> str:
    """Of anything that can be written as JSON, or as text."""
    return hashlib.sha256(json.dumps(content, default=str, sort_keys=True).encode()).hexdigest()[:16]
