from pathlib import Path

import pytest

from orket_pipelines.errors import DetectionError
from orket_pipelines.sandboxes.detection import detect
from orket_pipelines.sandboxes.model import Service, ServiceKind
from orket_pipelines.sandboxes.planning import plan
from tests.sandboxes.repositories import APP, HTML, REQUIREMENTS, VITE, build

DECLARED = """
services:
  shop:
    kind: web
    folder: backend
    start: [node, server.js, --port, "{port}"]
    port: 3000
    health: /up
  page:
    kind: spa
    folder: frontend
    build: [make, page]
    output: out/public
front: page
routes:
  /shop: shop
  /api/v2: shop
"""
FOLDERS = {"backend/x": "", "frontend/x": ""}


def test_what_the_manifest_declares_replaces_what_would_be_found(tmp_path: Path) -> None:
    files = {"orket.yaml": DECLARED, "requirements.txt": REQUIREMENTS, "main.py": APP, **FOLDERS}
    found = detect(build(tmp_path, files))
    assert found.services == (
        Service(
            name="shop",
            stack="declared",
            kind=ServiceKind.WEB,
            folder="backend",
            start=("node", "server.js", "--port", "{port}"),
            port=3000,
            health_path="/up",
            evidence=("orket.yaml: services.shop",),
        ),
        Service(
            name="page",
            stack="declared",
            kind=ServiceKind.SPA,
            folder="frontend",
            build=("make", "page"),
            output="out/public",
            evidence=("orket.yaml: services.page",),
        ),
    )
    made = plan(found)
    assert (made.front, made.routes) == ("page", {"/api/v2": "shop", "/shop": "shop"})


def test_a_manifest_may_decide_only_what_was_ambiguous(tmp_path: Path) -> None:
    pages = {
        f"{name}/{file}": text for name in ("a", "b") for file, text in (("package.json", VITE), ("index.html", HTML))
    }
    made = plan(detect(build(tmp_path, {"orket.yaml": "front: b\nroutes: {}\n", **pages})))
    assert (made.front, made.routes) == ("b", {})


@pytest.mark.parametrize("text", ["front: elsewhere", "routes: {/api: elsewhere}"])
def test_a_manifest_that_names_a_service_that_was_not_found_is_refused(text: str, tmp_path: Path) -> None:
    page = {"package.json": VITE, "index.html": HTML}
    root = build(tmp_path, {"orket.yaml": text, "requirements.txt": REQUIREMENTS, "main.py": APP, **page})
    with pytest.raises(DetectionError, match=r"orket\.yaml names elsewhere, and found were: api, web"):
        plan(detect(root))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("services: {a: {kind: web}}", "services.a: start: a web service needs one"),
        ("services: {a: {kind: spa, start: [x]}}", "services.a: start: only for kind web"),
        ("services: {a: {kind: spa}}", "services.a: build and output: a spa needs both"),
        ("services: {a: {kind: job}}", "services.a.kind: "),
        ("services: {A_b: {kind: static}}", "services.A_b"),
        ("services: {a: {kind: static, folder: ../x}}", "services.a.folder: must be a folder of this repository"),
        ("services: {a: {kind: static, folder: /etc}}", "services.a.folder: must be a folder of this repository"),
        ("services: {a: {kind: static, output: ../..}}", "services.a.output: must be a folder of this repository"),
        ("services: {a: {kind: static, folder: gone}}", "there is no folder 'gone' here"),
        ("services: {a: {kind: web, start: ['x\\ty', '']}}", "services.a.start.1: "),
        ("services: {a: {kind: web, start: [x], port: 80}}", "services.a.port: "),
        ("services: {a: {kind: web, start: [x], health: 'http://x'}}", "services.a.health: "),
        (
            "services: {a: {kind: static}}\nroutes: {/api: b}",
            "front and routes name b, which services does not declare",
        ),
        ("services: {a: {kind: static}}\nroutes: {api: a}", "routes.api"),
        ("privileged: true", "privileged: "),
        ("- 1", "Input should be"),
        ("a: &x [1]\nb: *x", "aliases"),
        ("[" * 100, "nested"),
        ("\x00", "YAML"),
    ],
)
def test_a_wrong_manifest_is_refused_with_the_key_that_is_wrong(text: str, told: str, tmp_path: Path) -> None:
    with pytest.raises(DetectionError) as caught:
        detect(build(tmp_path, {"orket.yaml": text}))
    assert str(caught.value).startswith("orket.yaml: ")
    assert told in str(caught.value)
    assert caught.value.next_step.startswith("Correct orket.yaml")
