"""The way to the engine: one SDK client made at the first call, and streams; whatever breaks is EngineUnavailable."""

import http
import json
import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import docker
import requests
import urllib3
from docker.constants import DEFAULT_DOCKER_API_VERSION
from docker.errors import APIError, DockerException
from docker.tls import TLSConfig
from docker.utils import version_lt

from orket_pipelines.containers.answers import read_refusal, unavailable
from orket_pipelines.containers.endpoint import TICK, Endpoint, Request, Stream

GREETING = 10.0
"""Seconds that the engine may take to say hello."""
CONNECTIONS = 32
"""Kept open for the threads of a worker; more are made and thrown away."""


class Connection:
    """To the engine at `endpoint`, for many threads; `timeout` seconds of silence end a call."""

    def __init__(self, endpoint: Endpoint, timeout: float) -> None:
        self._endpoint = endpoint
        self._timeout = timeout
        self._lock = threading.Lock()
        self._client: docker.APIClient | None = None

    @contextmanager
    def asking(self, attempt: str) -> Iterator[docker.APIClient]:
        """The SDK's client, for nothing but calls of it. Raises: ContainerError or EngineUnavailable instead of what
        the SDK raises."""
        try:
            yield self._connect()
        except APIError as error:
            raise read_refusal(attempt, error.status_code or 500, str(error.explanation or error)) from error
        except (DockerException, OSError, urllib3.exceptions.HTTPError, ValueError) as error:
            raise unavailable(attempt, f"{self._endpoint.host}: {_innermost(error)}") from error

    def stream(
        self,
        attempt: str,
        path: str,
        should_stop: Callable[[], bool],
        *,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        upgrade: bool = False,
        patience: float = math.inf,
    ) -> Iterator[bytes]:
        """What comes in answer to a POST, piece by piece; the last one is empty, unless `should_stop` said so first.

        Raises: EngineUnavailable where nothing comes for `patience` seconds.
        """
        with self._translated(attempt):
            asked = Request("POST", self._path(path), body, headers or {}, upgrade=upgrade)
            stream = Stream(self._endpoint, asked, timeout=self._timeout)
        with stream:
            if stream.status >= http.HTTPStatus.BAD_REQUEST:
                with self._translated(attempt):
                    said = stream.receive_all(self._timeout)
                raise read_refusal(attempt, stream.status, _message(said))
            questioned, heard = -TICK, time.monotonic()
            while True:
                if (now := time.monotonic()) - questioned >= TICK:
                    questioned = now
                    if should_stop():
                        return
                with self._translated(attempt):
                    received = stream.receive()
                if received is not None:
                    heard = now
                    yield received
                elif now - heard > patience:
                    raise unavailable(attempt, f"{self._endpoint.host}: it said nothing for {patience:.0f} s")
                if received == b"":
                    return

    def ping(self, attempt: str) -> str:
        """The API version that the engine speaks, asked on a fresh connection. Raises: EngineUnavailable."""
        with self._translated(attempt):
            return ping(self._endpoint, min(GREETING, self._timeout))

    def _connect(self) -> docker.APIClient:
        with self._lock:
            if self._client is None:
                spoken = ping(self._endpoint, min(GREETING, self._timeout))
                known = DEFAULT_DOCKER_API_VERSION
                self._client = docker.APIClient(
                    base_url=self._endpoint.host,
                    version=spoken if version_lt(spoken, known) else known,
                    timeout=self._timeout,  # type: ignore[arg-type]  # whatever a socket takes
                    tls=_tls(self._endpoint),
                    max_pool_size=CONNECTIONS,
                )
                # REQUESTS_CA_BUNDLE would replace the engine's own authority, and a proxy our streams would go past.
                self._client.trust_env = False
            return self._client

    def _path(self, path: str) -> str:
        return f"/v{self._connect().api_version}{path}"

    @contextmanager
    def _translated(self, attempt: str) -> Iterator[None]:
        try:
            yield
        except (OSError, ValueError) as error:
            raise unavailable(attempt, f"{self._endpoint.host}: {error}") from error


def ping(endpoint: Endpoint, timeout: float) -> str:
    """The API version that an engine speaks. Raises: OSError where none answers within about twice `timeout`."""
    with Stream(endpoint, Request("GET", "/_ping"), timeout=timeout) as stream:
        if stream.status != http.HTTPStatus.OK or "api-version" not in stream.headers:
            raise ConnectionError(f"it answers a greeting with {stream.status}")
        return stream.headers["api-version"]


def _tls(endpoint: Endpoint) -> TLSConfig | bool:
    folder = endpoint.certificates
    if folder is None:
        return False
    pair = (str(folder / "cert.pem"), str(folder / "key.pem"))
    return TLSConfig(client_cert=pair, ca_cert=str(folder / "ca.pem"), verify=endpoint.verify)


def _innermost(error: BaseException) -> BaseException:
    """What it was before libraries wrapped it: `[Errno 111] Connection refused`."""
    if isinstance(error, requests.RequestException):
        while cause := error.__cause__ or error.__context__:
            error = cause
    return error


def _message(said: bytes) -> str:
    """The engine wraps its words as `{"message": …}`."""
    try:
        return str(json.loads(said)["message"])
    except (ValueError, LookupError, TypeError):
        return said.decode(errors="replace")
