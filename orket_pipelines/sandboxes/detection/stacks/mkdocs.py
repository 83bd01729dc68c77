"""MkDocs: documentation that is built into a folder, where the repository is nothing else."""

from orket_pipelines.sandboxes.detection.python_code import python_files
from orket_pipelines.sandboxes.detection.python_manifests import declaration, project
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import Service, ServiceKind

MANIFESTS = ("mkdocs.yml", "mkdocs.yaml")


def find(site: Site) -> Finding | None:
    """Beside a program or a library it is their documentation."""
    name = next((each for each in MANIFESTS if each in site.folder.files), None)
    if name is None or project(site.tree, site.folder).packaged or len(python_files(site)) > 2:  # noqa: PLR2004 - hooks
        return None
    if "package.json" in site.folder.files or "go.mod" in site.folder.files or "Cargo.toml" in site.folder.files:
        return None
    declared = declaration(site, "mkdocs") or declaration(site, "mkdocs-material")
    return Finding(
        Service(
            name="",
            stack="mkdocs",
            kind=ServiceKind.STATIC,
            folder=site.folder.path,
            build=("mkdocs", "build"),
            output="site",
            evidence=(f"{site.folder.file(name)}: configures MkDocs",),
            language=Language.PYTHON if declared else Language.STATIC,
        )
    )


RULE = Rule("mkdocs", Language.STATIC, MANIFESTS, find)
