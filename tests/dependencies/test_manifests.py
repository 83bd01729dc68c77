"""What a checkout declares is read, bounded, and refused where it is more than names with versions."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from orket_pipelines.dependencies import reading
from orket_pipelines.dependencies.manifests import Declared, read_manifests
from orket_pipelines.dependencies.reading import is_unchanged, look
from orket_pipelines.errors import InstallFailed

Declare = Callable[[dict[str, str]], Declared]
Write = Callable[[dict[str, str]], Path]
HASH = "sha256:" + "0" * 64


def test_a_checkout_without_manifests_declares_nothing(declared: Declare) -> None:
    assert declared({"README.md": "hello"}) == Declared()


def test_requirements_of_all_folders_add_up(declared: Declare) -> None:
    found = declared(
        {
            "requirements.txt": "fastapi>=0.1  # it\n\n# more\nhttpx [http2] == 0.28.*; python_version > '3'",
            "service/requirements.txt": "fastapi>=0.1\nanyio",
        }
    )
    assert found.requirements == ("anyio", "fastapi>=0.1", "httpx [http2] == 0.28.*; python_version > '3'")


def test_a_lock_stands_for_everything_else_in_its_folder(declared: Declare) -> None:
    lock = f"idna==3.10 \\\n    --hash={HASH} \\\n    --hash={HASH}\n    # via anyio\n"
    files = {
        "requirements.lock": lock,
        "requirements.txt": "idna",
        "pyproject.toml": '[project]\ndependencies=["anyio"]',
    }
    assert declared(files).requirements == (f"idna==3.10 --hash={HASH} --hash={HASH}",)


def test_a_project_needs_its_extras_and_groups_too_but_not_itself(declared: Declare) -> None:
    project = """
        [project]
        name = "To_Do"
        dependencies = ["fastapi"]
        [project.optional-dependencies]
        test = ["pytest>=8", "to-do[more]"]
        [dependency-groups]
        lint = ["ruff", {include-group = "test"}]
    """
    assert declared({"pyproject.toml": project}).requirements == ("fastapi", "pytest>=8", "ruff")


def test_what_other_tools_lock_is_noted_and_not_read(declared: Declare) -> None:
    project = '[project]\nname="x"\ndynamic=["dependencies"]\n[tool.poetry.dependencies]\nflask="*"\n'
    notes = declared({"pyproject.toml": project, "poetry.lock": "", "uv.lock": ""}).notes
    assert [note.split()[0] for note in notes] == ["poetry.lock", "uv.lock", "pyproject.toml", "pyproject.toml"]


@pytest.mark.parametrize(
    "line",
    [
        "-r other.txt",
        "-e .",
        "--index-url https://evil.example/simple",
        "--extra-index-url=https://evil.example/simple",
        "--trusted-host evil.example",
        "fastapi --index-url https://evil.example/simple",
        "fastapi --config-settings=x=y",
        "./package",
        "package.whl/../x",
        "/etc/passwd",
        "file:///etc",
        "https://evil.example/x.tar.gz",
        "git+https://evil.example/x",
        "x @ https://evil.example/x.whl",
        "${HOME}",
        "fastapi; python_version > '3' --config-settings=x=y",
        "fastapi $(touch x)",
        "é",
        "x" * 30_000,
        f"idna --hash=md5:{'0' * 32}",
    ],
    ids=lambda line: ascii(line[:40]),
)
def test_a_line_that_is_more_than_a_name_with_versions_is_refused(declared: Declare, line: str) -> None:
    with pytest.raises(InstallFailed, match=r"requirements\.txt asks for") as refused:
        declared({"requirements.txt": line})
    assert refused.value.next_step == "Name packages with versions only, as in: fastapi>=0.100"
    with pytest.raises(InstallFailed):
        declared({"requirements.txt": "", "pyproject.toml": f"[project]\ndependencies=[{json.dumps(line)}]"})


@pytest.mark.parametrize(
    "content",
    [
        "not toml",
        "project = 1",
        "[project]\ndependencies = 'fastapi'",
        "[project]\ndependencies = [1]",
        "[project]\noptional-dependencies = {a = 1}",
        "dependency-groups = 1",
        "a=" + "[" * 100_000,
    ],
    ids=lambda content: content[:30],
)
def test_a_broken_pyproject_is_its_authors_to_mend(declared: Declare, content: str) -> None:
    with pytest.raises(InstallFailed, match=r"pyproject\.toml"):
        declared({"pyproject.toml": content})


def test_a_node_project_is_reduced_to_what_it_depends_on(declared: Declare) -> None:
    package = {
        "name": "page",
        "version": "1.0.0",
        "scripts": {"preinstall": "touch /tmp/x"},
        "dependencies": {"react": "^19.0.0", "left": "npm:@scope/right@1.x || >=2"},
        "devDependencies": {"@types/react": "latest"},
        "overrides": {"react": {".": "19.1.0", "scheduler": "$react"}},
    }
    lock = {
        "lockfileVersion": 3,
        "packages": {"": {}, "node_modules/react": {"resolved": "https://a.example/react.tgz"}},
    }
    node = declared({"page/package.json": json.dumps(package), "page/package-lock.json": json.dumps(lock)}).node
    assert node is not None
    assert node.path == "page/package.json"
    assert json.loads(node.package) == {name: value for name, value in package.items() if name != "scripts"}
    assert json.loads(node.lock or "") == lock


def test_a_package_without_dependencies_is_no_node_project(declared: Declare) -> None:
    assert declared({"package.json": '{"type": "module", "dependencies": {}}'}).node is None


@pytest.mark.parametrize(
    "version",
    [
        *(
            "file:../x",
            "link:../x",
            "workspace:*",
            "git+ssh://git@evil.example/x.git",
            "user/repository",
            "./x",
            "../x",
        ),
        *("..", "~/x", "/x", "x.tgz", "https://evil.example/x.tgz", "github:user/x", "C:\\x", "1.0.0\n", "npm:../x"),
    ],
)
def test_a_version_that_is_a_place_is_refused(declared: Declare, version: str) -> None:
    with pytest.raises(InstallFailed, match=r"package\.json asks for"):
        declared({"package.json": json.dumps({"dependencies": {"x": version}})})
    with pytest.raises(InstallFailed, match=r"package\.json asks for"):
        declared({"package.json": json.dumps({"dependencies": {"y": "1"}, "overrides": {"x": {"z": version}}})})


@pytest.mark.parametrize(
    "entry",
    [
        {"node_modules/../../x": {}},
        {"../x": {}},
        {"packages/x": {"link": True}},
        {"node_modules/x": {"link": True, "resolved": "../x"}},
        {"node_modules/x": {"resolved": "file:../x.tgz"}},
        {"node_modules/x": {"resolved": "git+ssh://git@evil.example/x"}},
        {"node_modules/x": {"resolved": "http://evil.example/x.tgz"}},
        {"node_modules/x": {"resolved": 1}},
        {"node_modules/x": None},
    ],
    ids=str,
)
def test_a_lock_that_leads_elsewhere_is_refused(declared: Declare, entry: object) -> None:
    files = {"package.json": '{"dependencies": {"x": "1"}}', "package-lock.json": json.dumps({"packages": entry})}
    with pytest.raises(InstallFailed, match=r"package-lock\.json has"):
        declared(files)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (
            {"a/package.json": '{"dependencies": {"x": "1"}}', "b/package.json": '{"dependencies": {"x": "1"}}'},
            "one Node",
        ),
        ({"package.json": '{"workspaces": ["a"]}'}, "workspaces"),
        ({"package.json": '{"dependencies": {"x": "1"}}', "pnpm-lock.yaml": ""}, "pnpm, which is not supported yet"),
        ({"package.json": '{"dependencies": {"x": "1"}}', "yarn.lock": ""}, "Yarn, which is not supported yet"),
        ({"package.json": "[]"}, "must be an object"),
        ({"package.json": "{"}, "is not JSON"),
        ({"package.json": "[" * 100_000}, "is not JSON"),
        ({"package.json": '{"dependencies": ["x"]}'}, "must have an object at dependencies"),
        ({"package.json": '{"dependencies": {"x": "1"}}', "package-lock.json": '{"lockfileVersion": 1}'}, "old npm"),
    ],
    ids=lambda each: str(each)[:40],
)
def test_what_npm_could_not_install_here_is_said_clearly(declared: Declare, files: dict[str, str], told: str) -> None:
    with pytest.raises(InstallFailed, match=told) as refused:
        declared(files)
    assert refused.value.next_step


def test_folders_of_others_are_not_looked_into(declared: Declare) -> None:
    folders = ("node_modules/x", "vendor/x", ".git", ".venv", "tests", "a/b/c/d")
    assert declared({f"{folder}/requirements.txt": "idna" for folder in folders}) == Declared()
    assert declared({"a/b/c/requirements.txt": "idna"}).requirements == ("idna",)


def test_folders_whose_names_cannot_be_printed_are_not_looked_into(write: Write) -> None:
    for name in (b"a\nb", b"\xff", "\u202e".encode()):
        folder = write({}) / os.fsdecode(name)
        folder.mkdir()
        (folder / "requirements.txt").write_text("-e .")
    assert read_manifests(look(write({}))) == Declared()


@pytest.mark.parametrize(
    "line",
    [
        "a" * 19_000 + "!",
        "a." * 9_000 + "!",
        "a[" + "b," * 9_000,
        "a" + "<1," * 6_000,
        "a;" + " (" * 9_000 + " -",
        "a" + " --hash=sha256:0" * 1_000,
    ],
    ids=lambda line: line[:6],
)
def test_a_line_made_to_be_slow_to_read_is_read_quickly(declared: Declare, line: str) -> None:
    started = time.thread_time()
    with pytest.raises(InstallFailed):
        declared({"requirements.txt": line})
    with pytest.raises(InstallFailed):
        declared({"requirements.txt": "", "package.json": json.dumps({"dependencies": {"x": line.replace("!", "/")}})})
    assert time.thread_time() - started < 1


def test_nothing_is_read_through_a_link(write: Write, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "requirements.txt").write_text("idna")
    checkout = write({})
    (checkout / "folder").symlink_to(outside)
    assert read_manifests(look(checkout)) == Declared()
    (checkout / "requirements.txt").symlink_to(outside / "requirements.txt")
    with pytest.raises(InstallFailed, match="cannot be read"):
        look(checkout)


def test_a_pipe_a_hard_link_and_a_large_file_are_refused(write: Write, tmp_path: Path) -> None:
    manifest = write({}) / "requirements.txt"
    os.mkfifo(manifest)
    with pytest.raises(InstallFailed, match="plain file"):
        look(manifest.parent)
    manifest.unlink()
    (tmp_path / "other").write_text("idna")
    os.link(tmp_path / "other", manifest)
    with pytest.raises(InstallFailed, match="plain file"):
        look(manifest.parent)
    manifest.unlink()
    manifest.write_text("#" * 1_000_001)
    with pytest.raises(InstallFailed, match="more than 1000000 bytes"):
        look(manifest.parent)


def test_a_checkout_of_very_many_folders_is_looked_into_up_to_a_bound(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "FOLDERS", 3)
    found = look(write({f"{name}/below/requirements.txt": "idna" for name in "abcdef"}))
    assert len(found.stamps) == 3
    assert not found.complete
    assert read_manifests(found).notes[-1].startswith("only the first")


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "requirements.txt").write_text("idnb"),
        lambda root: (root / "below/package.json").write_text("{}"),
        lambda root: (root / "requirements.txt").unlink(),
        lambda root: (root / "below").rename(root / "elsewhere"),
    ],
    ids=["changed", "added", "removed", "moved"],
)
def test_what_was_seen_holds_until_a_manifest_changes(write: Write, change: Callable[[Path], object]) -> None:
    checkout = write({"requirements.txt": "idna", "below/code.py": ""})
    found = look(checkout)
    (checkout / "below/code.py").write_text("print()")
    assert is_unchanged(checkout, found)
    change(checkout)
    assert not is_unchanged(checkout, found)
