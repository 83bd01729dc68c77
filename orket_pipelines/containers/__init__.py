"""The one room that talks to a Docker engine: typed specs, an allow-list, and labels that a reaper goes by.

Everybody else says what is wanted (`ContainerSpec`) and to whom it belongs (`Labels`); what is asked of the engine is
made in `request.py`, after `allow_list.py` has granted it. docs/ISOLATION.md says in words what a container gets.
"""

from orket_pipelines.containers.defaults import command_user, limits_of
from orket_pipelines.containers.docker_engine import DockerEngine, engine_answers, open_engine
from orket_pipelines.containers.labels import installation_id, write_labels
from orket_pipelines.containers.memory_engine import MemoryEngine, Program
from orket_pipelines.containers.model import (
    Container,
    ContainerLimits,
    ContainerPurpose,
    ContainerSpec,
    EngineFacts,
    FolderMount,
    Image,
    Labels,
    Network,
    NetworkSpec,
    PublishedPort,
    Scratch,
    Volume,
    VolumeMount,
    VolumeSpec,
)
from orket_pipelines.containers.port import Engine, Sink
from orket_pipelines.containers.reaper import Reaped, reap

__all__ = [
    "Container",
    "ContainerLimits",
    "ContainerPurpose",
    "ContainerSpec",
    "DockerEngine",
    "Engine",
    "EngineFacts",
    "FolderMount",
    "Image",
    "Labels",
    "MemoryEngine",
    "Network",
    "NetworkSpec",
    "Program",
    "PublishedPort",
    "Reaped",
    "Scratch",
    "Sink",
    "Volume",
    "VolumeMount",
    "VolumeSpec",
    "command_user",
    "engine_answers",
    "installation_id",
    "limits_of",
    "open_engine",
    "reap",
    "write_labels",
]
