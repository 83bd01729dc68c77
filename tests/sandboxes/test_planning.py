import json
from dataclasses import replace

import pytest

from orket_pipelines.errors import DetectionError
from orket_pipelines.sandboxes.model import Detection, Service, ServiceKind
from orket_pipelines.sandboxes.planning import plan, plan_document, plan_from_document

API = Service(
    "api", "fastapi", ServiceKind.WEB, ".", start=("python", "x.py"), port=8000, evidence=("main.py: an app",)
)
PAGE = Service("web", "vite", ServiceKind.SPA, "web", build=("npm", "run", "build"), output="dist")
JOB = Service("job", "python", ServiceKind.JOB, "job", start=("python", "job.py"))


def test_a_page_is_in_front_and_hands_its_api_on() -> None:
    made = plan(Detection((API, PAGE)))
    assert (made.front, made.routes) == ("web", {"/api": "api"})


def test_a_service_alone_is_its_own_front() -> None:
    assert (plan(Detection((API,))).front, plan(Detection((API,))).routes) == ("api", {})
    assert (plan(Detection((PAGE,))).front, plan(Detection((PAGE,))).routes) == ("web", {})


def test_jobs_and_libraries_are_not_part_of_a_sandbox() -> None:
    assert plan(Detection((JOB, API))).services == (API,)


def test_where_nothing_serves_the_refusal_says_what_was_found_and_what_helps() -> None:
    with pytest.raises(
        DetectionError, match=r"nothing here answers HTTP: found only job \(job, job\); a doubt"
    ) as caught:
        plan(Detection((JOB,), ambiguities=("a doubt",)))
    assert caught.value.next_step == "Say it in orket.yaml at the root, under `services`; docs/SANDBOXES.md shows how."


@pytest.mark.parametrize(
    ("services", "told"),
    [
        ((PAGE, replace(PAGE, name="b")), r"several services could be the front: web \(web\), b \(web\)"),
        ((API, replace(API, name="b")), r"several services could be the front: api \(\.\), b \(\.\)"),
        ((PAGE, API, replace(API, name="b")), r"several services could answer /api: api \(\.\), b \(\.\)"),
        ((replace(API, confidence=0.4),), "what to run cannot be decided: too little speaks for api"),
    ],
)
def test_what_nothing_decides_is_not_guessed(services: tuple[Service, ...], told: str) -> None:
    with pytest.raises(DetectionError, match=told):
        plan(Detection(services))


def test_what_the_manifest_says_decides() -> None:
    found = Detection((API, replace(API, name="b"), PAGE), front="web", routes={"/b": "b", "/a": "api"})
    assert list(plan(found).routes.items()) == [("/a", "api"), ("/b", "b")]


@pytest.mark.parametrize(
    ("front", "routes", "told"),
    [
        ("web", {"/x": "web"}, "they lead to web services alone"),
        ("api", {"/x": "api"}, "api is in front and answers for itself"),
        ("gone", {}, "names gone, and found were: api, web"),
    ],
)
def test_a_manifest_that_asks_for_what_cannot_be_is_refused(front: str, routes: dict[str, str], told: str) -> None:
    with pytest.raises(DetectionError, match=told):
        plan(Detection((API, PAGE), front=front, routes=routes))


def test_a_plan_survives_as_json() -> None:
    made = plan(Detection((API, PAGE)))
    assert plan_from_document(json.loads(json.dumps(plan_document(made)))) == made
