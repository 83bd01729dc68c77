"""One end-to-end run: the files that go along, the command, and what is made of what it leaves. The same wherever it
runs."""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from orket_pipelines.dependencies.requirement_lines import read_requirements
from orket_pipelines.errors import WorkbenchError
from orket_pipelines.git.folders import remove
from orket_pipelines.store import failpoint, reach
from orket_pipelines.verification.artifacts import TOTAL_LIMIT, take_artifacts
from orket_pipelines.verification.e2e import FOLDER
from orket_pipelines.verification.e2e.orket_seal import KEY
from orket_pipelines.verification.junit import UnreadableReport, read_junit
from orket_pipelines.verification.model import Case, CaseOutcome, Suite, SuiteKind, SuiteReport
from orket_pipelines.verification.reports import doubt_of, report_of
from orket_pipelines.verification.seals import doubt_about, without_seals
from orket_pipelines.workbench.tree import measure

LAID_OUT = failpoint("browser.laid_out")
ARTIFACTS_TAKEN = failpoint("browser.artifacts_taken")
PLUGIN, SEAL = "orket_e2e", "orket_seal"
REPORT = "junit.xml"
GROWTH_LIMIT = 2 * TOTAL_LIMIT
"""Bytes that a run may write to its artifacts before it is stopped."""
ENTRY_LIMIT = 2_000
"""Files and folders that it may make there."""
_configuration = "[pytest]\n"
"""So that no other configuration is looked for in the folders above."""


@dataclass(frozen=True, slots=True)
class Bench:
    """The folders of a run, as this host sees them: `suite` is only read, in `out` the run leaves what is to be seen.
    Both lie under `root`, which is removed at the end. `key` seals the run's report."""

    root: Path
    key: str = field(default_factory=secrets.token_hex, compare=False, repr=False)

    @property
    def suite(self) -> Path:
        return self.root / "suite"

    @property
    def out(self) -> Path:
        return self.root / "out"


def lay_out(home: Path, folder: Path, suite: Suite) -> Bench:
    """Write what goes along with the run whose artifacts will lie in `folder`.

    The same run again finds its place again: what it left there when it was killed is gone.
    """
    root = home.resolve() / "verification" / hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    bench = Bench(root)
    remove(root)
    bench.suite.mkdir(parents=True)
    bench.out.mkdir()
    # Only its owner enters; whoever the run is, it is shown the folders inside.
    root.chmod(0o700)
    # It may be another user, in a container of its own.
    bench.out.chmod(0o777)
    for name, content in _files(suite).items():
        (bench.suite / name).write_bytes(content)
    for path in bench.root.rglob("*"):
        if path != bench.out:
            path.chmod(0o755 if path.is_dir() else 0o644)
    reach(LAID_OUT)
    return bench


def packages(kind: SuiteKind) -> list[str]:
    """What has to be installed where such a suite runs, pinned by hash."""
    name = "openapi-requirements.txt" if kind is SuiteKind.OPENAPI else "requirements.txt"
    return list(read_requirements(name, (FOLDER / name).read_bytes()))


def command(suite: Suite, *, python: str, suite_folder: str, out: str) -> tuple[str, ...]:
    """What runs the suite, with the folders as the run sees them."""
    # -P: nothing in the folder where it starts is imported.
    start = (
        python,
        "-P",
        "-m",
        "pytest",
        "-q",
        "--tb=short",
        "-c",
        f"{suite_folder}/pytest.ini",
        f"--rootdir={suite_folder}",
    )
    # What sends requests by itself needs no browser.
    plugin = ("-p", PLUGIN) if suite.kind is not SuiteKind.OPENAPI else ()
    plugins = ("-p", SEAL, *plugin, "-p", "no:cacheprovider", "--import-mode=importlib")
    return (*start, *plugins, f"--junitxml={out}/{REPORT}", f"{suite_folder}/{_module(suite)}")


def environment(
    urls: Mapping[str, str], front: str, *, chromium: str | None, suite_folder: str, out: str, key: str, impact: str
) -> dict[str, str]:
    """What the plugin needs to know, addresses without a slash at their end. `chromium` None: Playwright's own.

    `impact`: the least that fails the smoke pass (`settings.accessibility`).
    """
    plain = {name: url.rstrip("/") for name, url in urls.items()}
    return {
        "E2E_BASE_URL": plain[front],
        "E2E_URLS": json.dumps(plain),
        "E2E_CHROMIUM": chromium or "",
        "E2E_FLAGS": json.dumps(flags(plain)),
        "E2E_ARTIFACTS": out,
        "E2E_ACCESSIBILITY": impact,
        KEY: key,
        "PYTHONPATH": suite_folder,
        "PYTHONDONTWRITEBYTECODE": "1",
        # Only what is named is loaded, whatever else is installed there.
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }


def flags(urls: Mapping[str, str]) -> list[str]:
    """Chromium's flags.

    --no-sandbox: its own sandbox takes user namespaces or a setuid helper, which a container without privileges has
    neither of; the container is the sandbox, and it reaches nothing but what is tested. Every other host's name is
    unknown to the browser, on processes too. What is tested counts as secure, as it does on a person's localhost.
    """
    hosts = dict.fromkeys(urlsplit(url).hostname or "" for url in urls.values())
    known = ", ".join(f"EXCLUDE {host}" for host in hosts)
    return [
        "--no-sandbox",
        "--no-proxy-server",
        f"--host-resolver-rules=MAP * ~NOTFOUND, {known}",
        f"--unsafely-treat-insecure-origin-as-secure={','.join(urls.values())}",
    ]


def has_grown_too_large(bench: Bench) -> bool:
    """Whether the run has written more than it may, or lets nobody look."""
    try:
        found = measure(bench.out, most=ENTRY_LIMIT)
    except WorkbenchError:
        return True
    return not found.whole or found.size > GROWTH_LIMIT


def conclude(
    suite: Suite, bench: Bench, folder: Path, *, exit_code: int | None, log: str, stopped: str = ""
) -> SuiteReport:
    """The report of a run that is over: its artifacts are in `folder`, and its word is checked against its exit code,
    its seal and the suite as it was laid out. A report that cannot be believed is evidence, and tells of no case.

    `stopped` says why it did not end by itself.
    """
    # A run of the same name that was killed may have left others.
    remove(folder)
    artifacts = take_artifacts(bench.out, folder)
    reach(ARTIFACTS_TAKEN)
    log, seals = without_seals(log)
    content = next((artifact.path.read_bytes() for artifact in artifacts if artifact.name == REPORT), None)
    cases, doubt = _believed(content, exit_code)
    if forged := content is not None and not stopped and _forged(suite, bench, seals, exit_code, content):
        cases, doubt = [], forged
    if doubt := stopped or doubt:
        cases = [*cases, Case(suite.name, CaseOutcome.ERROR, 0.0, doubt)]
        log = f"{log}\n{doubt}"
    return report_of(cases, exit_code=exit_code, log=log, artifacts=artifacts)


def _believed(content: bytes | None, exit_code: int | None) -> tuple[list[Case], str]:
    """The cases of a report, and why they cannot be believed beside the exit code; empty where they can."""
    if content is None:
        return [], f"pytest ended with exit code {exit_code} and left no JUnit report"
    try:
        cases = read_junit(content)
    except UnreadableReport as error:
        return [], str(error)
    return cases, doubt_of("pytest", cases, exit_code)


def _forged(suite: Suite, bench: Bench, seals: list[str], exit_code: int | None, content: bytes) -> str:
    """Why the report is not this suite's; empty where it is."""
    changed = sorted(name for name, laid in _files(suite).items() if _content(bench.suite / name) != laid)
    if changed:
        return f"{', '.join(changed)} was changed while the suite ran, so that its report proves nothing"
    return doubt_about(seals, bench.key, exit_code, content)


def _content(path: Path) -> bytes | None:
    try:
        return path.read_bytes() if path.is_file() and not path.is_symlink() else None
    except OSError:
        return None


def _files(suite: Suite) -> dict[str, bytes]:
    """What is laid out for a suite, by name."""
    shipped = {f"{name}.py": (FOLDER / f"{name}.py").read_bytes() for name in (SEAL, PLUGIN)}
    return {"pytest.ini": _configuration.encode(), _module(suite): suite.source.encode()} | shipped


def _module(suite: Suite) -> str:
    return f"{suite.name.replace('.', '_')}.py"
