"""What Java and Kotlin builds declare: pom.xml, Gradle scripts and version catalogs, parsed; and what both share."""

from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree.ElementTree import Element

from orket_pipelines.sandboxes.detection import databases
from orket_pipelines.sandboxes.detection.data import read_toml, read_xml, table
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.detection.source import Comments, Source, read_all, read_source
from orket_pipelines.sandboxes.detection.tree import Folder
from orket_pipelines.sandboxes.model import Service, ServiceKind

POM, GRADLE = "pom.xml", ("build.gradle", "build.gradle.kts")
MANIFESTS = (POM, *GRADLE, "build.sbt")
CATALOG = "gradle/libs.versions.toml"


@dataclass(frozen=True, slots=True)
class Build:
    """One module. `names` are the artifacts and plugins that it declares, each as `artifact` and as `group:artifact`;
    those that only tests need are left out."""

    path: str
    names: frozenset[str]
    packaging: str
    aggregates: bool
    sources: tuple[Source, ...]

    def declares(self, *prefixes: str) -> str | None:
        """The first name that is one of these, or begins like one that ends with `*`."""
        exact = frozenset(each for each in prefixes if not each.endswith("*"))
        open_ = tuple(each[:-1] for each in prefixes if each.endswith("*"))
        return next((each for each in sorted(self.names) if each in exact or (open_ and each.startswith(open_))), None)

    def using(self, *sequences: tuple[str, ...]) -> Source | None:
        """The first file with one of these rows of tokens."""
        return next((each for each in self.sources if any(each.has(*row) for row in sequences)), None)


def read_build(site: Site) -> Build | None:
    """The folder's module."""
    return site.tree.once(("jvm", site.folder.path), lambda: _read(site))


def has_main(build: Build) -> Source | None:
    """The file with a program."""
    return next(iter(mains(build)), None)


def mains(build: Build) -> list[Source]:
    """The files with programs."""
    rows = (("static", "void", "main", "("), ("fun", "main", "("), ("extends", "App", "{"), ("void", "main", "("))
    return [each for each in build.sources if any(each.has(*row) for row in rows)]


def publishes(site: Site) -> bool:
    """Whether the module is made for strangers: its build, or one around it, says under what licence or where to."""
    return any(_publishes(site, folder) for folder in site.tree.above(site.folder))


def _publishes(site: Site, folder: Folder) -> bool:
    root = read_xml(site.tree.read(folder.file(POM))) if POM in folder.files else None
    if root is not None and any(root.find(each) is not None for each in ("licenses", "distributionManagement")):
        return True
    scripts = (read_source(site.tree, folder.file(each), Comments.SLASHES) for each in GRADLE if each in folder.files)
    return any(not _publishing.isdisjoint(word.strip("\"'`") for word in each.words()) for each in scripts if each)


def framework_rule(name: str, artifacts: tuple[str, ...], port: int) -> Rule:
    """The rule of a framework that a module with sources of its own declares."""

    def find(site: Site) -> Finding | None:
        build = read_build(site)
        found = build.declares(*artifacts) if build else None
        if (
            build is None
            or found is None
            or not build.sources
            or not (has_main(build) or build.declares(f"plugin:{found}", f"plugin:{name}"))
        ):
            return None
        return Finding(jvm_service(site, build, name, ServiceKind.WEB, f"{build.path}: declares {found}", port=port))

    return Rule(name, Language.JAVA, MANIFESTS, find)


def jvm_service(site: Site, build: Build, stack: str, kind: ServiceKind, seen: str, *, port: int | None) -> Service:
    """The module's program."""
    runs = kind is not ServiceKind.LIBRARY
    maven = build.path.endswith(POM)
    tool = (("./mvnw" if "mvnw" in site.folder.files else "mvn"), "-DskipTests", "package") if maven else None
    gradle = ("./gradlew" if "gradlew" in site.folder.files else "gradle", "assemble")
    jar = "target/*.jar" if maven else "build/libs/*.jar"
    serves = ("-Dserver.port={port}",) if kind is ServiceKind.WEB else ()
    return Service(
        name="",
        stack=stack,
        kind=kind,
        folder=site.folder.path,
        start=("java", *serves, "-jar", jar) if runs else (),
        build=(tool or gradle) if runs else (),
        port=port,
        evidence=(seen,),
        language=Language.JAVA,
        databases=databases.ordered(databases.of_drivers(build.names)) if runs else (),
    )


def _read(site: Site) -> Build | None:
    manifest = next((each for each in MANIFESTS if each in site.folder.files), None)
    java = [each for each in site.folders() if _is_source(site, each)]
    sources = tuple(read_all(site.tree, java, ("*.java", "*.kt", "*.scala", "*.groovy"), Comments.SLASHES))
    if manifest is None:
        return Build(sources[0].path, frozenset(), "jar", aggregates=False, sources=sources) if sources else None
    path = site.folder.file(manifest)
    if manifest == POM:
        return _maven(site, path, sources)
    return Build(path, frozenset(_gradle(site, path)), "jar", aggregates=not sources, sources=sources)


def _is_source(site: Site, folder: Folder) -> bool:
    inner = f"{folder.path.removeprefix(site.folder.path).strip('/')}/"
    return "src/test/" not in inner and not inner.startswith(("src/it/", "src/androidTest/"))


def _maven(site: Site, path: str, sources: tuple[Source, ...]) -> Build | None:
    root = read_xml(site.tree.read(path))
    if root is None:
        return Build(path, frozenset(), "jar", aggregates=False, sources=sources)
    names = {name for each in _own(root) for name in _coordinates(each)}
    parent = root.find("parent")
    if parent is not None:
        names |= {name for each in _parents(site, parent) for name in each}
    return Build(
        path=path,
        names=frozenset(names),
        packaging=(root.findtext("packaging") or "jar").strip(),
        aggregates=root.find("modules") is not None,
        sources=sources,
    )


def _own(root: Element) -> Iterator[Element]:
    """Dependencies and plugins for the program itself; what `dependencyManagement` lists is not declared yet."""
    for each in [*root.findall("dependencies/dependency"), *root.findall("profiles/profile/dependencies/dependency")]:
        if (each.findtext("scope") or "").strip() != "test":
            yield each
    yield from root.findall("build/plugins/plugin")


def _parents(site: Site, parent: Element) -> Iterator[set[str]]:
    """What the parent declares for its modules, where it lies in this repository; its name besides."""
    yield {f"parent:{(parent.findtext('artifactId') or '').strip()}"}
    for folder in list(site.tree.above(site.folder))[1:]:
        root = read_xml(site.tree.read(folder.file(POM))) if POM in folder.files else None
        if root is not None:
            yield {
                name
                for each in root.findall("dependencies/dependency")
                for name in _coordinates(each)
                if (each.findtext("scope") or "").strip() != "test"
            }


def _coordinates(element: Element) -> Iterator[str]:
    group, artifact = (element.findtext("groupId") or "").strip(), (element.findtext("artifactId") or "").strip()
    prefix = "plugin:" if element.tag == "plugin" else ""
    yield f"{prefix}{artifact}"
    yield f"{prefix}{group}:{artifact}"


def _gradle(site: Site, path: str) -> Iterator[str]:
    """The texts that follow a configuration's name, plugins, and what a catalog's accessors stand for."""
    source = read_source(site.tree, path, Comments.SLASHES)
    words = source.words() if source else []
    catalog = _catalog(site)
    for at, word in enumerate(words):
        after = [each for each in words[at + 1 : at + 12] if each not in {"(", ")", "="}]
        if word in _configurations and after:
            yield from _declared(after, catalog)
        elif word in {"id", "kotlin", "alias"} and after:
            yield from (f"plugin:{each}" for each in _declared(after, catalog))
    yield from (f"plugin:{each}" for each in (source.texts_after("apply", "plugin", ":") if source else ()))


def _declared(after: list[str], catalog: dict[str, str]) -> Iterator[str]:
    if after[0] in {"platform", "enforcedPlatform"}:
        return
    if after[0][:1] in {'"', "'"}:
        parts = after[0][1:-1].split(":")
        yield from {parts[0], parts[1] if len(parts) > 1 else parts[0], ":".join(parts[:2])}
    elif after[0] == "libs":
        chain = []
        for word, following in zip(after[1::2], after[2::2], strict=False):
            if word != ".":
                break
            chain.append(following)
        # What follows the accessor in the next line is cut off by asking for the longest that is known.
        for end in range(len(chain), 0, -1):
            name = catalog.get(".".join(chain[:end]))
            if name:
                yield from {name, name.partition(":")[2] or name}
                return


def _catalog(site: Site) -> dict[str, str]:
    """Accessors of the version catalog, with the module or plugin that each stands for."""
    found: dict[str, str] = {}
    for folder in site.tree.above(site.folder):
        inner = site.tree.folders.get(folder.file("gradle"))
        if inner and "libs.versions.toml" in inner.files:
            document = read_toml(site.tree.read(inner.file("libs.versions.toml")))
            for kind in ("libraries", "plugins"):
                for name, value in table(document, kind).items():
                    accessor = ("plugins." if kind == "plugins" else "") + name.replace("-", ".").replace("_", ".")
                    found[accessor] = _module(value)
    return found


def _module(value: object) -> str:
    if isinstance(value, str):
        return ":".join(value.split(":")[:2])
    given = value if isinstance(value, dict) else {}
    module = given.get("module") or given.get("id")
    return module if isinstance(module, str) else f"{given.get('group')}:{given.get('name')}"


_publishing = frozenset({"maven-publish", "java-library", "signing", "com.vanniktech.maven.publish", "fabric-loom"})
_configurations = frozenset(
    {"implementation", "api", "compile", "runtimeOnly", "compileOnly", "developmentOnly", "runtime", "classpath"}
)
