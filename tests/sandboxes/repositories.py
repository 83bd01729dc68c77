"""Small repositories as people have them, each with its truth; in code, so that a case reads at a glance."""

from dataclasses import dataclass
from pathlib import Path

PYPROJECT = '[project]\nname = "shop"\nversion = "1"\ndependencies = ["fastapi>=0.100", "uvicorn"]\n'
REQUIREMENTS = "fastapi==0.115.0\nuvicorn[standard]\n"
APP = "from fastapi import FastAPI\n\napp = FastAPI()\n"
FACTORY = "from fastapi import FastAPI\n\n\ndef create_app() -> FastAPI:\n    app = FastAPI()\n    return app\n"
VITE = '{"scripts": {"build": "vite build"}, "dependencies": {"react": "^19"}, "devDependencies": {"vite": "^6"}}'
VITE_VUE = '{"scripts": {"build": "vue-tsc && vite build"}, "dependencies": {"vue": "^3", "vite": "^6"}}'
LIBRARY = '{"name": "ui", "main": "index.js"}'
HTML = "<!doctype html>"

Files = dict[str, str]


@dataclass(frozen=True, slots=True)
class Case:
    """A repository. `services` are (name, stack, kind, folder, what is started or built into)."""

    name: str
    files: Files
    services: tuple[tuple[str, str, str, str, str], ...]
    doubts: int = 0


def build(root: Path, files: Files) -> Path:
    """Write the files of a repository."""
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def api(target: str, folder: str = ".", name: str = "api") -> tuple[str, str, str, str, str]:
    return (name, "fastapi", "web", folder, target)


def page(folder: str = ".", output: str = "dist", name: str = "web") -> tuple[str, str, str, str, str]:
    return (name, "vite", "spa", folder, output)


def other(kind: str, start: str = "", folder: str = ".", stack: str = "python") -> tuple[str, str, str, str, str]:
    return (kind if folder == "." else folder.rpartition("/")[2], stack, kind, folder, start)


CASES = (
    Case("an app in main.py", {"requirements.txt": REQUIREMENTS, "main.py": APP}, (api("main:app"),)),
    Case(
        "an app in app.py is not started as main", {"requirements.txt": REQUIREMENTS, "app.py": APP}, (api("app:app"),)
    ),
    Case("a package", {"pyproject.toml": PYPROJECT, "app/__init__.py": "", "app/main.py": APP}, (api("app.main:app"),)),
    Case(
        "a package under src",
        {"pyproject.toml": PYPROJECT, "src/shop/__init__.py": "", "src/shop/api.py": APP},
        (api("--app-dir src shop.api:app"),),
    ),
    Case(
        "a src that is a package",
        {"requirements.txt": REQUIREMENTS, "src/__init__.py": "", "src/main.py": APP},
        (api("src.main:app"),),
    ),
    Case(
        "a src that is imported by its name",
        {"requirements.txt": REQUIREMENTS, "src/main.py": "from src.db import x\n" + APP, "src/db.py": "x = 1"},
        (api("src.main:app"),),
    ),
    Case("a factory", {"pyproject.toml": PYPROJECT, "shop/api.py": FACTORY}, (api("--factory shop.api:create_app"),)),
    Case(
        "a factory whose arguments have defaults",
        {
            "pyproject.toml": PYPROJECT,
            "shop/api.py": FACTORY.replace("()", "(path: str = 'x', *, debug: bool = False)", 1),
        },
        (api("--factory shop.api:create_app"),),
    ),
    Case(
        "a factory that needs an argument",
        {"pyproject.toml": PYPROJECT, "shop/api.py": FACTORY.replace("()", "(settings)", 1)},
        (("api", "fastapi", "web", ".", "shop/api.py"),),
        doubts=1,
    ),
    Case(
        "a factory that a module calls",
        {
            "pyproject.toml": PYPROJECT,
            "shop/api.py": FACTORY.replace("()", "(settings)", 1),
            "main.py": "from shop.api import create_app\n\napp = create_app(1)\n",
        },
        (api("main:app"),),
    ),
    Case(
        "an async factory, which uvicorn cannot call",
        {"pyproject.toml": PYPROJECT, "shop/api.py": FACTORY.replace("def", "async def")},
        (("api", "fastapi", "web", ".", "shop/api.py"),),
    ),
    Case(
        "another name of the class, annotated, under if",
        {
            "requirements.txt": REQUIREMENTS,
            "server.py": "import fastapi as f\nif True:\n    service: f.FastAPI = f.FastAPI(title='x')\n",
        },
        (api("server:service"),),
    ),
    Case(
        "a class derived from FastAPI",
        {
            "requirements.txt": REQUIREMENTS,
            "main.py": "from fastapi import FastAPI\nclass App(FastAPI): ...\napplication = App()\n",
        },
        (api("main:application"),),
    ),
    Case(
        "a class of that name from elsewhere",
        {"requirements.txt": REQUIREMENTS, "main.py": "from ours import FastAPI\napp = FastAPI()\n"},
        (other("library"),),
        doubts=1,
    ),
    Case(
        "FastAPI in a comment and a text",
        {"requirements.txt": "requests\n", "main.py": "# app = FastAPI()\nx = 'from fastapi import FastAPI'\n"},
        (other("library"),),
    ),
    Case(
        "declared and not used",
        {"pyproject.toml": PYPROJECT, "shop/__init__.py": "x = 1"},
        (other("library"),),
        doubts=1,
    ),
    Case("used and not declared", {"main.py": APP}, (api("main:app"),), doubts=1),
    Case(
        "declared without a server",
        {"requirements.txt": "fastapi\n", "main.py": APP},
        (api("main:app"),),
        doubts=1,
    ),
    Case(
        "declared with its own server", {"requirements.txt": "fastapi[standard]\n", "main.py": APP}, (api("main:app"),)
    ),
    Case(
        "an app in the tests alone",
        {"pyproject.toml": PYPROJECT, "tests/main.py": APP, "test_app.py": APP, "shop/x.py": ""},
        (other("library"),),
        doubts=1,
    ),
    Case(
        "an app in a virtual environment",
        {"pyproject.toml": PYPROJECT, "py/pyvenv.cfg": "", "py/main.py": APP, "x.py": ""},
        (other("library"),),
        doubts=1,
    ),
    Case(
        "an app and a smaller one that it mounts",
        {"requirements.txt": REQUIREMENTS, "main.py": APP, "admin/site.py": APP},
        (api("main:app"),),
    ),
    Case(
        "two apps that could be meant",
        {"requirements.txt": REQUIREMENTS, "admin/app.py": APP, "shop/app.py": APP},
        (api("admin.app:app"),),
        doubts=1,
    ),
    Case(
        "a folder that is no package and imports what lies beside",
        {"requirements.txt": REQUIREMENTS, "backend/main.py": "import models\n" + APP, "backend/models.py": ""},
        (api("--app-dir backend main:app"),),
    ),
    Case(
        "a folder whose name is no module's",
        {"requirements.txt": REQUIREMENTS, "my-app/main.py": APP},
        (api("--app-dir my-app main:app"),),
    ),
    Case(
        "poetry",
        {
            "pyproject.toml": '[tool.poetry.dependencies]\nfastapi = {version="^0.100", extras=["standard"]}\n',
            "main.py": APP,
        },
        (api("main:app"),),
    ),
    Case(
        "Pipfile",
        {"Pipfile": '[packages]\nfastapi = "*"\nuvicorn = "*"\n', "main.py": APP},
        (api("main:app"),),
    ),
    Case(
        "setup.py and setup.cfg",
        {
            "setup.py": "from setuptools import setup\nsetup(install_requires=['fastapi'])\n",
            "setup.cfg": "[options]\ninstall_requires =\n  uvicorn\n",
            "main.py": APP,
        },
        (api("main:app"),),
    ),
    Case(
        "a member of a workspace whose root declares for it",
        {
            "pyproject.toml": PYPROJECT,
            "services/orders/pyproject.toml": "[project]\nname='o'\n",
            "services/orders/main.py": APP,
        },
        (api("main:app", "services/orders", "orders"),),
    ),
    Case("a page", {"package.json": VITE, "index.html": HTML}, (page(),)),
    Case("a page in Vue", {"package.json": VITE_VUE, "index.html": HTML}, (page(),)),
    Case(
        "a page with its own output",
        {
            "package.json": VITE,
            "index.html": HTML,
            "vite.config.ts": (
                "import { defineConfig } from 'vite'\n// outDir: 'wrong'\n"
                "export default defineConfig({ plugins: [react()], build: { sourcemap: true, outDir: 'www' } })\n"
            ),
        },
        (page(output="www"),),
    ),
    Case(
        "a page whose output lies outside is told to build inside",
        {
            "package.json": VITE,
            "index.html": HTML,
            "vite.config.js": "export default { build: { outDir: '../static' } }",
        },
        (page(),),
    ),
    Case(
        "a page whose output is computed is told where to build",
        {
            "package.json": VITE,
            "index.html": HTML,
            "vite.config.js": "export default { build: { outDir: process.env.OUT || 'x' } }",
        },
        (page(),),
    ),
    Case(
        "a page whose build says where to",
        {"package.json": VITE.replace("vite build", "tsc && vite build --outDir public_html"), "index.html": HTML},
        (page(output="public_html"),),
    ),
    Case(
        "a page in a root of its own",
        {"package.json": VITE, "src/index.html": HTML, "vite.config.js": "export default { root: 'src' }"},
        (page(output="src/dist"),),
    ),
    Case(
        "a page in a root that is computed",
        {
            "package.json": VITE,
            "client/index.html": HTML,
            "vite.config.ts": "export default defineConfig({ root: path.resolve(import.meta.dirname, 'client') })",
        },
        (page(output="client/dist"),),
    ),
    Case(
        "vite that builds a library",
        {
            "package.json": VITE.replace("{", '{"main": "x.js",', 1),
            "index.html": HTML,
            "vite.config.js": "export default { build: { lib: { entry: 'x' } } }",
        },
        (other("library", stack="node"),),
    ),
    Case(
        "vite without a page",
        {"package.json": VITE.replace("{", '{"main": "x.js",', 1)},
        (other("library", stack="node"),),
    ),
    Case(
        "vitest is not vite",
        {"package.json": '{"devDependencies": {"vitest": "1"}}', "index.html": HTML},
        (("web", "static", "static", ".", "."),),
    ),
    Case(
        "a server beside vite",
        {"package.json": VITE.replace('"react"', '"express": "4", "react"'), "index.html": HTML},
        (page(),),
        doubts=1,
    ),
    Case(
        "an API and a page, side by side",
        {
            "backend/requirements.txt": REQUIREMENTS,
            "backend/main.py": APP,
            "frontend/package.json": VITE,
            "frontend/index.html": HTML,
        },
        (api("main:app", "backend", "backend"), page("frontend", name="frontend")),
    ),
    Case(
        "an API at the root with its page in web",
        {"pyproject.toml": PYPROJECT, "shop/api.py": FACTORY, "web/package.json": VITE, "web/index.html": HTML},
        (api("--factory shop.api:create_app"), page("web")),
    ),
    Case(
        "an API and a page in one folder",
        {"requirements.txt": REQUIREMENTS, "main.py": APP, "package.json": VITE, "index.html": HTML},
        (api("main:app"), page()),
    ),
    Case(
        "a stray package.json in a Python repository",
        {
            "requirements.txt": REQUIREMENTS,
            "main.py": APP,
            "package.json": '{"main": "x", "scripts": {"start": "prettier"}}',
        },
        (api("main:app"),),
    ),
    Case(
        "a workspace whose libraries are parts of its page",
        {
            "package.json": '{"workspaces": ["apps/*", "packages/*"], "devDependencies": {"vite": "6"}}',
            "apps/shop/package.json": '{"dependencies": {"react": "19"}, "scripts": {"build": "vite build"}}',
            "apps/shop/index.html": HTML,
            "packages/ui/package.json": LIBRARY,
        },
        (page("apps/shop", name="shop"),),
    ),
    Case(
        "pages of dependencies, tests and builds, and one among examples, which is all that is there",
        {
            f"{folder}/x/package.json": VITE
            for folder in ("node_modules", "vendor", "examples", "dist", ".hidden", "tests")
        }
        | {
            f"{folder}/x/index.html": HTML
            for folder in ("node_modules", "vendor", "examples", "dist", ".hidden", "tests")
        },
        (page("examples/x", name="x"),),
        doubts=1,
    ),
    Case("a page too deep to be a service", {"a/b/c/d/package.json": VITE, "a/b/c/d/index.html": HTML}, ()),
    Case("a Python library", {"pyproject.toml": "[project]\nname='x'\n", "x/__init__.py": ""}, (other("library"),)),
    Case(
        "a Python job",
        {"requirements.txt": "requests\n", "main.py": "if __name__ == '__main__':\n    print(1)\n"},
        (other("job", "python main.py"),),
    ),
    Case(
        "a package that runs as a job",
        {"pyproject.toml": "[project]\nname='x'\n", "report/__main__.py": "print(1)"},
        (other("job", "python -m report"),),
    ),
    Case(
        "a command that is installed",
        {"pyproject.toml": "[project]\nname='x'\n[project.scripts]\nsweep = 'x:main'\n", "x.py": ""},
        (other("job", "sweep"),),
    ),
    Case("tools for Python without any Python", {"pyproject.toml": "[tool.ruff]\n", "README.md": ""}, ()),
    Case("nothing at all", {"README.md": "hello"}, ()),
    Case(
        "broken manifests",
        {
            "pyproject.toml": "[project",
            "package.json": "{",
            "setup.cfg": "x",
            "setup.py": "(",
            "Pipfile": "=",
        },
        (other("library"),),
    ),
    Case(
        "manifests of another shape",
        {"pyproject.toml": "project = 1", "package.json": '["vite"]'},
        (),
    ),
)
