"""What a task is, and what a client may say about one."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

LARGEST_ID = 2**63 - 1
"""SQLite keeps whole numbers in 64 bits."""

Title = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class Request(BaseModel):
    """What a client sends: a field that we do not know is an error, not ignored."""

    model_config = ConfigDict(extra="forbid")


class NewTask(Request):
    title: Title


class TaskChange(Request):
    """A field that is left out, or null, stays as it is."""

    title: Title | None = None
    completed: bool | None = None


class Task(BaseModel):
    id: int
    title: str
    completed: bool
    created_at: datetime
