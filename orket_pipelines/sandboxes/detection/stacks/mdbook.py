"""mdBook: a book that is built into a folder, where the repository is nothing else."""

from orket_pipelines.sandboxes.detection.books import is_book
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import Service, ServiceKind


def find(site: Site) -> Finding | None:
    """Beside a crate it is that crate's documentation, unless its chapters lie where a crate's code would."""
    if "book.toml" not in site.folder.files:
        return None
    if "Cargo.toml" in site.folder.files and not is_book(site.tree, site.folder):
        return None
    return Finding(
        Service(
            name="",
            stack="mdbook",
            kind=ServiceKind.STATIC,
            folder=site.folder.path,
            build=("mdbook", "build"),
            output="book",
            evidence=(f"{site.folder.file('book.toml')}: configures mdBook",),
            language=Language.STATIC,
        )
    )


RULE = Rule("mdbook", Language.STATIC, ("book.toml",), find)
