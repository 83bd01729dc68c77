import os
import time
from pathlib import Path

import pytest

from orket_pipelines.errors import DetectionError
from orket_pipelines.sandboxes.detection import detect
from orket_pipelines.sandboxes.model import Service
from tests.sandboxes.repositories import APP, CASES, HTML, PYPROJECT, REQUIREMENTS, VITE, Case, build

EVERYWHERE = "0.0.0.0"  # noqa: S104 - data
CHECK = "router = APIRouter()\n@router.get('/health')\ndef h(): ...\n"
SOLUTION = Path(__file__).parents[2] / "examples/todo/solution"


def essence(service: Service) -> tuple[str, str, str, str, str]:
    """What tells services apart: their start without what all of them share, or the folder of a page."""
    words = [word for word in service.start if word not in {"python", "-m", "uvicorn", "--host", EVERYWHERE, "--port"}]
    started = " ".join(words).removesuffix(" {port}") if service.stack == "fastapi" else " ".join(service.start)
    return (service.name, service.stack, service.kind.value, service.folder, service.output or started)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_repository_is_told_as_it_is(case: Case, tmp_path: Path) -> None:
    found = detect(build(tmp_path, case.files))
    assert tuple(map(essence, found.services)) == case.services
    assert len(found.ambiguities) == case.doubts, found.ambiguities


@pytest.mark.parametrize("file", sorted(SOLUTION.glob("*/todo/api.py")), ids=lambda file: file.parents[1].name)
def test_the_example_is_found_at_each_of_its_steps(file: Path, tmp_path: Path) -> None:
    pyproject = (SOLUTION / "todo-skeleton/pyproject.toml").read_text()
    found = detect(
        build(tmp_path, {"pyproject.toml": pyproject, "todo/__init__.py": "", "todo/api.py": file.read_text()})
    )
    (service,) = found.services
    assert service.start == (
        *("python", "-m", "uvicorn", "--factory", "todo.api:create_app"),
        *("--host", EVERYWHERE, "--port", "{port}"),
    )
    assert (service.port, service.health_path, service.confidence) == (8000, "/api/health", 1.0)


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("@app.get('/health')\ndef h(): ...", "/health"),
        ("@app.get('/healthz')\nasync def h(): ...", "/healthz"),
        ("@app.get('/v1/health')\ndef h(): ...\n@app.get('/healthz')\ndef z(): ...", "/healthz"),
        ("@app.api_route('/health', methods=['GET', 'HEAD'])\ndef h(): ...", "/health"),
        ("app.add_api_route('/health', print)", "/health"),
        ("@app.post('/health')\ndef h(): ...", "/docs"),
        ("@app.get(PREFIX + '/health')\ndef h(): ...", "/docs"),
        ("r = APIRouter(prefix='/api')\n@r.get('/health')\ndef h(): ...\napp.include_router(r)", "/api/health"),
        ("r = APIRouter()\n@r.get('/health')\ndef h(): ...\napp.include_router(r, prefix='/api/v2')", "/api/v2/health"),
        ("r = APIRouter()\n@r.get('/health')\ndef h(): ...\napp.include_router(r, prefix=X)", "/docs"),
        ("r = APIRouter()\n@r.get('/health')\ndef h(): ...", "/docs"),
        (
            (
                "a = APIRouter(prefix='/a')\nb = APIRouter(prefix='/b')\n@b.get('/health')\ndef h(): ...\n"
                "a.include_router(b)\nb.include_router(a)\napp.include_router(a)"
            ),
            "/a/b/health",
        ),
        ("'/health'", "/docs"),
    ],
)
def test_the_health_check_is_a_route_that_the_application_answers(source: str, path: str, tmp_path: Path) -> None:
    text = f"from fastapi import APIRouter, FastAPI\napp = FastAPI()\n{source}\n"
    (service,) = detect(build(tmp_path, {"requirements.txt": REQUIREMENTS, "main.py": text})).services
    assert service.health_path == path


@pytest.mark.parametrize(
    ("arguments", "path"),
    [("docs_url='/help'", "/help"), ("docs_url=None", "/openapi.json"), ("docs_url=None, openapi_url=None", "/")],
)
def test_without_a_health_check_the_documentation_is_asked_for_where_it_is(
    arguments: str, path: str, tmp_path: Path
) -> None:
    text = f"from fastapi import FastAPI\napp = FastAPI({arguments})\n"
    (service,) = detect(build(tmp_path, {"requirements.txt": REQUIREMENTS, "main.py": text})).services
    assert service.health_path == path


def test_a_router_of_another_module_is_followed_through_a_package_that_exports_it(tmp_path: Path) -> None:
    files = {
        "requirements.txt": REQUIREMENTS,
        "app/__init__.py": "",
        "app/main.py": "from fastapi import FastAPI\nfrom app.routes import status\napp = FastAPI()\n"
        "app.include_router(status, prefix='/api')\n",
        "app/routes/__init__.py": "from .status import router as status\n",
        "app/routes/status.py": f"from fastapi import APIRouter\n{CHECK}",
    }
    (service,) = detect(build(tmp_path, files)).services
    assert service.health_path == "/api/health"
    assert "app/routes/status.py: answers GET /api/health" in service.evidence


def test_an_output_that_cannot_be_told_is_named_to_vite(tmp_path: Path) -> None:
    files = {"package.json": VITE, "index.html": HTML, "vite.config.ts": "export default make()"}
    (service,) = detect(build(tmp_path, files)).services
    assert service.build == ("npm", "run", "build", "--", "--outDir", "dist", "--emptyOutDir", "--base", "/")
    assert (service.output, service.confidence) == ("dist", 0.7)


@pytest.mark.parametrize(
    ("base", "options"),
    [("'/'", ()), ("'./'", ()), ("'/shop/'", ("--", "--base", "/")), ("process.env.BASE", ("--", "--base", "/"))],
)
def test_a_page_that_is_meant_for_a_path_is_built_for_the_root(
    base: str, options: tuple[str, ...], tmp_path: Path
) -> None:
    files = {"package.json": VITE, "index.html": HTML, "vite.config.ts": f"export default {{ base: {base} }}"}
    (service,) = detect(build(tmp_path, files)).services
    assert service.build == ("npm", "run", "build", *options)


def test_a_build_that_is_not_vites_makes_the_output_a_guess(tmp_path: Path) -> None:
    files = {
        "package.json": VITE.replace("vite build", "make"),
        "index.html": HTML,
        "vite.config.ts": "export default f()",
    }
    found = detect(build(tmp_path, files))
    assert found.services[0].confidence == 0.4
    assert found.ambiguities == ("vite.config.ts: where the build is written to cannot be told",)


def test_evidence_names_the_files_and_the_library_that_draws_the_page(tmp_path: Path) -> None:
    (service,) = detect(build(tmp_path, {"web/package.json": VITE, "web/index.html": HTML})).services
    assert service.evidence == (
        "web/package.json: declares vite",
        "web/index.html: the page that Vite builds",
        "web/package.json: declares react",
        "web/package.json: builds into dist",
    )


def test_names_are_ones_that_a_network_resolves_and_no_two_are_alike(tmp_path: Path) -> None:
    folders = ["a/Web_App", "b/web-app", "42", "localhost", "Öl", "x" * 60, "-rf"]
    files = {
        f"{folder}/{name}": text for folder in folders for name, text in (("package.json", VITE), ("index.html", HTML))
    }
    found = {service.folder: service.name for service in detect(build(tmp_path, files)).services}
    assert found == {
        "a/Web_App": "web-app",
        "b/web-app": "web-app-2",
        "42": "service-42",
        "localhost": "localhost-2",
        "Öl": "l",
        "x" * 60: "x" * 30,
        "-rf": "rf",
    }


def test_names_that_cannot_be_printed_are_passed_over(tmp_path: Path) -> None:
    for name in (b"web\x1b[31m", b"web\n", b"web\xff"):
        folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
        build(folder, {"package.json": VITE, "index.html": HTML})
    assert detect(tmp_path).services == ()


def test_no_link_is_followed(tmp_path: Path) -> None:
    outside = build(tmp_path / "outside", {"package.json": VITE, "index.html": HTML, "main.py": APP})
    inside = build(tmp_path / "inside", {"requirements.txt": REQUIREMENTS})
    (inside / "web").symlink_to(outside)
    (inside / "loop").symlink_to(inside)
    (inside / "main.py").symlink_to(outside / "main.py")
    (inside / "orket.yaml").symlink_to("/etc/passwd")
    assert detect(inside).services == ()


def test_pipes_binaries_and_huge_files_are_passed_over(tmp_path: Path) -> None:
    build(tmp_path, {"requirements.txt": REQUIREMENTS, "app.py": APP + "#" * 600_000, "good/main.py": APP})
    os.mkfifo(tmp_path / "main.py")
    (tmp_path / "package.json").write_bytes(b"\xff\xfe\x00{}")
    os.mkfifo(tmp_path / "index.html")
    assert [service.start[3] for service in detect(tmp_path).services] == ["good.main:app"]


@pytest.mark.parametrize(
    "source",
    [
        "(" * 100_000,
        "-" * 200_000 + "1",
        "x = " + "+".join(["1"] * 60_000),
        "a" + ".b" * 80_000,
        "f" + "()" * 80_000,
        "x\0y",
        "\\" * 400_000,
        "if 1:\n" + "".join(" " * depth + "if 1:\n" for depth in range(1, 500)),
        "from fastapi import FastAPI\n" + "a=FastAPI()\n" * 15_000,
        "from fastapi import FastAPI\n" + "".join(f"def f{n}():\n return FastAPI()\n" for n in range(6_000)),
        "from fastapi import *\n" + "".join(f"r{n}=APIRouter()\nr{n}.include_router(r{n - 1})\n" for n in range(4_000)),
    ],
    ids=range(11),
)
def test_source_that_is_made_to_break_a_parser_costs_little(source: str, tmp_path: Path) -> None:
    build(tmp_path, {"requirements.txt": REQUIREMENTS, "main.py": source, "api.py": APP})
    begun = time.process_time()
    assert detect(tmp_path).services
    assert time.process_time() - begun < 4


@pytest.mark.parametrize(
    "source",
    [
        "{" * 100_000,
        "/*" * 100_000,
        '"' * 99_999,
        "`" * 99_999,
        "export default " + "{a:" * 20_000,
        "export default ",
        "".join(f"const a{n}=a{n + 1};" for n in range(9_000)) + "export default a0",
        "export default {" + "a(" * 40_000,
    ],
    ids=range(8),
)
def test_a_configuration_that_is_made_to_break_a_parser_costs_little(source: str, tmp_path: Path) -> None:
    build(tmp_path, {"package.json": VITE, "index.html": HTML, "vite.config.js": source})
    begun = time.process_time()
    assert detect(tmp_path).services[0].confidence < 1
    assert time.process_time() - begun < 4


@pytest.mark.slow
def test_a_tree_without_end_is_looked_at_as_far_as_the_bound_goes(tmp_path: Path) -> None:
    build(tmp_path, {"requirements.txt": REQUIREMENTS, "main.py": APP})
    for number in range(220):
        folder = tmp_path / f"folder{number}"
        folder.mkdir()
        for each in range(100):
            (folder / f"{each}.txt").touch()
    begun = time.process_time()
    found = detect(tmp_path)
    assert time.process_time() - begun < 4
    assert [service.start[3] for service in found.services] == ["main:app"]
    assert found.ambiguities == (
        "not everything was looked at: only the first 20000 files, by depth, and for a limited time",
    )


HOSTILE = {
    "package.json": '{"a":' * 50_000,
    "pnpm-workspace.yaml": "a: &a [x]\nb: &b [*a, *a]\n" + "".join(f"c{n}: &b [*b, *b]\n" for n in range(60)),
    "docker-compose.yml": "[" * 100_000,
    "compose.yml": "a: &a {x: y}\n" + "".join(f"c{n}: &a {{<<: [*a, *a, *a]}}\n" for n in range(60)),
    "pom.xml": '<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;">]><project>&c;</project>',
    "pyproject.toml": "a=" + "[" * 20_000,
    "requirements.txt": "-r requirements.txt\n-r ../../etc/passwd\nfastapi\n" * 1_000,
    "go.mod": "require (\n" + "a b\n" * 50_000,
    "main.go": '"' * 400_000,
    "Cargo.toml": "[a]\n" * 50_000,
    "server.js": "`" * 400_000,
    "index.js": "/*" * 200_000,
    "Gemfile": "gem '" * 80_000,
    "mix.exs": "{:a, " * 60_000,
    "x.csproj": "<a>" * 50_000,
    "api/main.py": APP,
    "api/requirements.txt": REQUIREMENTS,
}


@pytest.mark.slow
def test_a_hostile_tree_is_told_of_within_the_time_as_far_as_it_can_be(tmp_path: Path) -> None:
    build(tmp_path, HOSTILE)
    for number in range(60):
        build(tmp_path / f"s{number}", {"package.json": "{}", "pom.xml": "<a/>" * 20_000, "index.js": "a(b);" * 9_000})
    (tmp_path / "/".join(["d"] * 200)).mkdir(parents=True)
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "out").symlink_to("/")
    for name in ("Procfile", "Dockerfile", ".env"):
        os.mkfifo(tmp_path / name)
    (tmp_path / "setup.py").write_bytes(os.urandom(400_000))
    (tmp_path / "composer.json").write_bytes(b"\0" * 500_000)
    begun = time.process_time()
    found = detect(tmp_path)
    assert time.process_time() - begun < 3
    assert [(each.folder, each.stack) for each in found.services] == [("api", "fastapi")]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("pyproject.toml", "a" + ".a" * 200_000 + " = 1"),
        ("pyproject.toml", "".join(f"a{number} = 1\n" for number in range(40_000))),
        ("setup.cfg", "[a]\n" * 100_000),
        ("package.json", '{"workspaces": [' + ",".join(['"a/**/b/**"'] * 30_000) + "]}"),
        ("main.py", "(" * 100_000),
        ("main.py", "f(1)\n" * 80_000),
        ("main.py", "x = " + "-" * 100_000 + "1"),
        ("main.py", "a" + ".b" * 200_000),
        ("vite.config.js", "export default " + "{a:" * 100_000),
    ],
)
def test_one_hostile_file_does_not_hide_what_lies_beside_it(name: str, text: str, tmp_path: Path) -> None:
    build(tmp_path, {name: text, "api/requirements.txt": REQUIREMENTS, "api/main.py": APP})
    for number in range(50):
        build(tmp_path / f"p{number}", {"package.json": "{}"})
    begun = time.process_time()
    found = detect(tmp_path)
    assert time.process_time() - begun < 2
    assert ("api", "fastapi") in [(each.folder, each.stack) for each in found.services]


@pytest.mark.slow
def test_a_folder_of_many_programs_is_told_of_within_the_time(tmp_path: Path) -> None:
    build(tmp_path, {"requirements.txt": REQUIREMENTS, "main.py": APP})
    for number in range(15_000):
        (tmp_path / f"{number}.py").touch()
    begun = time.process_time()
    found = detect(tmp_path)
    assert time.process_time() - begun < 2
    assert [each.stack for each in found.services] == ["fastapi"]


def test_when_the_time_is_over_what_was_seen_decides(tmp_path: Path) -> None:
    build(tmp_path, {"requirements.txt": REQUIREMENTS, "main.py": APP})
    assert detect(tmp_path, within=60).services[0].stack == "fastapi"
    found = detect(tmp_path, within=-1)
    assert [each.stack for each in found.services] == ["python"]
    assert found.ambiguities[-1].startswith("not everything was looked at")


def test_what_is_looked_at_is_never_executed(tmp_path: Path) -> None:
    trap = f"import pathlib\npathlib.Path({str(tmp_path / 'ran')!r}).touch()\n"
    build(tmp_path, {"setup.py": trap, "pyproject.toml": PYPROJECT, "main.py": trap + APP, "conftest.py": trap})
    assert detect(tmp_path).services
    assert not (tmp_path / "ran").exists()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(DetectionError, match="missing: cannot be looked into: No such file"):
        detect(tmp_path / "missing")


@pytest.mark.parametrize(
    ("requirements", "start"),
    [
        ("flask\n", "python -m flask --app src/app:app run --host 0.0.0.0 --port {port}"),
        ("flask\ngunicorn\n", "gunicorn --chdir src --bind 0.0.0.0:{port} app:app"),
    ],
)
def test_flask_is_started_by_what_is_installed(requirements: str, start: str, tmp_path: Path) -> None:
    files = {"requirements.txt": requirements, "src/app.py": "from flask import Flask\napp = Flask(__name__)\n"}
    [service] = detect(build(tmp_path, files)).services
    assert " ".join(service.start) == start


@pytest.mark.parametrize(
    ("requirements", "start"),
    [
        ("django\n", "python manage.py runserver --noreload '0.0.0.0:{port}'"),
        ("django\ngunicorn\n", "gunicorn --bind '0.0.0.0:{port}' shop.wsgi:application"),
    ],
)
def test_a_django_with_a_database_makes_its_tables_first(requirements: str, start: str, tmp_path: Path) -> None:
    settings = "WSGI_APPLICATION = 'shop.wsgi.application'\nX = {'ENGINE': 'django.db.backends.postgresql'}\n"
    files = {
        "requirements.txt": requirements,
        "manage.py": "import os\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n",
        "shop/settings.py": settings,
    }
    [service] = detect(build(tmp_path, files)).services
    assert service.start == ("sh", "-c", f"python manage.py migrate --noinput && exec {start}")
