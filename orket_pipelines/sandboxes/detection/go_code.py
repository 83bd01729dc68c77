"""What a Go module requires, imports and starts."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from orket_pipelines.sandboxes.detection.rule import Site
from orket_pipelines.sandboxes.detection.source import Comments, Source, read_all
from orket_pipelines.sandboxes.detection.tree import Folder

MANIFEST = "go.mod"
COMMANDS_DEPTH = 3
"""How far below the module its commands lie (`cmd/server/main.go`, `internal/cmd/…`)."""
COMMAND_LINES = ("github.com/spf13/cobra", "github.com/urfave/cli", "github.com/alecthomas/kong")
"""By these a program takes commands: one that listens besides does so for metrics, or to look at something."""
LINES_LIMIT = 2_000
"""Of a go.mod."""

_version = re.compile(r"/v\d+(?=/|$)")


@dataclass(frozen=True, slots=True)
class GoModule:
    """`programs` are the folders, relative to the site's, of packages `main`; `imports` are those of all files."""

    name: str
    requires: frozenset[str]
    programs: tuple[str, ...]
    sources: tuple[Source, ...]
    imports: frozenset[str]
    root_package: str | None

    @property
    def is_library(self) -> bool:
        """Whether its root is a package for others to import."""
        return self.root_package not in {None, "main"}

    def importing(self, *packages: str) -> Source | None:
        """The first file that imports one of these packages, or a package below it."""
        return next(
            (
                source
                for source in self.sources
                for each in imports(source)
                if any(each == package or each.startswith(f"{package}/") for package in packages)
            ),
            None,
        )


def read_go(site: Site) -> GoModule | None:
    """The folder's module; without a go.mod only where programs lie in the folder itself."""
    return site.tree.once(("go", site.folder.path), lambda: _read(site))


def imports(source: Source) -> set[str]:
    """The paths that a file imports, without the number of their major version."""
    words, found = source.words(), set[str]()
    for at, word in enumerate(words):
        if word == "import":
            found.update(_imported(words, at + 1))
        elif word == "func":
            break
    return {_version.sub("", each) for each in found}


def _imported(words: list[str], at: int) -> Iterator[str]:
    grouped = words[at : at + 1] == ["("]
    for word in words[at + grouped : at + 500]:
        if word == ")":
            return
        if word[:1] in {'"', "`"}:
            yield word[1:-1]
            if not grouped:
                return


def _read(site: Site) -> GoModule | None:
    manifest = site.tree.read(site.folder.file(MANIFEST)) if MANIFEST in site.folder.files else None
    if manifest is None and not any(name.endswith(".go") for name in site.folder.files):
        return None
    folders = [_without_tests(each) for each in site.folders()]
    sources = tuple(read_all(site.tree, folders, ("*.go",), Comments.SLASHES))
    name, requires = _manifest(manifest or "")
    found = {
        _inner(site, source): source
        for source in sources
        if source.has("package", "main") and source.has("func", "main", "(")
    }
    packages = [_package(source) for source in sources if _inner(site, source) == "."]
    return GoModule(
        name=name,
        requires=requires,
        programs=tuple(sorted(each for each in found if each.count("/") < COMMANDS_DEPTH)),
        sources=sources,
        imports=frozenset(each for source in sources for each in imports(source)),
        root_package=packages[0] if packages else None,
    )


def _manifest(text: str) -> tuple[str, frozenset[str]]:
    """The module's name, and what it requires itself."""
    name, requires, inside = "", set[str](), False
    for line in text.splitlines()[:LINES_LIMIT]:
        plain, _, comment = line.partition("//")
        words = plain.split()
        if words[:1] == ["module"] and len(words) > 1:
            name = words[1].strip('"')
        elif words[:2] == ["require", "("]:
            inside = True
        elif words == [")"]:
            inside = False
        elif words and (inside or words[0] == "require") and comment.strip() != "indirect":
            requires.add(_version.sub("", words[0] if inside else words[1] if len(words) > 1 else ""))
    return name, frozenset(requires)


def _inner(site: Site, source: Source) -> str:
    folder = source.path.rpartition("/")[0] or "."
    return folder if site.folder.path == "." else folder.removeprefix(site.folder.path).lstrip("/") or "."


def _package(source: Source) -> str:
    words = source.words()
    return next((words[at + 1] for at, word in enumerate(words[:-1]) if word == "package"), "")


def _without_tests(folder: Folder) -> Folder:
    return Folder(folder.path, folder.depth, frozenset(each for each in folder.files if not each.endswith("_test.go")))
