"""HTTP to services of this machine alone. What answers was written by a model: bounded in time and size."""

import asyncio
import ipaddress
import threading
import time
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx

from orket_pipelines.errors import OrketError, Stopped

REQUEST_TIMEOUT = 15.0
"""Seconds for one request with its whole answer."""
RESPONSE_LIMIT = 1_000_000
"""Bytes of an answer's body."""
TICK = 0.2
"""Seconds between looks at the stop flag."""

Result = TypeVar("Result")


class NoAnswer(OrketError):
    """A request got no answer that could be used; the message says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service answered. `headers` have lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float


def open_client() -> httpx.AsyncClient:
    """A client for the checks of one suite. Cookies last; redirects are answers; no proxy stands in between."""
    headers = {"user-agent": "orket-verification", "accept-encoding": "identity"}
    return httpx.AsyncClient(trust_env=False, verify=False, follow_redirects=False, timeout=None, headers=headers)  # noqa: S113, S501 - `ask` bounds the whole request; plain HTTP


async def ask(
    client: httpx.AsyncClient,
    base: str,
    method: str,
    path: str,
    *,
    patience: float = REQUEST_TIMEOUT,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
) -> Answer:
    """One request to the service at `base`, within `patience` seconds in all. Raises: NoAnswer."""
    url = _address(base, path)
    began = time.monotonic()
    try:
        # Not the client's own timeouts, which bound each read: a service may send a byte at a time.
        async with asyncio.timeout(patience):
            async with client.stream(method, url, headers=dict(headers or {}), content=content) as response:
                body = await _read(response)
    except TimeoutError as error:
        raise NoAnswer(f"no whole answer within {patience:.3g} s") from error
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise NoAnswer(f"no answer: {type(error).__name__}: {error}") from error
    told = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, told, body, time.monotonic() - began)


def run_until_stopped(work: Coroutine[Any, Any, Result], stop: threading.Event) -> Result:
    """Run `work` on a loop of its own in this thread. Raises: Stopped soon after `stop` was set; what it raises."""
    return asyncio.run(_watched(work, stop))


async def _watched(work: Coroutine[Any, Any, Result], stop: threading.Event) -> Result:
    task = asyncio.ensure_future(work)
    while not task.done():
        if stop.is_set():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            raise Stopped("stopped while a suite was running")
        await asyncio.wait([task], timeout=TICK)
    return task.result()


def _address(base: str, path: str) -> httpx.URL:
    """`path` at `base`, and nowhere else. Raises: NoAnswer where that is not a server of this machine."""
    if not _is_loopback(base):
        raise NoAnswer(f"{base} is not asked: only http on this machine's own addresses is")
    try:
        origin = httpx.URL(base)
        url = httpx.URL(base.rstrip("/") + path)
    except httpx.InvalidURL as error:
        raise NoAnswer(f"{path} is no path: {error}") from error
    if (url.scheme, url.host, url.port, url.userinfo) != (origin.scheme, origin.host, origin.port, b""):
        raise NoAnswer(f"{path} leads away from {base}")
    return url


def _is_loopback(base: str) -> bool:
    try:
        parts = urlsplit(base)
        host = parts.hostname or ""
        if parts.scheme != "http" or parts.username is not None:
            return False
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


async def _read(response: httpx.Response) -> bytes:
    """The body as it was sent: what is packed may unfold to anything. Raises: NoAnswer."""
    packed = response.headers.get("content-encoding", "identity")
    if packed.lower() not in {"identity", ""}:
        raise NoAnswer(f"the answer is packed ({packed[:40]}), though the request allowed plain only")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > RESPONSE_LIMIT:
            raise NoAnswer(f"the answer is larger than {RESPONSE_LIMIT // 1_000_000} MB")
    return bytes(body)
