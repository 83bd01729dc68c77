"""Quarkus: a module that its plugin builds."""

from orket_pipelines.sandboxes.detection.jvm_builds import MANIFESTS, jvm_service, read_build
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import ServiceKind


def find(site: Site) -> Finding | None:
    """The plugin makes the program: no class of the module needs a main."""
    build = read_build(site)
    plugin = build.declares("plugin:quarkus-maven-plugin", "plugin:io.quarkus") if build else None
    if build is None or plugin is None or not build.sources:
        return None
    return Finding(jvm_service(site, build, "quarkus", ServiceKind.WEB, f"{build.path}: declares {plugin}", port=8080))


RULE = Rule("quarkus", Language.JAVA, MANIFESTS, find)
