from pathlib import Path

import pytest

from orket_pipelines.agents import tools
from orket_pipelines.agents.tools.model import PathUse, Reach, Tool
from orket_pipelines.agents.tools.registry import TOOLS

FOLDER = Path(tools.__file__).parent


def test_every_tool_has_a_file_of_its_name_and_a_test_beside_it() -> None:
    files = {path.stem for path in FOLDER.glob("*.py")} - {"__init__", "model", "registry"}
    assert set(TOOLS) == files
    assert not [name for name in TOOLS if not Path(__file__).with_name(f"test_{name}.py").exists()]


@pytest.mark.parametrize("tool", TOOLS.values(), ids=lambda tool: tool.name)
def test_the_schema_that_a_model_sees_is_closed_and_flat(tool: Tool) -> None:
    schema = tool.arguments.model_json_schema()
    assert schema["additionalProperties"] is False
    # References are beyond many local servers.
    assert "$defs" not in schema
    assert tool.description.endswith(".")


def test_every_argument_called_path_is_judged_as_one() -> None:
    for tool in TOOLS.values():
        field = tool.arguments.model_fields.get("path")
        if field is not None:
            use = PathUse.WRITE if tool.reach is Reach.CHECKOUT else PathUse.READ
            assert use in field.metadata, tool.name
