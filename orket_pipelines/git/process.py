"""Git as a child process: no configuration but the factory's own, nothing inherited, nothing left running."""

import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from orket_pipelines.errors import GitError

CONFIGURATION = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.untrackedCache=false",
    "core.excludesFile=/dev/null",
    "core.attributesFile=/dev/null",
    # A file named `git~1` is harmless here, and may not make every snapshot fail.
    "core.protectNTFS=false",
    "core.protectHFS=false",
    "core.quotePath=false",
    # Git compares what is larger as a whole instead of loading it.
    "core.bigFileThreshold=16m",
    "core.filesRefLockTimeout=1000",
    # The store remembers names of objects, so they outlive a power failure as its rows do.
    "core.fsync=loose-object,pack,pack-metadata,reference",
    "core.fsyncMethod=batch",
    "gc.auto=0",
    "maintenance.auto=false",
    "submodule.recurse=false",
    # Nothing here ever fetches or pushes.
    "protocol.allow=never",
)

ENVIRONMENT = {
    "LC_ALL": "C",
    "TZ": "UTC",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_SYSTEM": os.devnull,
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_PAGER": "cat",
}

_OPTIONS = [part for entry in CONFIGURATION for part in ("-c", entry)]


@dataclass(frozen=True, slots=True)
class Answer:
    """How git ended, and what it said on standard output (empty where that went to a file)."""

    code: int
    output: bytes

    @property
    def line(self) -> str:
        """The first line."""
        return self.output.partition(b"\n")[0].decode()


@dataclass(frozen=True, slots=True)
class Git:
    """Git on one repository of the factory, wherever the process stands. `timeout` is in seconds per command."""

    directory: Path
    timeout: float

    def run(
        self,
        *arguments: str,
        options: tuple[str, ...] = (),
        work_tree: Path | None = None,
        environment: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        output: IO[bytes] | None = None,
        expected: tuple[int, ...] = (0,),
        lock: int | None = None,
    ) -> Answer:
        """Run one git command; `options` are further `-c` entries.

        The file descriptor `lock` is inherited, so that a lock outlives us for as long as a git that we started does.
        Raises: GitError where git ends with a code that is not expected, or takes too long.
        """
        place = [f"--git-dir={self.directory}", *([f"--work-tree={work_tree}"] if work_tree else [])]
        further = [part for entry in options for part in ("-c", entry)]
        try:
            with subprocess.Popen(
                [_executable(), *_OPTIONS, *further, *place, *arguments],
                stdin=subprocess.PIPE,
                stdout=output or subprocess.PIPE,
                stderr=subprocess.PIPE,
                cwd="/",
                env={**ENVIRONMENT, "PATH": os.environ.get("PATH", os.defpath), **(environment or {})},
                start_new_session=True,
                pass_fds=() if lock is None else (lock,),
            ) as child:
                found, said = _converse(child, stdin, self.timeout)
        except subprocess.TimeoutExpired as error:
            raise GitError(f"git {arguments[0]} in {self.directory} took longer than {self.timeout:g} s") from error
        except OSError as error:
            raise GitError(f"git {arguments[0]} could not be started: {error}") from error
        if child.returncode not in expected:
            reason = _reason(said, child.returncode)
            raise GitError(f"git {arguments[0]} in {self.directory} failed: {reason}", next_step=_remedy(reason))
        return Answer(child.returncode, found)


def _converse(child: subprocess.Popen[bytes], stdin: bytes, timeout: float) -> tuple[bytes, bytes]:
    """What git said on standard output and error; whatever interrupts us ends it, and its children with it."""
    try:
        found, said = child.communicate(stdin, timeout)
    except BaseException:
        _kill(child)
        raise
    return found or b"", said


def _kill(child: subprocess.Popen[bytes]) -> None:
    """Git may have children of its own; they are in its process group."""
    os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _executable() -> str:
    found = shutil.which("git")
    if found is None:
        raise GitError("git is not installed", next_step="Install git 2.38 or newer, then run the same command again.")
    return found


def _reason(said: bytes, code: int) -> str:
    lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()]
    return "; ".join(lines[-3:])[-500:] or f"it ended with {code} and said nothing"


def _remedy(reason: str) -> str:
    full = "No space left on device" in reason
    return "Free disk space, then run the same command again: nothing is half done." if full else ""
