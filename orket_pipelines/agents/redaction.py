"""Keeps out of what is stored and shown what must not be there: known secrets, and what no database takes as text."""

import os
import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from sqlalchemy.engine import make_url

from orket_pipelines.settings import Settings

REDACTED = "[redacted]"
SHORTEST = 8
"""Shorter values are words that turn up by chance, and keep no secret anyway."""
SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$", re.IGNORECASE)

Redact = Callable[[str], str]


def redactor(settings: Settings, environment: Mapping[str, str] = os.environ) -> Redact:
    """A function that replaces every secret this process knows, and NUL and halves of characters besides.

    Known are the models' keys, the database's password, and what the environment holds under a name that ends like a
    secret's.
    """
    values = {environment[name] for name in environment if _is_secret(name)}
    keys = (settings.model_api_key, *(model.api_key for model in settings.models.values()))
    values |= {key.get_secret_value() for key in keys if key is not None}
    if settings.database_url is not None:
        values.add(make_url(settings.database_url).password or "")
    known = sorted((value for value in values if len(value) >= SHORTEST), key=len, reverse=True)
    return _replacing(tuple(known)) if known else storable


@lru_cache(maxsize=1_000)
def _is_secret(name: str) -> bool:
    return SECRET_NAME.search(name) is not None


@lru_cache(maxsize=8)
def _replacing(known: tuple[str, ...]) -> Redact:
    pattern = re.compile("|".join(map(re.escape, known)))
    return lambda text: pattern.sub(REDACTED, storable(text))


def storable(text: str) -> str:
    """`text` as every database takes it."""
    return text.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
