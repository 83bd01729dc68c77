"""Who commands in containers run as, and within what limits, unless a room says otherwise."""

import os

from orket_pipelines.containers.model import ContainerLimits
from orket_pipelines.settings import Settings

ROOTS_STAND_IN = 10_001
"""Uid and gid of commands where the factory's own would be root's; it owns nothing."""


def command_user() -> tuple[int, int]:
    """The user and group who run the factory; where that is root, 10001 for both."""
    if os.geteuid() == 0:
        return ROOTS_STAND_IN, ROOTS_STAND_IN
    return os.geteuid(), os.getegid() or ROOTS_STAND_IN


def limits_of(settings: Settings) -> ContainerLimits:
    """What the settings allow one container."""
    return ContainerLimits(
        memory=settings.container_memory, cpus=settings.container_cpus, processes=settings.container_processes
    )
