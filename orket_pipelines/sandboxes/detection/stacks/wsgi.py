"""Bare Python servers: functions that are WSGI or ASGI applications, and the standard library's own servers."""

import ast

from orket_pipelines.sandboxes.detection.python_applications import made_anywhere
from orket_pipelines.sandboxes.detection.python_code import Module, import_name, read_code
from orket_pipelines.sandboxes.detection.python_manifests import MANIFESTS
from orket_pipelines.sandboxes.detection.python_services import (
    Framework,
    gunicorn,
    is_program,
    script,
    service,
    uvicorn,
)
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site

WSGI = Framework("wsgi", "wsgi", frozenset(), 8000, gunicorn)
ASGI = Framework("asgi", "asgi", frozenset(), 8000, uvicorn)
OWN = Framework(
    Language.PYTHON,
    "http",
    frozenset(
        {
            *("http.server.HTTPServer", "http.server.ThreadingHTTPServer", "wsgiref.simple_server.make_server"),
            *("grpc.server", "grpc.aio.server"),
        }
    ),
    8000,
    script,
)
_arguments = {("environ", "start_response"): WSGI, ("env", "start_response"): WSGI, ("scope", "receive", "send"): ASGI}


def find(site: Site) -> Finding | None:
    """A program that serves without a framework; a library may hold all this, and serves nothing."""
    if not is_program(site):
        return None
    code = read_code(site, "start_response")
    for module in code.modules:
        for node in module.tree.body:
            framework = _framework(node)
            if framework and isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                return _found(site, module, framework, node.name)
    found = (made_anywhere(read_code(site, mention), OWN.makers) for mention in ("http.server", "wsgiref", "grpc"))
    own = next((module for module in found if module is not None), None)
    return _found(site, own, OWN, "") if own is not None else None


def _framework(node: ast.stmt) -> Framework | None:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return None
    return _arguments.get(tuple(each.arg for each in node.args.args))


def _found(site: Site, module: Module, framework: Framework, name: str) -> Finding:
    folder, dotted = import_name(site, module)
    start = framework.start(folder, dotted, name, False)  # noqa: FBT003 - a Start
    what = f"{name} is an application without a framework" if name else "serves by itself"
    return Finding(service(site, framework, start, 0.8, (f"{module.path}: {what}",)))


RULE = Rule("wsgi", Language.PYTHON, MANIFESTS, find)
