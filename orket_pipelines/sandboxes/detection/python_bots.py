"""Bots in Python: programs that ask a chat for news, and serve a page at most so that their host lets them run."""

import ast

from orket_pipelines.sandboxes.detection.hints import procfile
from orket_pipelines.sandboxes.detection.python_code import Code, Module, held
from orket_pipelines.sandboxes.detection.rule import Site

CHATS = frozenset(
    {
        *("discord", "nextcord", "disnake", "hikari", "interactions", "aiogram", "telebot", "telegram", "pyrogram"),
        *("telethon", "twitchio", "vkbottle", "vk_api", "pyromod", "khl", "botpy"),
    }
)
"""Packages by which a program takes part in a chat."""
ROUTES_LIMIT = 3
"""Answers of a page that only shows that a bot is awake; one with more is worth a visit."""

_asking = frozenset({"start_polling", "infinity_polling", "polling", "run_polling", "run_until_disconnected"})
_running = frozenset({"run", "start"})
_routes = frozenset({"route", "get", "post", "put", "patch", "delete", "add_get", "add_post", "add_route", "api_route"})
_servers = frozenset({"gunicorn", "uvicorn", "hypercorn", "flask", "waitress-serve"})


def keeps_a_bot_awake(site: Site, code: Code, package: str) -> bool:
    """Whether the framework's application stands beside a bot that runs, and answers hardly anything."""
    if not any(_runs_bot(module) for module in code.modules):
        return False
    if not _servers.isdisjoint(procfile(site.tree, site.folder).get("web", "").split()):
        return False
    return sum(_answers(module) for module in code.modules if _imports(module, package)) <= ROUTES_LIMIT


def _runs_bot(module: Module) -> bool:
    if not any(_imports(module, each) for each in CHATS):
        return False
    last = {each.rpartition(".")[2] for each in module.called}
    return not _asking.isdisjoint(last) or any(f"{module.name}.{name}" in module.called for name in _run_by(module))


def _run_by(module: Module) -> set[str]:
    """`bot.run` for each variable that holds a bot."""
    bots = {name for name, value in held(module.nodes) if isinstance(value, ast.Call) and _makes(module, value)}
    return {f"{name}.{verb}" for name in bots for verb in _running}


def _makes(module: Module, call: ast.Call) -> bool:
    """Whether it makes a bot, by a chat's package or by a class of its own derived from one."""
    origin = module.origin(call.func) or ""
    derived = module.classes.get(origin.removeprefix(f"{module.name}."))
    bases = [module.origin(each) or "" for each in derived.bases] if derived else []
    return any(each.partition(".")[0] in CHATS for each in (origin, *bases))


def _imports(module: Module, package: str) -> bool:
    return any(origin.partition(".")[0] == package for origin in module.origins.values())


def _answers(module: Module) -> int:
    """The routes that it declares."""
    functions = (each for each in module.nodes if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef))
    decorators = (each for function in functions for each in function.decorator_list)
    named = [
        each.func.attr for each in decorators if isinstance(each, ast.Call) and isinstance(each.func, ast.Attribute)
    ]
    return sum(each in _routes for each in named)
