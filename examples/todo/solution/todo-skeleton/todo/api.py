"""What is served under /api, and the factory that puts the service together."""

from pathlib import Path

from fastapi import APIRouter, FastAPI

DATABASE = Path("data/todo.db")

router = APIRouter(prefix="/api")


@router.get("/health")
def health() -> dict[str, str]:
    """Whether the service works."""
    return {"status": "ok"}


def create_app(database: Path = DATABASE) -> FastAPI:
    """The service over the SQLite file `database`."""
    app = FastAPI(title="To-do list", version="0.1.0")
    app.state.database = database
    app.include_router(router)
    return app
