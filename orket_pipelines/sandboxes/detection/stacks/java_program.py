"""Java and Kotlin without a framework: a web archive, a server by hand, a job, or a library."""

from orket_pipelines.sandboxes.detection.jvm_builds import (
    MANIFESTS,
    Build,
    has_main,
    jvm_service,
    mains,
    publishes,
    read_build,
)
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import ServiceKind

_listens = (
    ("HttpServer", ".", "create", "("),
    ("new", "ServerSocket", "("),
    ("new", "Server", "("),
    ("ServerBuilder", ".", "forPort", "("),
    ("NettyServerBuilder", ".", "forPort", "("),
)


def find(site: Site) -> Finding | None:
    """A module without sources only holds others together."""
    build = read_build(site)
    if build is None or not (build.sources or build.packaging == "war"):
        return None
    kind, seen = _kind(site, build)
    return Finding(jvm_service(site, build, Language.JAVA, kind, seen, port=8080 if kind is ServiceKind.WEB else None))


def _kind(site: Site, build: Build) -> tuple[ServiceKind, str]:
    if build.packaging == "war" or build.declares("plugin:war"):
        return ServiceKind.WEB, f"{build.path}: builds a web archive"
    main = has_main(build)
    listening = build.using(*_listens) if main else None
    if listening:
        return ServiceKind.WEB, f"{listening.path}: listens"
    near = main is not None and main.path.count("/") <= build.path.count("/")
    runs = near or _is_for_running(build) or _is_small(build) or (_is_one_program(build) and not publishes(site))
    return (
        (ServiceKind.JOB, f"{main.path}: a program")
        if main and runs
        else (ServiceKind.LIBRARY, f"{build.path}: classes for others")
    )


def _is_for_running(build: Build) -> bool:
    plugins = (
        "plugin:application",
        "plugin:maven-shade-plugin",
        "plugin:maven-assembly-plugin",
        "plugin:exec-maven-plugin",
    )
    return build.declares(*plugins, "plugin:com.github.johnrengelman.shadow", "plugin:com.gradleup.shadow") is not None


def _is_small(build: Build) -> bool:
    """Few classes of which one is a program are a program."""
    return len(build.sources) <= 20 or build.declares("plugin:maven-jar-plugin") is not None  # noqa: PLR2004 - a guess


def _is_one_program(build: Build) -> bool:
    """Whether it has one way in, or a few; with many it is a collection."""
    return 0 < len(mains(build)) <= 3  # noqa: PLR2004 - a guess


RULE = Rule("java", Language.JAVA, MANIFESTS, find)
