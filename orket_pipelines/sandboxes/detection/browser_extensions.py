"""Extensions of browsers: what their manifest tells, wherever a build takes it from."""

from collections.abc import Iterator

from orket_pipelines.sandboxes.detection.data import read_json
from orket_pipelines.sandboxes.detection.tree import Folder, Tree

MANIFEST = "manifest.json"
PLACES = ("public", "static", "src", "app")
"""Where builds take the manifest from; a page that may be installed has one of that name, too, that tells otherwise."""


def is_extension(tree: Tree, folder: Folder) -> bool:
    """Whether the folder, or what is built of it, is loaded by a browser."""
    return tree.once(("extension", folder.path), lambda: any(_tells(tree, each) for each in _places(tree, folder)))


def _places(tree: Tree, folder: Folder) -> Iterator[Folder]:
    yield folder
    builds = "package.json" in folder.files
    yield from (each for name in PLACES if builds and (each := tree.folders.get(folder.file(name))))


def _tells(tree: Tree, folder: Folder) -> bool:
    return MANIFEST in folder.files and "manifest_version" in read_json(tree.read(folder.file(MANIFEST)))
