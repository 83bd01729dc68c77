"""Books that are built of chapters, with crates beside them that work on the chapters."""

from orket_pipelines.sandboxes.detection.tree import Folder, Tree


def is_book(tree: Tree, folder: Folder) -> bool:
    """Whether a book's chapters lie where a crate's code would: what is built there besides is the book's."""
    source = tree.folders.get(folder.file("src"))
    chapters = source is not None and "SUMMARY.md" in source.files
    return chapters and source is not None and source.files.isdisjoint({"main.rs", "lib.rs"})
