"""What Ruby projects declare: a Gemfile and gemspecs, as tokens; and what all Ruby frameworks share."""

import re

from orket_pipelines.sandboxes.detection import databases
from orket_pipelines.sandboxes.detection.composer import has_file
from orket_pipelines.sandboxes.detection.node_manifests import read_package
from orket_pipelines.sandboxes.detection.node_services import ui_of
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.detection.source import Comments, Source, read_source, sources
from orket_pipelines.sandboxes.model import Service, ServiceKind

MANIFEST = "Gemfile"
MANIFESTS = (MANIFEST, "*.gemspec", "config.ru")
_needs = ("add_dependency", "add_runtime_dependency")
_command_lines = frozenset({"thor", "gli", "slop", "commander", "dry-cli", "optimist", "clamp", "tty-option"})
_says_command = re.compile(r"command[- ]?line|\bcli\b", re.IGNORECASE)
EVERYWHERE = "0.0.0.0"  # noqa: S104 - in its container


def gems(site: Site) -> frozenset[str]:
    """The gems that the folder's Gemfile asks for."""
    names = [name for name in ("Gemfile", "gems.rb") if name in site.folder.files]
    found = [read_source(site.tree, site.folder.file(name), Comments.HASH) for name in names]
    return frozenset(each for source in found if source for each in source.texts_after("gem"))


def is_gem(site: Site) -> bool:
    """Whether it is made for others to install."""
    return any(name.endswith(".gemspec") for name in site.folder.files)


def is_command(site: Site) -> bool:
    """Whether it is installed for the command in it: it says so, or takes commands by a gem for that."""
    for name in site.folder.files:
        source = read_source(site.tree, site.folder.file(name), Comments.HASH) if name.endswith(".gemspec") else None
        if source is None or not source.has("executables"):
            continue
        needed = {each for verb in _needs for call in ((verb,), (verb, "(")) for each in source.texts_after(*call)}
        about = " ".join(text for key in ("name", "summary", "description") for text in source.texts_after(key, "="))
        if not needed.isdisjoint(_command_lines) or _says_command.search(about):
            return True
    return False


def programs(site: Site) -> list[Source]:
    """The folder's Ruby files, without its tests."""
    found = sources(site, ("*.rb", "*.ru"), Comments.HASH)
    return [each for each in found if not each.path.endswith(("_test.rb", "_spec.rb"))]


def requires(source: Source) -> set[str]:
    """What a file requires, without the paths in it."""
    found = [*source.texts_after("require"), *source.texts_after("require", "(")]
    return {each.partition("/")[0] for each in found} | set(found)


def framework_rule(name: str, gem: str, port: int) -> Rule:
    """The rule of a framework: a program of the folder requires it, or a config.ru runs what does."""

    def find(site: Site) -> Finding | None:
        if gem not in gems(site) and MANIFEST in site.folder.files:
            return None
        source = next((each for each in programs(site) if not requires(each).isdisjoint({gem, f"{gem}/base"})), None)
        rack = has_file(site, "config.ru")
        if is_gem(site) or not (source or (rack and gem in gems(site))):
            return None
        start = (
            rackup()
            if rack or source is None
            else ("ruby", site.folder.inner(source.path), "-o", EVERYWHERE, "-p", "{port}")
        )
        seen = f"{source.path}: requires {gem}" if source else f"{site.folder.file(MANIFEST)}: asks for {gem}"
        return Finding(ruby_service(site, name, ServiceKind.WEB, (seen,), start, port=port))

    return Rule(name, Language.RUBY, MANIFESTS, find)


def rackup() -> tuple[str, ...]:
    """Whatever config.ru runs."""
    return ("bundle", "exec", "rackup", "-o", EVERYWHERE, "-p", "{port}")


def ruby_service(
    site: Site, stack: str, kind: ServiceKind, seen: tuple[str, ...], start: tuple[str, ...], *, port: int | None
) -> Service:
    """What Ruby runs; a package.json beside it is its asset pipeline."""
    package = read_package(site.tree, site.folder)
    return Service(
        name="",
        stack=stack,
        kind=kind,
        folder=site.folder.path,
        start=start,
        port=port,
        evidence=seen,
        language=Language.RUBY,
        ui=ui_of(package) if package else None,
        databases=databases.ordered(databases.of_drivers(gems(site))) if start else (),
    )
