"""What is installed, and how, follows from what is declared."""

from dataclasses import replace

import pytest

from orket_pipelines.dependencies.manifests import Declared
from orket_pipelines.dependencies.node_project import NodeProject
from orket_pipelines.dependencies.plan import Terms, combined_key, plan
from orket_pipelines.dependencies.sources import Host, Sources

SOURCES = Sources(
    (Host("packages.example", 443, by_person=True),), (("PIP_INDEX_URL", "https://packages.example/simple"),)
)
TERMS = Terms("sha256:image", scripts=False, sources=SOURCES)
DECLARED = Declared(("fastapi", "httpx"), NodeProject("package.json", '{"name": "x"}', '{"packages": {}}'))


def test_python_is_a_virtual_environment_of_packages_that_are_built_already() -> None:
    python, _ = plan(DECLARED, TERMS)
    assert python.files == {"requirements.txt": "fastapi\nhttpx\n"}
    assert python.target == "/dependencies/python"
    assert python.script[:2] == ("sh", "-ec")
    assert python.script[2] == (
        "mkdir /dependencies/python/.installing\n"
        "python3 -m venv /dependencies/python\n"
        "/dependencies/python/bin/python -m pip install --no-input --no-cache-dir --disable-pip-version-check"
        " --only-binary=:all: -r requirements.txt\n"
        "rm -rf /dependencies/python/.installing"
    )
    assert dict(python.variables) == {
        "TMPDIR": "/dependencies/python/.installing",
        "HOME": "/dependencies/python/.installing",
        "PIP_INDEX_URL": "https://packages.example/simple",
    }


def test_node_modules_are_what_the_lock_says_without_scripts() -> None:
    _, node = plan(DECLARED, TERMS)
    assert node.files == {"package.json": '{"name": "x"}', "package-lock.json": '{"packages": {}}'}
    assert (node.folder, node.target) == ("/project", "/project/node_modules")
    assert node.commands[1] == ("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")


def test_without_a_lock_npm_chooses_and_writes_none() -> None:
    _, node = plan(replace(DECLARED, node=NodeProject("package.json", "{}", None)), TERMS)
    assert node.commands[1] == ("npm", "install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund")


def test_packages_run_their_own_code_only_where_the_settings_say_so() -> None:
    python, node = plan(DECLARED, replace(TERMS, scripts=True))
    assert "--only-binary=:all:" not in python.commands[2]
    assert "--ignore-scripts" not in node.commands[1]


def test_a_project_without_python_still_gets_an_empty_environment() -> None:
    (python,) = plan(Declared(), TERMS)
    assert [command[0] for command in python.commands] == ["mkdir", "python3", "rm"]
    assert python.commands[1] == ("python3", "-m", "venv", "--without-pip", "/dependencies/python")


@pytest.mark.parametrize(
    "terms",
    [
        replace(TERMS, image="sha256:other"),
        replace(TERMS, scripts=True),
        replace(TERMS, sources=replace(SOURCES, variables=())),
        replace(TERMS, sources=replace(SOURCES, hosts=())),
    ],
    ids=["image", "scripts", "index", "hosts"],
)
def test_the_key_changes_with_everything_that_may_change_what_is_installed(terms: Terms) -> None:
    before, after = plan(DECLARED, TERMS), plan(DECLARED, terms)
    assert {each.key for each in before}.isdisjoint(each.key for each in after)


def test_a_set_keeps_its_key_where_only_the_other_changes() -> None:
    before, after = plan(DECLARED, TERMS), plan(replace(DECLARED, requirements=("idna",)), TERMS)
    assert before[0].key != after[0].key
    assert before[1].key == after[1].key
    assert combined_key(before) != combined_key(after)
