"""What the files around a service add to it: databases, and the port that its image exposes."""

from dataclasses import replace

from orket_pipelines.sandboxes.detection import databases
from orket_pipelines.sandboxes.detection.hints import compose, environment, exposed_port
from orket_pipelines.sandboxes.detection.tree import Folder, Tree
from orket_pipelines.sandboxes.model import Service, ServiceKind

RUNNING = frozenset({ServiceKind.WEB, ServiceKind.JOB})
"""What talks to databases."""


def with_surroundings(tree: Tree, service: Service) -> Service:
    """The service with what its folder's files tell, and those of the folders around it."""
    folder = tree.folders[service.folder]
    if service.kind not in RUNNING:
        return replace(service, databases=())
    named = {found for around in tree.above(folder) for found in _databases(tree, around)}
    found = databases.ordered({*service.databases, *named})
    exposed = exposed_port(tree, folder) if service.port and "{port}" not in service.start else None
    return replace(service, databases=found, port=exposed or service.port)


def _databases(tree: Tree, folder: Folder) -> set[str]:
    built = compose(tree, folder)
    return databases.of_images(built) | databases.of_environment(environment(tree, folder))
