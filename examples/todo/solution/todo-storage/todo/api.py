"""What is served under /api, and the factory that puts the service together."""

from pathlib import Path
from typing import Annotated

import fastapi
from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.responses import JSONResponse

from todo import models
from todo.storage import Storage, TaskNotFound

DATABASE = Path("data/todo.db")

router = APIRouter(prefix="/api")


def _storage(request: Request) -> Storage:
    storage: Storage = request.app.state.storage
    return storage


Stored = Annotated[Storage, Depends(_storage)]
TaskId = Annotated[int, fastapi.Path(ge=1, le=models.LARGEST_ID)]


@router.get("/health")
def health(storage: Stored) -> dict[str, str | int]:
    """Whether the service works, its database included."""
    return {"status": "ok", "tasks": storage.count()}


@router.get("/tasks/{task_id}")
def get_task(task_id: TaskId, storage: Stored) -> models.Task:
    return storage.get(task_id)


def create_app(database: Path = DATABASE) -> FastAPI:
    """The service over the SQLite file `database`."""
    app = FastAPI(title="To-do list", version="0.1.0")
    app.state.storage = Storage(database)
    app.add_exception_handler(TaskNotFound, _not_found)
    app.include_router(router)
    return app


def _not_found(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, status_code=404)
