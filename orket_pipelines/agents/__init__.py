"""Who works: roles, prompts, models, the turn loop, tools and the gate in front of each of them, sessions.

`run_session` loads at its first use: the model library behind it takes a second.
"""

from typing import TYPE_CHECKING

from orket_pipelines.first_use import on_first_use

if TYPE_CHECKING:
    from orket_pipelines.agents.session import run_session

__all__ = ["run_session"]


__getattr__ = on_first_use(__name__, {"run_session": "session"})
