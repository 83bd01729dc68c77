"""Run inside a service by `python3 -c`: what its repository brought into the container with it."""

import json
import os
import sys
from contextlib import suppress
from typing import Any

LIMIT = 1_000_000


def tell(what: str, *, succeeded: bool, told: str = "") -> None:
    print(json.dumps({"what": what, "succeeded": succeeded, "told": told}), flush=True)


def links(ground: dict[str, Any]) -> None:
    """Whether anything here reads as a file of the machine, by whatever name."""
    secret, seen = ground["secret"].encode(), 0
    for top in {"/source", os.getcwd()}:
        for parent, folders, names in os.walk(top):
            for path in (os.path.join(parent, name) for name in (*names, *folders)):
                seen += 1
                if os.path.islink(path) and not os.path.realpath(path).startswith((top, "/source/")):
                    tell(path, succeeded=True, told=f"leads to {os.path.realpath(path)}")
                with suppress(OSError), open(path, "rb") as file:
                    if secret in file.read(LIMIT):
                        tell(path, succeeded=True, told="is a file of the machine")
    tell("files looked at", succeeded=not seen, told=str(seen))


def compose(ground: dict[str, Any]) -> None:
    """Whether what its compose file and Dockerfile ask for is here."""
    for path in ("/host", "/hostile-dockerfile", "/var/run/docker.sock"):
        tell(path, succeeded=os.path.lexists(path))
    for name in ("ORKET_HOSTILE_COMPOSE", "ORKET_HOSTILE_DOCKERFILE", "ORKET_HOSTILE_DOTENV"):
        tell(name, succeeded=name in os.environ)


def names(ground: dict[str, Any]) -> None:
    """Whether a shell took the name of the folder that this service lies in for a command."""
    for folder in ("/tmp", "/source", os.getcwd(), os.path.dirname(os.getcwd())):  # noqa: S108 - looked at
        for parent, _, found in os.walk(folder):
            if "orket-hostile-name" in found:
                tell(parent, succeeded=True, told="a command in a name was run")
        tell(folder, succeeded=False, told="looked")


if __name__ == "__main__":
    globals()[sys.argv[1]](json.loads(sys.argv[2]))
