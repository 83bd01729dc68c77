"""What is served under /api, and the factory that puts the service together."""

import json
from pathlib import Path
from typing import Annotated

import fastapi
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response

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


@router.get("/tasks")
def list_tasks(
    storage: Stored,
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
    offset: Annotated[int, Query(ge=0, le=models.LARGEST_ID)] = 0,
) -> models.TaskList:
    """A page of the tasks, the oldest first."""
    return models.TaskList(tasks=storage.tasks(limit=limit, offset=offset), total=storage.count())


@router.post("/tasks", status_code=201)
def create_task(task: models.NewTask, storage: Stored) -> models.Task:
    return storage.add(task.title)


@router.patch("/tasks/{task_id}")
def change_task(task_id: TaskId, change: models.TaskChange, storage: Stored) -> models.Task:
    return storage.change(task_id, title=change.title, completed=change.completed)


@router.delete("/tasks/{task_id}", status_code=204)
def delete_task(task_id: TaskId, storage: Stored) -> None:
    storage.remove(task_id)


def create_app(database: Path = DATABASE) -> FastAPI:
    """The service over the SQLite file `database`."""
    app = FastAPI(title="To-do list", version="0.1.0")
    app.state.storage = Storage(database)
    app.add_exception_handler(TaskNotFound, _not_found)
    app.add_exception_handler(RequestValidationError, _refused)
    app.include_router(router)
    return app


def _not_found(request: Request, error: Exception) -> JSONResponse:
    return JSONResponse({"detail": str(error)}, status_code=404)


def _refused(request: Request, error: Exception) -> Response:
    """What was wrong, in ASCII: FastAPI's own answer fails where a client sent half a character (`"\\ud83d"`)."""
    assert isinstance(error, RequestValidationError)
    body = json.dumps({"detail": jsonable_encoder(error.errors())})
    return Response(body, status_code=422, media_type="application/json")
