"""A Node package that builds no page: a library, or a program whose rule is missing."""

from orket_pipelines.sandboxes.detection.node_manifests import MANIFEST, read_package
from orket_pipelines.sandboxes.detection.python_manifests import manifests
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import Service, ServiceKind


def find(site: Site) -> Finding | None:
    """A library where others may import it. In a Python project it is where that keeps its tools, and nothing."""
    package = read_package(site.tree, site.folder)
    if package is None or manifests(site.folder):
        return None
    if "start" in package.scripts:
        return Finding(None, (f"{package.path}: has a start script, which Orket does not run by itself",))
    if not package.exports:
        return None
    evidence = (f"{package.path}: a package for others to import",)
    return Finding(Service("", "node", ServiceKind.LIBRARY, site.folder.path, evidence=evidence))


RULE = Rule("node", Language.NODE, (MANIFEST,), find)
