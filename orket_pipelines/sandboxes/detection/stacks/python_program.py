"""Python that serves nothing that is known here: a job, a library, or a framework whose rule is missing."""

from orket_pipelines.sandboxes.detection.python_code import is_main_guard, is_test, parse
from orket_pipelines.sandboxes.detection.python_manifests import MANIFESTS, declared, scripts
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import Service, ServiceKind

OTHER_FRAMEWORKS = frozenset(
    {
        "django",
        "flask",
        "starlette",
        "litestar",
        "sanic",
        "tornado",
        "aiohttp",
        "quart",
        "bottle",
        "falcon",
        "pyramid",
        "streamlit",
        "gradio",
        "dash",
    }
)
"""They serve, and how they are started is not known here."""
SCRIPTS = ("main.py", "app.py", "run.py", "job.py", "__main__.py")


def find(site: Site) -> Finding | None:
    """A job where something is to be started, else a library; nothing where there is no Python."""
    programs = [folder.file(file) for folder in site.folders() for file in sorted(folder.files) if _is_source(file)]
    if not programs:
        return None
    manifests = declared(site)
    others = tuple(
        f"{path}: declares {name}, which Orket does not start by itself"
        for name, path in manifests.items()
        if name in OTHER_FRAMEWORKS
    )
    if others:
        return Finding(None, others)
    start, seen = _start(site)
    unused = [f"{manifests['fastapi']}: declares fastapi, and no application is made"] if "fastapi" in manifests else []
    return Finding(
        Service(
            name="",
            stack="python",
            kind=ServiceKind.JOB if start else ServiceKind.LIBRARY,
            folder=site.folder.path,
            start=start,
            evidence=(seen or f"{programs[0]}: Python that nothing starts", *unused),
        ),
        tuple(unused),
    )


def _is_source(file: str) -> bool:
    return file.endswith(".py") and not is_test(file) and file != "setup.py"


def _start(site: Site) -> tuple[tuple[str, ...], str | None]:
    """How to start it, and what says so."""
    for folder in site.folders()[:20]:
        inner = folder.path.removeprefix(f"{site.folder.path}/")
        if "__main__.py" in folder.files and folder is not site.folder and inner.replace("/", "").isidentifier():
            return ("python", "-m", inner.replace("/", ".")), f"{folder.file('__main__.py')}: a program"
    for script in SCRIPTS:
        path = site.folder.file(script)
        module = parse(site.tree.read(path) or "") if script in site.folder.files else None
        if module and any(map(is_main_guard, module.body)):
            return ("python", script), f"{path}: a program"
    commands = [each for each in scripts(site.tree, site.folder) if each.isprintable()]
    return ((commands[0],), f"{site.folder.file('pyproject.toml')}: installs {commands[0]}") if commands else ((), None)


RULE = Rule("python", Language.PYTHON, MANIFESTS, find)
