"""Installed Node modules within reach of a checkout that is worked on by processes of this host."""

import contextlib
import os
import secrets
from pathlib import Path


def link_modules(checkout: Path, modules: Path) -> None:
    """Put `modules` above the checkout: Node looks there, and nothing appears in the checkout itself.

    Checkouts of one card share the folder above; each command links what its own checkout needs.
    """
    link = checkout.parent / "node_modules"
    with contextlib.suppress(OSError):
        if link.readlink() == modules:
            return
    made = link.with_name(f".node_modules-{secrets.token_hex(4)}")
    made.symlink_to(modules)
    os.replace(made, link)  # noqa: PTH105 - in one step, whatever link was there
