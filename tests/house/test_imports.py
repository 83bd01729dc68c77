"""`orket --help` starts at once, because it imports next to nothing."""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = {"dagster", "fastapi", "pydantic_ai", "sqlalchemy", "duckdb", "docker", "rich", "alembic", "yaml"}
"""Not pydantic: typer itself converts options with it, though not for `orket --help`."""
HEAVIEST = {"dagster", "pydantic_ai", "docker", "duckdb"}
ALLOWANCE = 0.3
"""Seconds that the issue grants `--help` beyond what bare Python takes to start."""
LIST_MODULES = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})), file=sys.stderr))
from orket_pipelines.cli import main
main()
"""


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["rocks", "deliver", "--help"], ["doctor", "--help"]])
def test_help_imports_no_heavy_library(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIST_MODULES, *arguments], capture_output=True, text=True, check=True, timeout=60
    )
    assert not HEAVY & set(json.loads(done.stderr)), done.stdout


def test_help_starts_nearly_as_fast_as_python_itself() -> None:
    bare = min(_seconds("pass") for _ in range(3))
    helping = min(_seconds("from orket_pipelines.cli import main; main()", "--help") for _ in range(3))
    assert helping - bare < ALLOWANCE


def _seconds(program: str, *arguments: str) -> float:
    """Of processor, not of the wall: other tests run beside this one."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, check=True, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


@pytest.mark.parametrize(
    ("arguments", "unneeded"), [(["status"], HEAVIEST), (["detect", "."], HEAVIEST | {"sqlalchemy"})]
)
def test_a_command_loads_no_library_that_it_has_no_use_for(
    arguments: list[str], unneeded: set[str], tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-c", LIST_MODULES, *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        cwd=tmp_path,
        env=os.environ | {"ORKET_HOME": str(tmp_path)},
    )
    assert not unneeded & set(json.loads(done.stderr)), done.stdout
