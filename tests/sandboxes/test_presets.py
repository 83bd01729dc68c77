"""Each preset is a manifest that can be planned, with its database beside it."""

from pathlib import Path

import pytest

from orket_pipelines.errors import SandboxError
from orket_pipelines.sandboxes.databases import databases_of
from orket_pipelines.sandboxes.detection import detect
from orket_pipelines.sandboxes.planning import plan
from orket_pipelines.sandboxes.presets import about_preset, preset_names, read_preset

STACKS = {
    "csharp-razor-ef": ("web", {}, ["postgres"]),
    "django-react-postgres": ("web", {"/api": "api"}, ["postgres"]),
    "fastapi-react-postgres": ("web", {"/api": "api"}, ["postgres"]),
    "fastapi-vue-mongo": ("web", {"/api": "api"}, ["mongo"]),
    "node-react-postgres": ("web", {"/api": "api"}, ["postgres"]),
}


def test_there_are_these() -> None:
    assert preset_names() == sorted(STACKS)


@pytest.mark.parametrize("name", STACKS)
def test_a_preset_is_planned_as_it_stands(name: str, tmp_path: Path) -> None:
    for folder in ("backend", "frontend"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "README.md").write_text("Here it goes.\n")
    (tmp_path / "orket.yaml").write_text(read_preset(name))
    made = plan(detect(tmp_path))

    front, routes, databases = STACKS[name]
    assert (made.front, made.routes) == (front, routes)
    assert [each.kind for each in databases_of(made)] == databases


def test_what_one_is_is_its_first_sentence() -> None:
    assert about_preset("csharp-razor-ef").startswith("Razor pages on ASP.NET Core, with Entity Framework over Postgre")
    assert about_preset("node-react-postgres").endswith("in PostgreSQL (DATABASE_URL)")


def test_one_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(SandboxError, match="fastapi-vue-mongo"):
        read_preset("../presets/fastapi-vue-mongo")
