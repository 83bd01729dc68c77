"""The gateway as a process on loopback, asked by sockets that do as they please."""

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx
import pytest

from orket_pipelines.sandboxes import gateway

pytestmark = pytest.mark.slow

PAGE = "<!doctype html><title>To-do list</title>"


@contextmanager
def serving(root: Path, *routes: str, settings: str = "") -> Iterator[str]:
    """The address of a gateway of its own; `settings` is Python that changes its bounds."""
    port = free_port()
    text = gateway.source().replace('if __name__ == "__main__":', f'{settings}\nif __name__ == "__main__":')
    told = [word for route in routes for word in ("--route", route)]
    command = [sys.executable, "-I", "-c", text, "--root", str(root), "--port", str(port), *told]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.02)
    raise AssertionError("it does not listen")


class Service(BaseHTTPRequestHandler):
    """Tells what it was asked, or misbehaves as its path says."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        if self.path.startswith("/api/slow"):
            time.sleep(3)
        if self.path.startswith("/api/garbage"):
            self.wfile.write(b"no HTTP at all\r\n\r\n")
            return
        seen = {"method": self.command, "path": self.path, "body": body, "headers": dict(self.headers)}
        content = json.dumps(seen).encode()
        self.send_response(201)
        self.send_header("Content-Type", "application/json")
        self.send_header("Set-Cookie", "a=1")
        self.send_header("Set-Cookie", "b=2")
        self.send_header("Keep-Alive", "timeout=5")
        self.send_header("Connection", "X-Private")
        self.send_header("X-Private", "of this connection")
        if not self.path.startswith("/api/endless"):
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    do_GET = do_HEAD = do_POST = do_DELETE = _answer  # noqa: N815 - found by name

    def log_message(self, *_: object) -> None: ...


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Service)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A built page, with what must not be reached beside it."""
    base = tmp_path_factory.mktemp("gateway")
    (base / "secret.txt").write_text("secret")
    root = base / "site"
    (root / "assets").mkdir(parents=True)
    (root / "about").mkdir()
    (root / "index.html").write_text(PAGE)
    (root / "about" / "index.html").write_text("about")
    (root / "assets" / "index-DiwrgTda.js").write_text("let a = 1")
    (root / "assets" / "hero-backdrop.png").write_bytes(b"\x89PNG")
    (root / "data.bin").write_bytes(b"x" * 300_000)
    (root / ".env").write_text("secret")
    (root / "out.txt").symlink_to(base / "secret.txt")
    (root / "up").symlink_to(base)
    return root


@pytest.fixture(scope="module")
def address(site: Path, service: str) -> Iterator[str]:
    with serving(site, f"/api={service}") as url:
        yield url


def say(address: str, words: bytes, *, wait: float = 10) -> bytes:
    """What the gateway answers to these very bytes, until it ends the connection."""
    host, _, port = address.removeprefix("http://").partition(":")
    answer = b""
    with socket.create_connection((host, int(port)), timeout=wait) as connection, suppress(ConnectionError):
        connection.sendall(words)
        while chunk := connection.recv(65_536):
            answer += chunk
    return answer


def status(address: str, path: str, *headers: str, method: str = "GET") -> int:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close", *headers, "", ""]
    return int(say(address, "\r\n".join(lines).encode("latin-1")).split()[1])


def test_the_page_is_served_and_asked_for_anew_each_time(address: str) -> None:
    answer = httpx.get(address)
    assert (answer.status_code, answer.text) == (200, PAGE)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_asset_with_a_hash_in_its_name_may_be_kept_for_ever_and_others_not(address: str) -> None:
    hashed = httpx.get(f"{address}/assets/index-DiwrgTda.js")
    assert hashed.headers["content-type"] == "text/javascript; charset=utf-8"
    assert hashed.headers["cache-control"] == "public, max-age=31536000, immutable"
    plain = httpx.get(f"{address}/assets/hero-backdrop.png")
    assert (plain.headers["content-type"], plain.headers["cache-control"]) == ("image/png", "no-cache")


def test_a_navigation_to_a_path_of_the_application_gets_the_page(address: str) -> None:
    answer = httpx.get(f"{address}/tasks/7", headers={"Accept": "text/html,*/*"})
    assert (answer.status_code, answer.text) == (200, PAGE)


@pytest.mark.parametrize("path", ["/missing.js", "/assets/index-00000000.js", "/favicon.ico"])
def test_a_missing_file_is_not_answered_with_the_page(address: str, path: str) -> None:
    assert httpx.get(f"{address}{path}", headers={"Accept": "text/html"}).status_code == 404


def test_a_program_that_asks_for_a_path_that_is_not_there_is_told_so_in_json(address: str) -> None:
    answer = httpx.get(f"{address}/tasks/7", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()) == (404, {"error": "Not Found"})


def test_a_folder_shows_its_own_page_and_never_a_list(address: str) -> None:
    assert httpx.get(f"{address}/about/").text == "about"
    assert httpx.get(f"{address}/assets/").status_code == 404
    assert httpx.get(f"{address}/assets").status_code == 404


def test_head_tells_the_size_without_the_content(address: str) -> None:
    answer = httpx.head(f"{address}/data.bin")
    assert (answer.status_code, answer.headers["content-length"], answer.content) == (200, "300000", b"")


def test_a_connection_carries_several_requests(address: str) -> None:
    with httpx.Client(base_url=address) as client:
        assert [len(client.get(path).content) for path in ("/data.bin", "/", "/data.bin")] == [300_000, 40, 300_000]


def test_the_page_takes_no_posts(address: str) -> None:
    assert status(address, "/", method="POST") == 405
    assert status(address, "/", method="BREW") == 501


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/%2e%2e%2f%2e%2e%2fetc/passwd",
        "/assets/..%5c..%5csecret.txt",
        "/index.html%00.js",
        "/.env",
        "/%2eenv",
        "/%ff%fe",
        "/a%0d%0aSet-Cookie:x=1",
        "/api/%2e%2e/admin",
        "http://elsewhere/",
        "*",
    ],
)
def test_a_path_that_climbs_or_hides_is_refused(address: str, path: str) -> None:
    assert status(address, path) == 400


@pytest.mark.parametrize("path", ["/out.txt", "/up/secret.txt", "/up/site/index.html", "//etc/passwd"])
def test_no_link_is_followed_out_of_the_page(address: str, path: str) -> None:
    assert status(address, path) == 404


def test_a_request_under_a_prefix_goes_on_with_its_method_path_body_and_headers(address: str, service: str) -> None:
    answer = httpx.post(f"{address}/api/tasks?done=%2F1", content="milk", headers={"X-Own": "kept"})
    told = answer.json()
    assert answer.status_code == 201
    assert (told["method"], told["path"], told["body"]) == ("POST", "/api/tasks?done=%2F1", "milk")
    assert told["headers"]["X-Own"] == "kept"
    assert told["headers"]["Host"] == address.removeprefix("http://")
    assert told["headers"]["X-Forwarded-For"] == "127.0.0.1"


def test_what_concerns_one_connection_alone_is_not_handed_on(address: str) -> None:
    headers = {"Connection": "close, X-Secret", "X-Secret": "1", "TE": "trailers", "X-Forwarded-For": "6.6.6.6"}
    answer = httpx.get(f"{address}/api/tasks", headers=headers)
    told = answer.json()["headers"]
    assert told["X-Forwarded-For"] == "127.0.0.1"
    assert not {"X-Secret", "TE"} & set(told)
    assert not {"keep-alive", "x-private"} & set(answer.headers)
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]


def test_only_whole_parts_of_a_path_make_a_prefix(address: str) -> None:
    assert httpx.get(f"{address}/api").status_code == 201
    assert httpx.get(f"{address}/apiary").status_code == 404


def test_an_answer_without_a_length_arrives_whole(address: str) -> None:
    assert httpx.get(f"{address}/api/endless").json()["path"] == "/api/endless"


def test_a_head_request_goes_on_as_such(address: str) -> None:
    answer = httpx.head(f"{address}/api/tasks")
    assert (answer.status_code, answer.content) == (201, b"")
    assert int(answer.headers["content-length"]) > 0


def test_a_service_that_is_down_or_speaks_no_http_is_a_bad_gateway(site: Path, service: str) -> None:
    with serving(site, f"/api={service}", f"/down=http://127.0.0.1:{free_port()}") as address:
        down = httpx.get(f"{address}/down/x")
        assert down.status_code == 502
        assert "does not answer: ConnectionRefusedError" in down.json()["error"]
        assert httpx.get(f"{address}/api/garbage").status_code == 502


def test_a_service_that_takes_too_long_is_a_gateway_timeout(site: Path, service: str) -> None:
    with serving(site, f"/api={service}", settings="ANSWER_TIME = 0.3") as address:
        assert httpx.get(f"{address}/api/slow").status_code == 504


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (["Content-Length: 99999999999"], 413),
        (["Content-Length: -1"], 400),
        (["Content-Length: 1x"], 400),
        (["Content-Length: 1", "Content-Length: 2"], 400),
        (["Transfer-Encoding: chunked"], 411),
        (["X: a\r\n b"], 400),
        (["X: " + "a" * 70_000], 431),
        ([f"X-{number}: a" for number in range(200)], 431),
        ([f"X-{number}: {'a' * 30_000}" for number in range(20)], 431),
    ],
)
def test_a_request_that_could_be_read_in_two_ways_or_is_too_large_is_refused(
    address: str, headers: list[str], expected: int
) -> None:
    assert status(address, "/api/tasks", *headers, method="POST") == expected


def test_a_request_line_without_end_is_refused(address: str) -> None:
    assert say(address, b"GET /" + b"a" * 200_000).split()[1] in {b"414", b"431"}


def test_a_client_that_sends_its_headers_drop_by_drop_is_cut_off(site: Path) -> None:
    with serving(site, settings="HEADERS_TIME = 0.5") as address:
        host, _, port = address.removeprefix("http://").partition(":")
        begun = time.monotonic()
        with socket.create_connection((host, int(port))) as connection, suppress(ConnectionError):
            while time.monotonic() - begun < 8:
                connection.sendall(b"G")
                time.sleep(0.1)
        assert time.monotonic() - begun < 4


def test_a_client_that_never_sends_its_body_is_cut_off(site: Path, service: str) -> None:
    with serving(site, f"/api={service}", settings="BODY_TIME = 0.3") as address:
        answer = say(address, b"POST /api/x HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nab")
        assert answer.split()[1] == b"408"


def test_connections_beyond_the_cap_are_told_to_come_back_and_the_rest_goes_on(site: Path) -> None:
    with serving(site, settings="CONNECTIONS = 3; HEADERS_TIME = 1.0") as address:
        host, _, port = address.removeprefix("http://").partition(":")
        idle = [socket.create_connection((host, int(port))) for _ in range(3)]
        time.sleep(0.3)
        assert say(address, b"").split()[1] == b"503"
        time.sleep(1.2)
        assert httpx.get(address).status_code == 200
        for connection in idle:
            connection.close()


def test_a_route_that_leads_nowhere_is_refused_at_the_start(site: Path) -> None:
    for route in ("api=http://api:1", "/api=ftp://api", "/api", "/=http://api:1"):
        command = [sys.executable, "-c", gateway.source(), "--root", str(site), "--port", "1", "--route", route]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
        assert done.returncode == 2
        assert "must read /prefix=http://host:port" in done.stderr


def test_a_container_can_be_handed_the_whole_text_as_one_argument() -> None:
    assert len(gateway.source().encode()) < 64 * 1024
