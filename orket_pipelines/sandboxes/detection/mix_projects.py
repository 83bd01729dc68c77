"""What Elixir projects declare: mix.exs as tokens; and what all Elixir frameworks share."""

from dataclasses import dataclass

from orket_pipelines.sandboxes.detection import databases
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.detection.source import Comments, Source, read_all, read_source
from orket_pipelines.sandboxes.model import Service, ServiceKind

MANIFEST = "mix.exs"
PORT = 4000
WORDS_LIMIT = 5_000
"""Of a mix.exs."""


@dataclass(frozen=True, slots=True)
class Mix:
    """`starts`: it names a module that runs with it. `packaged`: it is made for others to install."""

    path: str
    application: str
    dependencies: frozenset[str]
    starts: bool
    packaged: bool
    umbrella: bool
    command: bool


def read_mix(site: Site) -> Mix | None:
    """The folder's mix.exs."""
    path = site.folder.file(MANIFEST)
    source = read_source(site.tree, path, Comments.HASH) if MANIFEST in site.folder.files else None
    if source is None:
        return None
    words = source.words()[:WORDS_LIMIT]
    return Mix(
        path=path,
        application=next(
            (words[at + 3] for at in range(len(words) - 3) if words[at : at + 3] == ["app", ":", ":"]), ""
        ),
        dependencies=_with_pairs(frozenset(_dependencies(words))),
        starts=any(words[at : at + 2] == ["mod", ":"] for at in range(len(words))),
        packaged=source.has("package", ":"),
        umbrella=source.has("apps_path", ":"),
        command=source.has("escript", ":"),
    )


def framework_rule(name: str, *packages: str) -> Rule:
    """The rule of a framework that an application depends upon."""

    def find(site: Site) -> Finding | None:
        mix = read_mix(site)
        if mix is None or not mix.starts or mix.dependencies.isdisjoint(packages):
            return None
        if mix.packaged and not _has_endpoint(site):
            return None
        return Finding(mix_service(site, mix, name, ServiceKind.WEB, f"{mix.path}: depends upon {name}"))

    return Rule(name, Language.ELIXIR, (MANIFEST,), find)


def mix_service(site: Site, mix: Mix, stack: str, kind: ServiceKind, seen: str) -> Service:
    """What mix runs; a package.json in its assets is a part of it."""
    runs = kind is not ServiceKind.LIBRARY
    start = ("mix", "phx.server") if stack == "phoenix" else ("mix", "run", "--no-halt")
    return Service(
        name="",
        stack=stack,
        kind=kind,
        folder=site.folder.path,
        start=start if runs else (),
        build=("mix", "compile") if runs else (),
        port=PORT if kind is ServiceKind.WEB else None,
        evidence=(seen,),
        language=Language.ELIXIR,
        databases=databases.ordered(databases.of_drivers(mix.dependencies)) if runs else (),
    )


def listens(site: Site) -> Source | None:
    """The first module that begins to listen without any framework."""
    return next((each for each in _modules(site) if each.has("gen_tcp", ".", "listen", "(")), None)


def _has_endpoint(site: Site) -> bool:
    """Whether a module is an endpoint of Phoenix: what has one runs, though it may be published, too."""
    return any(each.has("use", "Phoenix", ".", "Endpoint") for each in _modules(site))


def _modules(site: Site) -> list[Source]:
    folders = [each for each in site.folders() if "lib" in site.folder.inner(each.path).split("/")]
    return list(read_all(site.tree, folders, ("*.ex",), Comments.HASH))


def _with_pairs(names: frozenset[str]) -> frozenset[str]:
    """With `plug+cowboy`, which together were a server before one package was."""
    return names | {"plug+cowboy"} if {"plug", "cowboy"} <= names else names


def _dependencies(words: list[str]) -> list[str]:
    """The names of `{:name, …}`, but for those that only development or an extra needs."""
    found = []
    for at in range(len(words) - 4):
        if words[at : at + 2] == ["{", ":"] and words[at + 3] == ",":
            end = words.index("}", at) if "}" in words[at : at + 80] else at
            rest = words[at:end]
            if "optional" not in rest and not ("only" in rest and "prod" not in rest):
                found.append(words[at + 2])
    return found
