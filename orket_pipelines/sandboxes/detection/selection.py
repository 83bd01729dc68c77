"""Which of the things that were found are services of a repository, and which are parts of others, or show them."""

import re
from collections import Counter
from dataclasses import dataclass, replace

from orket_pipelines.sandboxes.detection.books import is_book
from orket_pipelines.sandboxes.detection.cloud_functions import functions
from orket_pipelines.sandboxes.detection.composer import MANIFEST
from orket_pipelines.sandboxes.detection.hints import compose, has_image
from orket_pipelines.sandboxes.detection.node_manifests import read_package
from orket_pipelines.sandboxes.detection.rule import Language
from orket_pipelines.sandboxes.detection.spoken import files_of_languages, most_spoken
from orket_pipelines.sandboxes.detection.tree import Folder, Tree
from orket_pipelines.sandboxes.model import SERVING, Service, ServiceKind

PAGES = frozenset({ServiceKind.SPA, ServiceKind.STATIC})
WHOLE = frozenset({Language.PHP, Language.RUBY, Language.ELIXIR, Language.DOTNET})
"""Languages whose frameworks bring their pages with them: a package beside them is their asset pipeline."""
BUNDLERS = frozenset({"webpack", "parcel", "rsbuild", "rollup"})
"""What builds parts of pages as well as pages: beside a program, its parts."""
DOCUMENTATION = frozenset({"mkdocs", "mdbook", "docusaurus", "vitepress", "vuepress"})
"""What builds documentation: beside anything else it is that thing's."""
SHOWS = frozenset(
    {
        *("website", "site", "www", "docs", "documentation", "homepage", "landing", "storybook", "styleguide"),
        *("demo", "playground", "sandbox", "dev", "examples", "example", "workbench", "showcase", "explorer"),
        *("debug", "private", "internal", "repl"),
    }
)
"""Folders in which a library shows itself."""
WORKERS = frozenset({"apps", "services", "workers", "jobs", "functions", "lambdas"})
"""Folders in which a repository keeps what it runs."""
PAGES_OF_ONE = 3
"""So many plain pages, each in a folder of its own and with nothing else beside, are one collection of pages."""
PLATFORMS = frozenset({"android", "ios", "web", "windows", "macos", "linux"})
"""Folders in which an application of Flutter keeps what starts it."""
WORKSPACES = {
    str(Language.JAVA): frozenset({"settings.gradle", "settings.gradle.kts"}),
    str(Language.RUST): frozenset({"Cargo.toml"}),
}
"""What at the root builds the modules below it."""
TOOLS = frozenset({"tools", "tooling", "scripts", "hack"})
"""Folders in which a repository keeps what its developers work with."""
DESKTOPS = frozenset({"desktop", "app", "launcher", "client", "cli", "console", "gui", "server"})
"""What the modules of a Java program are called that others are but parts of."""
ASSETS = frozenset({"assets", "static", "public", "resources", "theme", "themes", "web_src", "priv"})
"""Folders in which a program keeps the parts of its pages."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a rule found in a folder."""

    folder: Folder
    service: Service


def selected(tree: Tree, found: list[Found]) -> list[Service]:
    """The services, those nearest the root first; where nothing runs, the one library that all of it is."""
    found = [each for each in found if not _is_shell_of_flutter(tree, each.folder)]
    folders = {each.folder.path: each.folder for each in found}
    kept = [
        each for path in folders for each in _in_one_folder(tree, [one for one in found if one.folder.path == path])
    ]
    if not all(_is_plain_page(each) for each in kept):
        # A page in a folder of its own, below nothing else, is a page; the folder of another's pages is not.
        kept = [each for each in kept if not (_is_plain_page(each) and each.service.output != ".")]
    if any(each.service.kind is ServiceKind.LIBRARY for each in kept) and all(_is_aside(each) for each in kept):
        kept = [each for each in kept if not _is_plain_page(each)]
    if any(each.service.kind is not ServiceKind.STATIC for each in kept):
        kept = [each for each in kept if each.service.framework not in DOCUMENTATION or _is_book(tree, each)]
    kept = [each for each in kept if not _is_part(tree, each, kept)]
    if any(each.service.framework == "aspnet" for each in kept):
        # The server of a Blazor application brings its client with it.
        kept = [each for each in kept if each.service.framework != "blazor"]
    kept = _without_tools(_without_shows(tree, kept))
    if len(kept) >= PAGES_OF_ONE and all(_is_plain_page(each) for each in kept):
        return [replace(kept[0].service, folder=".", output=".")]
    serving = [each for each in kept if each.service.kind in SERVING]
    if serving:
        jobs = [each for each in kept if each.service.kind is ServiceKind.JOB and _is_run(tree, each)]
        return [each.service for each in kept if each in serving or each in jobs]
    return _one_of(tree, kept)


def _is_shell_of_flutter(tree: Tree, folder: Folder) -> bool:
    return any(
        "pubspec.yaml" in around.files and around.inner(folder.path).partition("/")[0] in PLATFORMS
        for around in tree.above(folder)
        if around is not folder
    )


def _in_one_folder(tree: Tree, found: list[Found]) -> list[Found]:
    """What one folder is for. A page beside a program of another language is a service of its own."""
    serving = [each for each in found if each.service.kind in SERVING and not _is_plain_page(each)]
    if not serving:
        programs = [each for each in found if not _is_plain_page(each)]
        return [_most_written(tree, programs)] if programs else found[:1]
    built = [each for each in serving if each.service.language == Language.NODE]
    others = [each for each in serving if each.service.language != Language.NODE]
    generated = [each for each in others if each.service.kind is ServiceKind.STATIC]
    running = [each for each in others if each not in generated]
    if not running:
        return built[:1] or generated[:1]
    best = _most_written(tree, running)
    pages = [] if best.service.language in WHOLE else [each for each in built if _draws_pages(each.service)]
    return [best, *pages]


def _is_built_from(tree: Tree, best: list[Found]) -> bool:
    """Whether Gradle or Cargo builds a single module from the root, which is where people begin."""
    names = tree.folders["."].files
    return any(not WORKSPACES.get(each.service.language, frozenset()).isdisjoint(names) for each in best)


def _most_written(tree: Tree, found: list[Found]) -> Found:
    """By the number of files in its language; what comes first among equals."""
    if len(found) == 1:
        return found[0]
    counts = files_of_languages(tree.below(found[0].folder))
    return max(found, key=lambda each: (each.service.kind in SERVING, counts[each.service.language]))


def _draws_pages(service: Service) -> bool:
    return service.framework not in BUNDLERS and (service.kind in PAGES or service.ui is not None)


def _is_book(tree: Tree, found: Found) -> bool:
    return found.service.framework == "mdbook" and found.folder.path == "." and is_book(tree, found.folder)


def _is_plain_page(found: Found) -> bool:
    return found.service.kind is ServiceKind.STATIC and found.service.framework is None


def _is_aside(found: Found) -> bool:
    """Whether it is a library, or a page somewhere below the root: beside libraries, a page shows or tests them."""
    return found.service.kind is ServiceKind.LIBRARY or (_is_plain_page(found) and found.folder.path != ".")


def _is_part(tree: Tree, found: Found, kept: list[Found]) -> bool:
    """Whether it belongs to what lies around it."""
    for other in kept:
        if other is found or other.folder is found.folder or not other.folder.contains(found.folder.path):
            continue
        inner = found.folder.path.removeprefix(other.folder.path).strip("/").lower()
        if _is_plain_page(found) or (other.service.kind in SERVING and _belongs(found, other, inner)):
            return True
        if found.service.kind not in SERVING and functions(tree, other.folder):
            # One of the functions that are deployed from there.
            return True
    return False


def _belongs(found: Found, other: Found, inner: str) -> bool:
    if found.service.language == other.service.language == Language.PHP:
        own = found.service.framework not in {None, other.service.framework}
        return not own and MANIFEST not in found.folder.files
    if found.service.language != Language.NODE:
        return False
    if other.service.language == Language.DOTNET and other.folder.path != ".":
        return True
    return other.service.language in WHOLE and not ASSETS.isdisjoint(inner.split("/"))


def _without_shows(tree: Tree, kept: list[Found]) -> list[Found]:
    """Without the pages and programs in which a library shows itself."""
    root = next((each for each in kept if each.folder.path == "."), None)
    if root and _is_library(root) and _is_published(tree, root) and not _programs_of(root, kept):
        return [root]
    command = root is not None and root.service.kind is ServiceKind.JOB and _is_published(tree, root)
    if not command and not any(_is_published_member(tree, each) for each in kept):
        return kept
    return [each for each in kept if SHOWS.isdisjoint(_words(each.folder.path))]


def _programs_of(root: Found, kept: list[Found]) -> list[Found]:
    """Modules of a Java build that are what all of it is for, whatever its root holds."""
    java = [each for each in kept if each.service.language == root.service.language == Language.JAVA]
    return [each for each in java if each.service.kind is ServiceKind.JOB and _last_word(each) in DESKTOPS]


def _is_library(found: Found) -> bool:
    return found.service.kind is ServiceKind.LIBRARY


def _without_tools(kept: list[Found]) -> list[Found]:
    """Without what developers work with, where something else serves."""
    others = [each for each in kept if TOOLS.isdisjoint(each.folder.path.lower().split("/"))]
    return others if any(each.service.kind in SERVING for each in others) else kept


def _is_published(tree: Tree, root: Found) -> bool:
    """Whether the root is a library by its packaging, and not for want of anything that is known."""
    package = read_package(tree, root.folder)
    if root.service.language == Language.NODE:
        return package is not None and package.published
    names = root.folder.files
    return any(
        name in names
        for name in (
            "pyproject.toml",
            "setup.py",
            "setup.cfg",
            "Cargo.toml",
            "composer.json",
            "go.mod",
            "mix.exs",
            "pom.xml",
        )
    ) or any(name.endswith((".gemspec", ".csproj")) or name.startswith("build.gradle") for name in names)


def _is_published_member(tree: Tree, found: Found) -> bool:
    package = read_package(tree, found.folder)
    return (
        found.service.kind is ServiceKind.LIBRARY
        and found.folder.path != "."
        and package is not None
        and package.published
    )


def _is_run(tree: Tree, job: Found) -> bool:
    """Whether something says that a job is run beside the services: an image of its own, or where it lies."""
    contexts = {each.folder for folder in tree.folders.values() if folder.depth <= 1 for each in compose(tree, folder)}
    if job.folder.path == "." or job.service.language == Language.ELIXIR:
        # The members of an umbrella run together.
        return False
    return job.folder.path in contexts or has_image(job.folder) or job.folder.path.partition("/")[0] in WORKERS


def _one_of(tree: Tree, kept: list[Found]) -> list[Service]:
    """Where nothing answers: the root's own, or the jobs that are run, or all as one."""
    root = next((each for each in kept if each.folder.path == "."), None)
    jobs = [each for each in kept if each.service.kind is ServiceKind.JOB]
    programs = _programs_of(root, kept) if root else []
    if programs:
        return [replace(programs[0].service, folder=".", start=(), build=())]
    if root and (root.service.kind is ServiceKind.JOB or not jobs or _is_published(tree, root)):
        return [root.service]
    if len(jobs) > 1 and all(_is_run(tree, each) for each in jobs):
        return [each.service for each in jobs]
    spoken = most_spoken(tree, Counter(each.service.language for each in kept))
    jobs = [each for each in jobs if each.service.language == spoken]
    libraries = [each for each in kept if each.service.language == spoken and each not in jobs]
    coming = _are_libraries(tree, jobs, libraries)
    best = libraries if not jobs or coming else jobs
    if len(best) + (len(jobs) if coming else 0) <= 1 and not _is_built_from(tree, best):
        return [each.service for each in best]
    return [replace(best[0].service, folder=".", start=(), build=())]


def _are_libraries(tree: Tree, jobs: list[Found], libraries: list[Found]) -> bool:
    """Whether a workspace is made of packages for others, and its commands only come with them."""
    published = [each for each in libraries if _is_published_member(tree, each)]
    members = [each for each in jobs if each.service.language in {Language.NODE, Language.JAVA}]
    return bool(members) and len(members) == len(jobs) and (len(published) >= len(jobs) or len(libraries) > len(jobs))


def _last_word(found: Found) -> str:
    return re.split(r"[-_./]", found.folder.path.lower())[-1]


def _words(path: str) -> set[str]:
    parts = path.lower().split("/")
    return {*parts, *(word for part in parts for word in re.split(r"[-_.]", part))}
