"""Keeps secrets out of what is stored and shown: known values are replaced wherever they turn up."""

import os
import re
from collections.abc import Callable, Mapping

from sqlalchemy.engine import make_url

from orket_pipelines.settings import Settings

REDACTED = "[redacted]"
SHORTEST = 8
"""Shorter values are words that turn up by chance, and keep no secret anyway."""
SECRET_NAME = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$", re.IGNORECASE)

Redact = Callable[[str], str]


def redactor(settings: Settings, environment: Mapping[str, str] = os.environ) -> Redact:
    """A function that replaces every secret this process knows: its model's key, its database's password, and what
    its environment holds under a name that ends like a secret's.
    """
    values = {value for name, value in environment.items() if SECRET_NAME.search(name)}
    if settings.model_api_key is not None:
        values.add(settings.model_api_key.get_secret_value())
    if settings.database_url is not None:
        values.add(make_url(settings.database_url).password or "")
    known = sorted((value for value in values if len(value) >= SHORTEST), key=len, reverse=True)
    if not known:
        return str
    pattern = re.compile("|".join(map(re.escape, known)))
    return lambda text: pattern.sub(REDACTED, text)
