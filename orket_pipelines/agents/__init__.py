"""Who works: roles, prompts, models, the turn loop, tools and the gate in front of each of them, sessions.

`run_session` loads at its first use: the model library behind it takes a second.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orket_pipelines.agents.session import run_session

__all__ = ["run_session"]


def __getattr__(name: str) -> Any:
    if name == "run_session":
        from orket_pipelines.agents.session import run_session  # noqa: PLC0415 - see above

        return run_session
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
