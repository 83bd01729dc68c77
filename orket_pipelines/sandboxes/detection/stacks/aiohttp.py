"""aiohttp: an application that serves by itself; those who only ask others with it make none."""

from orket_pipelines.sandboxes.detection.python_services import Framework, framework_rule, script

RULE = framework_rule(Framework("aiohttp", "aiohttp", frozenset({"aiohttp.web.Application"}), 8080, script))
