"""Where the engine is looked for, and how its streams are taken apart."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orket_pipelines.containers import installation_id
from orket_pipelines.containers.endpoint import Endpoint, Frames


@pytest.mark.parametrize(
    ("environment", "endpoint"),
    [
        ({}, Endpoint("unix:///var/run/docker.sock", verify=False)),
        ({"DOCKER_HOST": ""}, Endpoint("unix:///var/run/docker.sock", verify=False)),
        ({"DOCKER_HOST": "unix:///run/user/1/docker.sock"}, Endpoint("unix:///run/user/1/docker.sock", verify=False)),
        (
            {"DOCKER_HOST": "tcp://h:2376", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": "/c"},
            Endpoint("tcp://h:2376", Path("/c"), verify=True),
        ),
        ({"DOCKER_HOST": "tcp://h:2376", "DOCKER_CERT_PATH": "/c"}, Endpoint("tcp://h:2376", Path("/c"), verify=False)),
    ],
)
def test_the_engine_is_found_as_dockers_own_programs_find_it(environment: dict[str, str], endpoint: Endpoint) -> None:
    assert Endpoint.from_environment(environment) == endpoint


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=8), st.integers(1, 30))
def test_output_is_the_same_whatever_the_pieces_that_it_comes_in(said: list[bytes], size: int) -> None:
    sent = b"".join(b"\1\0\0\0" + len(each).to_bytes(4, "big") + each for each in said)
    frames = Frames()
    got = [piece for start in range(0, len(sent), size) for piece in frames.feed(sent[start : start + size])]
    assert b"".join(got) == b"".join(said)


def test_two_homes_are_two_installations_and_a_link_is_none(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").symlink_to(tmp_path / "a")
    assert installation_id(tmp_path / "a") == installation_id(tmp_path / "b") != installation_id(tmp_path)
    assert len(installation_id(tmp_path)) == 12
