"""Which paths a FastAPI application answers, as far as its source spells them out."""

import ast
from collections.abc import Iterator

from orket_pipelines.sandboxes.detection.python_code import Code, Module, Place, held, text_of

HEALTH = ("/health", "/healthz", "/api/health")
"""What a health check is called, best first; others that end like these come after them."""
PREFIXES_LIMIT = 500


def health_path(code: Code, application: Place) -> tuple[str, str]:
    """The path to ask whether the application is well, and what speaks for it."""
    calls = _calls(code)
    prefixes = _prefixes(code, calls, application)
    found = {
        path: router.module.path
        for router, route in _routes(code)
        for prefix in prefixes.get(router, ())
        if (path := prefix + route).rpartition("/")[2] in {"health", "healthz"} and path.isprintable()
    }
    if found:
        path = min(found, key=lambda each: (HEALTH.index(each) if each in HEALTH else len(HEALTH), len(each), each))
        return path, f"{found[path]}: answers GET {path}"
    for argument, usual in (("docs_url", "/docs"), ("openapi_url", "/openapi.json")):
        given = _keyword(calls[application], argument) if application in calls else None
        path = usual if given is None else text_of(given) or ""
        if path.startswith("/"):
            return path, f"no health check was found: {path} is asked for instead"
    return "/", "no health check was found: / is asked for instead"


def _routes(code: Code) -> Iterator[tuple[Place, str]]:
    """Every GET route whose path is spelled out, with the variable that it is declared on."""
    for module in code.modules:
        for node in module.nodes:
            calls = node.decorator_list if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else [node]
            for call in calls:
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and _gets(call):
                    path, owner = _path(call), _owner(code, module, call.func.value)
                    if path is not None and owner:
                        yield owner, path


def _gets(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
    methods = _keyword(call, "methods")
    listed = [text_of(each) for each in methods.elts] if isinstance(methods, ast.List | ast.Tuple | ast.Set) else None
    return name == "get" or (name in {"api_route", "add_api_route", "route"} and (listed is None or "GET" in listed))


def _path(call: ast.Call) -> str | None:
    return text_of(call.args[0] if call.args else _keyword(call, "path"))


def _prefixes(code: Code, calls: dict[Place, ast.Call], top: Place) -> dict[Place, set[str]]:
    """Under which prefixes the application answers each router that it includes, or that those include."""
    inclusions: dict[Place, list[tuple[Place, str]]] = {}
    for parent, router, prefix in _inclusions(code, calls):
        inclusions.setdefault(parent, []).append((router, prefix))
    found: dict[Place, set[str]] = {top: {""}}
    waiting = [(top, "")]
    for parent, outer in waiting:
        for router, prefix in inclusions.get(parent, ()):
            known = found.setdefault(router, set())
            # Routers that include each other would go on for ever.
            if (path := outer + prefix) not in known and len(waiting) < PREFIXES_LIMIT:
                known.add(path)
                waiting.append((router, path))
    return found


def _inclusions(code: Code, calls: dict[Place, ast.Call]) -> Iterator[tuple[Place, Place, str]]:
    """Who includes which router under which prefix; what is computed is left out."""
    for module in code.modules:
        for node in module.nodes:
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr != "include_router" or not node.args:
                continue
            parent, router = _owner(code, module, node.func.value), _owner(code, module, node.args[0])
            given = _prefix(node)
            own = _prefix(calls[router]) if router in calls else ""
            if parent and router and given is not None and own is not None:
                yield parent, router, given + own


def _prefix(call: ast.Call) -> str | None:
    """The prefix that a call names; None where it is computed."""
    given = _keyword(call, "prefix")
    return "" if given is None else text_of(given)


def _calls(code: Code) -> dict[Place, ast.Call]:
    """The call that made what each variable holds."""
    return {
        Place(module, name): value
        for module in code.modules
        for name, value in held(module.nodes)
        if isinstance(value, ast.Call)
    }


def _owner(code: Code, module: Module, node: ast.expr) -> Place | None:
    return code.find(module.origin(node))


def _keyword(call: ast.Call, name: str) -> ast.expr | None:
    return next((each.value for each in call.keywords if each.arg == name), None)
