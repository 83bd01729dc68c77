"""Chainlit: programs that `chainlit run` shows as a conversation."""

from orket_pipelines.sandboxes.detection.python_pages import page_rule
from orket_pipelines.sandboxes.detection.python_services import EVERYWHERE


def _command(path: str) -> tuple[str, ...]:
    return ("chainlit", "run", path, "--host", EVERYWHERE, "--port", "{port}")


RULE = page_rule("chainlit", 8000, _command)
