"""Functions that answer requests in somebody's cloud, as `serverless.yml` and SAM's templates tell of them."""

from typing import Any

from orket_pipelines.sandboxes.detection.data import read_yaml, table, texts
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.detection.tree import Folder, Tree
from orket_pipelines.sandboxes.model import Service, ServiceKind

DOCUMENTS = ("serverless.yml", "serverless.yaml", "template.yaml", "template.yml")
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

    return Rule(f"{language} functions", language, DOCUMENTS, find)


def functions(tree: Tree, folder: Folder) -> frozenset[str]:
    """The runtimes of the functions that answer requests, deployed from this folder."""

    def read() -> frozenset[str]:
        names = [each for each in DOCUMENTS if each in folder.files]
        documents = (read_yaml(tree.read(folder.file(each))) for each in names)
        return frozenset(runtime for each in documents for runtime in (*_of_serverless(each), *_of_sam(each)))

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
