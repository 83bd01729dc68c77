"""Functions that answer requests in somebody's cloud, as `serverless.yml`, SAM's templates and Azure's files tell."""

from collections.abc import Iterator
from typing import Any

from orket_pipelines.sandboxes.detection.data import read_json, read_yaml, table, texts
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.detection.source import Comments, read_all, read_source
from orket_pipelines.sandboxes.detection.tree import Folder, Tree
from orket_pipelines.sandboxes.model import Service, ServiceKind

DOCUMENTS = ("serverless.yml", "serverless.yaml", "template.yaml", "template.yml")
HOST = "host.json"
"""What stands in the folder of Azure's functions."""
MODULE = "package.json"
_TRANSFORM, _FUNCTION = "AWS::Serverless-2016-10-31", "AWS::Serverless::Function"
_asking = frozenset({"http", "httpApi", "websocket"})
_asking_of_sam = frozenset({"Api", "HttpApi"})
_written_in = {"python": ".py", "nodejs": ".js", "go": ".go", "provided": ".go", "java": ".java"}
"""The ending of what runs on a runtime, by how its name begins."""
_endings = {Language.PYTHON: ".py", Language.NODE: ".js", Language.GO: ".go", Language.JAVA: ".java"}


def functions_rule(language: Language) -> Rule:
    """The rule of functions in this language, wherever below the document that deploys them they lie."""

    def find(site: Site) -> Finding | None:
        ending = _endings[language]
        runtimes = functions(site.tree, site.folder)
        if ending not in {_ending(each) for each in runtimes} or not _is_written(site, ending):
            return None
        service = Service(
            name="",
            stack=language,
            kind=ServiceKind.WEB,
            folder=site.folder.path,
            port=None,
            evidence=(f"{site.folder.path}: functions that answer requests",),
            language=language,
        )
        return Finding(service)

    return Rule(f"{language} functions", language, (*DOCUMENTS, HOST), find)


def functions(tree: Tree, folder: Folder) -> frozenset[str]:
    """The runtimes of the functions that answer requests, deployed from this folder."""

    def read() -> frozenset[str]:
        names = [each for each in DOCUMENTS if each in folder.files]
        documents = (read_yaml(tree.read(folder.file(each))) for each in names)
        told = frozenset(runtime for each in documents for runtime in (*_of_serverless(each), *_of_sam(each)))
        return told | frozenset(_of_azure(tree, folder)) if HOST in folder.files else told

    return tree.once(("cloud functions", folder.path), read)


def _of_serverless(document: Any) -> list[str]:
    told = [each for each in table(document, "functions").values() if isinstance(each, dict)]
    common = table(document, "provider").get("runtime")
    return [
        str(each.get("runtime") or common)
        for each in told
        if any(isinstance(event, dict) and not _asking.isdisjoint(event) for event in (each.get("events") or ()))
    ]


def _of_sam(document: Any) -> list[str]:
    if _TRANSFORM not in texts(table(document).get("Transform")):
        return []
    common = table(document, "Globals", "Function").get("Runtime")
    found = [table(each, "Properties") for each in table(document, "Resources").values() if _is_function(each)]
    return [str(each.get("Runtime") or common) for each in found if _is_asked(each)]


def _of_azure(tree: Tree, folder: Folder) -> Iterator[str]:
    """By a function.json beside the code, or by the code itself, which tells of its routes."""
    for each in tree.below(folder):
        text = tree.read(each.file("function.json")) if "function.json" in each.files else None
        bindings = read_json(text).get("bindings")
        if any(isinstance(one, dict) and one.get("type") == "httpTrigger" for one in bindings or ()):
            yield "python" if any(name.endswith(".py") for name in each.files) else "nodejs"
    code = (
        read_source(tree, folder.file("function_app.py"), Comments.HASH) if "function_app.py" in folder.files else None
    )
    if code and code.has(".", "route", "("):
        yield "python"
    scripts = read_all(tree, tree.below(folder), ("*.js", "*.ts"), Comments.SLASHES) if MODULE in folder.files else ()
    if any(each.has("app", ".", "http", "(") for each in scripts):
        yield "nodejs"


def _is_function(resource: Any) -> bool:
    return isinstance(resource, dict) and resource.get("Type") == _FUNCTION


def _is_asked(properties: dict[str, Any]) -> bool:
    events = (each for each in table(properties, "Events").values() if isinstance(each, dict))
    return "FunctionUrlConfig" in properties or any(each.get("Type") in _asking_of_sam for each in events)


def _ending(runtime: str) -> str | None:
    return next((ending for begin, ending in _written_in.items() if runtime.startswith(begin)), None)


def _is_written(site: Site, ending: str) -> bool:
    endings = (ending, ".ts", ".mjs") if ending == ".js" else (ending, ".kt") if ending == ".java" else (ending,)
    return any(name.endswith(endings) for each in site.tree.below(site.folder) for name in each.files)
