"""Streamlit: programs that `streamlit run` shows as pages."""

from orket_pipelines.sandboxes.detection.python_pages import page_rule
from orket_pipelines.sandboxes.detection.python_services import EVERYWHERE


def _command(path: str) -> tuple[str, ...]:
    return ("streamlit", "run", path, "--server.port", "{port}", "--server.address", EVERYWHERE)


RULE = page_rule("streamlit", 8501, _command)
