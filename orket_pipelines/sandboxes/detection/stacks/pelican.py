"""Pelican: pages that are built into a folder."""

from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import Service, ServiceKind

MANIFEST = "pelicanconf.py"


def find(site: Site) -> Finding | None:
    """Its configuration, which has a name of its own."""
    if MANIFEST not in site.folder.files:
        return None
    return Finding(
        Service(
            name="",
            stack="pelican",
            kind=ServiceKind.STATIC,
            folder=site.folder.path,
            build=("pelican", "content", "-s", MANIFEST),
            output="output",
            evidence=(f"{site.folder.file(MANIFEST)}: configures Pelican",),
            language=Language.PYTHON,
        )
    )


RULE = Rule("pelican", Language.PYTHON, (MANIFEST,), find)
