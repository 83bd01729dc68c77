"""Tasks in an SQLite file."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path

from todo.models import Task


class TaskNotFound(LookupError):
    """There is no task with this id."""

    def __init__(self, task_id: int) -> None:
        super().__init__(f"There is no task {task_id}.")


class Storage:
    """The tasks in the SQLite file at `path`, which is made, with its folder, where there is none.

    Each call has a connection and a transaction of its own: FastAPI serves requests on several threads, and an
    SQLite connection belongs to the thread that opened it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        schema = resources.files("todo").joinpath("data", "schema.sql").read_text(encoding="utf-8")
        with self._transaction() as connection:
            connection.execute(schema)

    def add(self, title: str) -> Task:
        """A new task, not completed."""
        statement = "insert into tasks (title, created_at) values (?, ?) returning *"
        with self._transaction() as connection:
            [row] = connection.execute(statement, (title, datetime.now(UTC).isoformat())).fetchall()
        return _task(row)

    def get(self, task_id: int) -> Task:
        """The task with this id. Raises: TaskNotFound."""
        with self._transaction() as connection:
            rows = connection.execute("select * from tasks where id = ?", (task_id,)).fetchall()
        return _only(rows, task_id)

    def tasks(self) -> list[Task]:
        """All tasks, the oldest first."""
        with self._transaction() as connection:
            rows = connection.execute("select * from tasks order by id").fetchall()
        return [_task(row) for row in rows]

    def count(self) -> int:
        """How many tasks there are."""
        with self._transaction() as connection:
            [(number,)] = connection.execute("select count(*) from tasks").fetchall()
        return int(number)

    def change(self, task_id: int, *, title: str | None = None, completed: bool | None = None) -> Task:
        """The task as changed; what is None stays as it is. Raises: TaskNotFound."""
        statement = """
            update tasks set title = coalesce(?, title), completed = coalesce(?, completed)
            where id = ? returning *
        """
        with self._transaction() as connection:
            rows = connection.execute(statement, (title, completed, task_id)).fetchall()
        return _only(rows, task_id)

    def remove(self, task_id: int) -> None:
        """Forget the task."""
        with self._transaction() as connection:
            connection.execute("delete from tasks where id = ?", (task_id,))

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """A connection whose work is kept if the block ends well and undone if it raises; closed either way."""
        connection = sqlite3.connect(self._path, timeout=5)
        connection.row_factory = sqlite3.Row
        try:
            with connection:
                yield connection
        finally:
            connection.close()


def _only(rows: list[sqlite3.Row], task_id: int) -> Task:
    if not rows:
        raise TaskNotFound(task_id)
    return _task(rows[0])


def _task(row: sqlite3.Row) -> Task:
    return Task.model_validate(dict(row))
