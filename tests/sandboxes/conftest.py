"""A repository with a page and a service behind it, in Python's own library: nothing has to be installed for it; and
images of databases."""

import hashlib
import json
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import docker
import pytest

from orket_pipelines.containers.building import Recipe, build_image
from orket_pipelines.dependencies.model import Environment
from orket_pipelines.sandboxes.model import Deployment
from orket_pipelines.settings import application_folder

IMAGES = application_folder() / "images"

SERVER = """
import http.server, os, sys
version = open("version").read()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = ("api " + version).encode()
        self.send_response(200 if self.path in ("/health", "/api/version") else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
open("beside-the-code", "w").write("written")
print("serving", version, flush=True)
http.server.ThreadingHTTPServer((os.environ["HOST"], int(sys.argv[1])), Handler).serve_forever()
"""
MANIFEST = {
    "services": {
        "api": {"kind": "web", "folder": "api", "start": ["python3", "server.py", "{port}"], "health": "/health"},
        "web": {
            "kind": "spa",
            "folder": "web",
            "build": ["sh", "-c", "mkdir dist && cp index.html dist/"],
            "output": "dist",
        },
    },
    "front": "web",
    "routes": {"/api": "api"},
}


class NothingToInstall:
    """An installer for repositories without dependencies."""

    def prepare(self, checkout: Path, *, subject: str, stop: threading.Event) -> Environment:
        del checkout, subject, stop
        return Environment("none")

    def key_of(self, checkout: Path) -> str:
        del checkout
        return "none"


@pytest.fixture
def installer() -> NothingToInstall:
    return NothingToInstall()


@pytest.fixture
def pair(tmp_path: Path) -> Callable[..., Deployment]:
    """`pair("c1")`: the deployment of a commit whose files say so; `server` and `build` replace those of the pair."""

    def make(commit: str, *, server: str = SERVER, build: str | None = None) -> Deployment:
        root = tmp_path / "checkouts" / commit
        shutil.rmtree(root, ignore_errors=True)
        for folder in ("api", "web"):
            (root / folder).mkdir(parents=True)
        manifest = json.loads(json.dumps(MANIFEST))
        if build is not None:
            manifest["services"]["web"]["build"] = ["sh", "-c", build]
        # JSON is YAML too.
        (root / "orket.yaml").write_text(json.dumps(manifest))
        (root / "api" / "server.py").write_text(server)
        (root / "api" / "version").write_text(commit)
        (root / "web" / "index.html").write_text(f"page {commit}")
        return Deployment("todo", "todo", commit, root)

    return make


@pytest.fixture(scope="module")
def database_images(workbench_image: str) -> dict[str, str]:
    """By kind; an image is built where there is none yet of the same files, which takes half a minute."""

    def have(kind: str, base: str) -> str:
        client = docker.from_env()
        content = hashlib.sha256(base.encode())
        for path in sorted((IMAGES / kind).iterdir()):
            content.update(path.read_bytes())
        name = f"orket-test-{kind}:{content.hexdigest()[:12]}"
        if not client.images.list(name):
            build_image(Recipe(name, IMAGES / kind, {"BASE": base}), progress=lambda _: None)
        return name

    images = {kind: have(kind, workbench_image) for kind in ("postgres", "redis", "mariadb")}
    return {**images, "mysql": images["mariadb"]}
