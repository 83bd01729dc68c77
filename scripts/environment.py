"""Makes `.venv` hold exactly what requirements.lock names, and puts the checkout on its path.

It runs before anything is installed, on whatever Python there is: standard library only. Done before for the same lock,
it returns at once.
"""

import hashlib
import shutil
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
LOCK = ROOT / "requirements.lock"
STAMP = ENVIRONMENT / "orket.stamp"
PYTHON = ENVIRONMENT / "bin" / "python"


def main() -> int:
    """0 when the environment is ready."""
    state = wanted()
    if STAMP.exists() and STAMP.read_text() == state and PYTHON.exists():
        return 0
    problem = missing()
    if problem:
        print(problem, file=sys.stderr)
        return 1
    began = time.monotonic()
    total = sum(line[0].isalnum() for line in LOCK.read_text().splitlines() if line)
    print(
        f"environment: installing {total} packages into .venv, checked against requirements.lock; once, a few minutes"
    )
    if not (create() and install(total, began) and expose()):
        print("environment: not complete. Read what stands above, then run the same command again.", file=sys.stderr)
        return 1
    STAMP.write_text(state)
    print(f"environment: ready after {time.monotonic() - began:.0f} s")
    return 0


def wanted() -> str:
    """What an environment depends on: the lock, what the project declares about itself, and where it lies."""
    project, _, _ = (ROOT / "pyproject.toml").read_text().partition("[tool.")
    return hashlib.sha256(f"{ROOT}\n{project}\n{LOCK.read_text()}".encode()).hexdigest()


def missing() -> str | None:
    """What this machine lacks, with the next step; None where all is there."""
    if shutil.which("git") is None:
        return "git is missing: install it (on Debian: apt-get install git), then run the same command again."
    try:
        import ensurepip  # noqa: F401, PLC0415 - only whether it is there
    except ImportError:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        return (
            f"Python's venv is missing: install it (on Debian: apt-get install python{version}-venv), then run again."
        )
    return None


def create() -> bool:
    """An environment that works is kept, and brought up to date."""
    if PYTHON.exists() and run(PYTHON, "-c", "import pip"):
        return True
    return run(sys.executable, "-m", "venv", "--clear", ENVIRONMENT)


def install(total: int, began: float) -> bool:
    """Install the lock, one line of progress for every twentieth package."""
    options = ["--disable-pip-version-check", "--progress-bar=off", "--require-hashes", f"--requirement={LOCK}"]
    process = subprocess.Popen(
        [str(PYTHON), "-m", "pip", "install", *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    found = 0
    tail: deque[str] = deque(maxlen=15)
    for line in process.stdout or ():
        tail.append(line)
        if line.startswith(("Collecting", "Requirement already", "Ignoring")):
            found += 1
            if found % 20 == 0 or found == total:
                print(f"environment: {found} of {total} packages, {time.monotonic() - began:.0f} s", flush=True)
        elif line.startswith("Installing"):
            print("environment: unpacking", flush=True)
    if process.wait() != 0:
        sys.stderr.writelines(tail)
    return process.returncode == 0


def expose() -> bool:
    """The checkout itself becomes importable, and `.venv/bin/orket` appears."""
    options = ["--disable-pip-version-check", "--quiet", "--no-deps", "--no-build-isolation"]
    return run(PYTHON, "-m", "pip", "install", *options, "--editable", ROOT)


def run(*command: str | Path) -> bool:
    """Whether the command succeeded."""
    return subprocess.run(command, check=False).returncode == 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("\nenvironment: stopped; the same command carries on.", file=sys.stderr)
        sys.exit(130)
