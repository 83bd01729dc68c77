import sys
from pathlib import Path

import pytest

from orket_pipelines.errors import DetectionError
from orket_pipelines.sandboxes.detection import detect
from tests.sandboxes.repositories import APP, REQUIREMENTS, build

STACK = """
from orket_pipelines.sandboxes.detection.rule import Finding, Rule
from orket_pipelines.sandboxes.model import Service, ServiceKind


def find(site):
    if "shard.yml" not in site.folder.files:
        return None
    return Finding(Service("", "kemal", ServiceKind.WEB, site.folder.path, port=3000, language="crystal"))


RULE = Rule("kemal", "crystal", ("shard.yml",), find)
"""


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that distributions are installed into."""
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return tmp_path / "site"


def install(site: Path, name: str, value: str, module: str) -> None:
    """What pip leaves of a distribution with one module and one stack."""
    build(
        site,
        {
            f"{value.partition(':')[0]}.py": module,
            f"{name}-1.0.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n",
            f"{name}-1.0.dist-info/entry_points.txt": f"[orket.stacks]\n{name} = {value}\n",
        },
    )


def test_a_stack_that_somebody_installed_is_found(installed: Path, tmp_path: Path) -> None:
    install(installed, "orket_kemal", "orket_kemal_stack:RULE", STACK)
    root = build(
        tmp_path / "repository", {"api/shard.yml": "", "web/requirements.txt": REQUIREMENTS, "web/main.py": APP}
    )
    found = detect(root).services
    assert [(each.folder, each.stack, each.language, each.name) for each in found] == [
        ("api", "kemal", "crystal", "api"),
        ("web", "fastapi", "python", "web"),
    ]
    sys.modules.pop("orket_kemal_stack")


@pytest.mark.parametrize(
    ("module", "value", "why"),
    [
        ("raise ValueError('no')", "orket_broken_a:RULE", "ValueError: no"),
        ("RULE = 1", "orket_broken_b:RULE", "orket_broken_b:RULE is no Rule"),
        ("", "orket_broken_c:RULE", "AttributeError"),
    ],
)
def test_a_stack_that_cannot_be_loaded_is_named(
    module: str, value: str, why: str, installed: Path, tmp_path: Path
) -> None:
    install(installed, "orket-broken", value, module)
    with pytest.raises(
        DetectionError, match=f"the stack 'orket-broken' of orket-broken cannot be loaded: {why}"
    ) as told:
        detect(tmp_path)
    assert told.value.next_step == "Repair it or uninstall it: pip uninstall orket-broken."
