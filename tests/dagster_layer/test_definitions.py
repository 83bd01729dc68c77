"""What Dagster loads: everything, quickly, and without reaching anything."""

import ast
import subprocess
import sys
from importlib.metadata import distributions
from pathlib import Path

import pytest
import yaml
from dagster import AssetSpec, DagsterInstance, Definitions
from dagster._core.workspace.load_target import WorkspaceFileTarget

from assets import ASSETS, CHECKS
from assets.graph import EDGES, PARTITIONS
from assets.hidden_failures import JUDGED
from definitions import defs
from jobs import JOBS
from sensors import SENSORS

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
FOLDERS = ("assets", "jobs", "sensors", "resources")
MAKERS = {"multi_asset", "asset", "job", "sensor", "run_failure_sensor", "asset_sensor", "schedule"}
LOAD_LIMIT = 3.0
# In one order, which processes that share the tests among them must agree on.
SPECS = sorted(defs.resolve_all_asset_specs(), key=lambda spec: spec.key)


def decorated(folder: str) -> set[str]:
    """The names of all functions in a folder that a decorator makes a definition."""
    found = set()
    for path in (ROOT / folder).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef):
                makers = {
                    ast.unparse(each.func if isinstance(each, ast.Call) else each) for each in node.decorator_list
                }
                found |= {node.name} if makers & MAKERS else set()
    return found


def test_no_definition_is_forgotten() -> None:
    listed = {each.node_def.name for each in ASSETS} | {each.name for each in JOBS} | {each.name for each in SENSORS}
    made = set().union(*map(decorated, FOLDERS))
    assert {name.removesuffix("_sensor") for name in made} == listed


def test_everything_can_be_loaded() -> None:
    Definitions.validate_loadable(defs)
    assert {spec.key for each in CHECKS for spec in each.check_specs} == set(JUDGED)


def test_the_definitions_load_within_three_seconds_without_the_model_layer_or_a_connection(tmp_path: Path) -> None:
    code = (
        "import socket, sqlite3, sys, time\n"
        "def refuse(*_, **__): raise AssertionError('a connection while loading')\n"
        "sqlite3.connect = socket.socket.connect = refuse\n"
        "began = time.process_time()\n"
        "import definitions\n"
        "print(time.process_time() - began, 'pydantic_ai' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    )
    seconds, model_layer = done.stdout.split()
    assert float(seconds) < LOAD_LIMIT
    assert model_layer == "False"
    assert done.stderr == ""


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: str(spec.key.to_user_string()))
def test_every_asset_has_a_group_an_owner_a_kind_and_a_description(spec: AssetSpec) -> None:
    assert spec.group_name in {"inputs", "work", "running", "proof", "metrics"}
    assert [owner for owner in spec.owners if owner.startswith("team:")]
    assert spec.kinds
    assert len(spec.description or "") > 40


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: str(spec.key.to_user_string()))
def test_every_edge_into_partitions_has_a_mapping_on_purpose(spec: AssetSpec) -> None:
    edges = EDGES.get(spec.key.to_user_string(), {})
    assert {dep.asset_key.to_user_string() for dep in spec.deps} == set(edges)
    for name, mapping in edges.items():
        assert (mapping is None) == (PARTITIONS[name] is None)


def test_the_workspace_is_found_from_any_folder() -> None:
    (origin,) = WorkspaceFileTarget([str(ROOT / "workspace.yaml")]).create_origins()
    pointer = origin.loadable_target_origin
    assert Path(str(pointer.python_file)) == ROOT / "definitions.py"
    assert Path(str(pointer.working_directory)).resolve() == ROOT


def test_no_dependency_has_a_top_level_package_that_our_folders_would_hide() -> None:
    hidden = []
    for each in distributions():
        if each.metadata["Name"] != "orket-pipelines":
            tops = {Path(str(file)).parts[0].removesuffix(".py") for file in each.files or []}
            hidden += [(each.metadata["Name"], name) for name in tops & {*FOLDERS, "definitions"}]
    assert hidden == []


def test_the_generated_dagster_yaml_is_one_that_dagster_accepts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orket_pipelines.server.dagster_home import write_dagster_home
    from orket_pipelines.settings import load_settings

    home = write_dagster_home(load_settings(home=tmp_path))
    with DagsterInstance.from_config(str(home)) as instance:
        assert instance.telemetry_enabled is False
        assert instance.nux_enabled is False
        assert instance.run_monitoring_enabled is True
        assert instance.get_settings("sensors") == {"use_threads": True, "num_workers": 4}
        runs = instance.get_concurrency_config().run_queue_config
        assert runs is not None
        assert (runs.max_concurrent_runs, runs.tag_concurrency_limits) == (12, [{"key": "orket/delivers", "limit": 10}])
    written = yaml.safe_load((home / "dagster.yaml").read_text())
    assert written["run_retries"]["retry_on_asset_or_op_failure"] is False
    assert written["run_queue"]["dequeue_interval_seconds"] == 1


def test_deliveries_bear_the_tag_that_dagster_counts_them_by() -> None:
    from jobs import JOBS
    from jobs.delivery import DELIVERS as GIVEN
    from orket_pipelines.server.dagster_home import DELIVERS as COUNTED

    delivering = {job.name for job in JOBS if GIVEN in job.tags}
    assert (GIVEN, delivering) == (COUNTED, {"deliver_rock", "deliver_issue", "fix_critical_bugs"})


def test_as_many_deliveries_are_under_way_as_the_settings_say() -> None:
    from orket_pipelines.server.dagster_home import configuration
    from orket_pipelines.settings import Settings

    runs = yaml.safe_load(configuration(Settings(dagster_deliveries=3)))["concurrency"]["runs"]
    assert runs == {"max_concurrent_runs": 5, "tag_concurrency_limits": [{"key": "orket/delivers", "limit": 3}]}
