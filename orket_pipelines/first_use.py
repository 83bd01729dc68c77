"""What a room offers, loaded at its first use: who asks for little does not wait for all that is behind the rest."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def on_first_use(room: str, places: Mapping[str, str]) -> Callable[[str], Any]:
    """The `__getattr__` of a package `room`, for names that stand in modules of it. Raises: AttributeError."""

    def load(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {room!r} has no attribute {name!r}")
        return getattr(import_module(f"{room}.{places[name]}"), name)

    return load
