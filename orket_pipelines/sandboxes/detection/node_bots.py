"""Bots for Node: programs that ask a chat for news, and listen at most so that their host lets them run."""

from orket_pipelines.sandboxes.detection.node_code import NodeCode
from orket_pipelines.sandboxes.detection.node_manifests import Package

CHATS = (
    *("discord.js", "discord.js-selfbot-v13", "eris", "oceanic.js", "telegraf", "grammy", "node-telegram-bot-api"),
    *("whatsapp-web.js", "@whiskeysockets/baileys", "baileys", "@adiwajshing/baileys", "tmi.js", "@sapphire/framework"),
)
"""Packages by which a program takes part in a chat."""
ROUTES_LIMIT = 3
"""Answers of a page that only shows that a bot is awake."""

_begins = ("login", "launch", "initialize", "startPolling", "makeWASocket", "start")
_routers = ("app", "server", "router", "fastify", "express")
_verbs = ("get", "post", "put", "patch", "delete", "use", "route", "all")


def keeps_a_bot_awake(package: Package, code: NodeCode) -> bool:
    """Whether what listens stands beside a bot that runs, and answers hardly anything."""
    bots = code.importing(*(each for each in CHATS if each in package.dependencies))
    begun = any(each.has(verb, "(") for each in code.sources for verb in _begins)
    if bots is None or not (begun or any(each.has("polling", ":") for each in code.sources)):
        return False
    answers = sum(each.count(router, ".", verb, "(") for each in code.sources for router in _routers for verb in _verbs)
    return answers <= ROUTES_LIMIT
