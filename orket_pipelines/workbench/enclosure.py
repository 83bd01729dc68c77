"""What a workbench's container is, and how a command is put into it: pure."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from orket_pipelines.containers.model import ContainerLimits, ContainerSpec, FolderMount, Labels, Scratch
from orket_pipelines.dependencies.model import CHECKOUT_TARGET, Environment
from orket_pipelines.workbench.model import Execution
from orket_pipelines.workbench.tree import Footprint
from orket_pipelines.workbench.watch import Bounds, End

HOME = "/home/orket"
KEEPERS = ((10_002, 10_002), (10_003, 10_003))
"""Who the process that keeps a container running belongs to: the first that is not the user of the commands, who then
can neither kill it nor look into it."""
FIRST_SERVER = 10_010
"""The first user that servers belong to."""
SERVER_VARIABLES = {"HOME": "/dev/shm", "TMPDIR": "/dev/shm"}  # noqa: S108 - the container's own
"""Where servers write: home and /tmp belong to the user of the commands."""
KILL_ALL = ("sh", "-c", "kill -9 -1")
"""Kills all that its user runs in a container, itself too."""
KEEPER_COMMAND = ("sleep", "infinity")
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
SCRIPT = files("orket_pipelines.workbench").joinpath("command.sh").read_text()
NOT_STARTED = 127
NOT_PERMITTED = 126
SIGNALED = 128
KILLED = 9
LAST_SIGNAL = 64
LONGEST_WORD = 128 * 1024 - 1
LONGEST_COMMAND = 1024**2
"""Bytes of one argument, and of all, that the kernel takes, or well below."""
_unstartable = re.compile(r"timeout: failed to run command .*: (.+)\n\Z")


@dataclass(frozen=True, slots=True)
class Frame:
    """What all containers of a worker have in common. `labels` name the worker; the subject is set for each."""

    image: str
    labels: Labels
    limits: ContainerLimits
    user: tuple[int, int]

    @property
    def keeper(self) -> tuple[int, int]:
        """The user of the process that keeps a container running."""
        return next(keeper for keeper in KEEPERS if keeper[0] != self.user[0])


def container_spec(frame: Frame, checkout: Path, environment: Environment, labels: Labels) -> ContainerSpec:
    """A container that does nothing by itself, without network, over `checkout`."""
    # Programs may run there, as they may in the checkout itself: test suites write scripts and start them.
    written = ("/tmp", HOME, *environment.scratch)  # noqa: S108 - the container's own
    scratch = tuple(Scratch(target, executable=True, owner=frame.user) for target in written)
    return ContainerSpec(
        name=f"orket-{labels.purpose}-{secrets.token_hex(6)}",
        image=frame.image,
        command=KEEPER_COMMAND,
        labels=labels,
        user=frame.keeper,
        environment=variables(environment),
        folder="/",
        mounts=(FolderMount(checkout, CHECKOUT_TARGET, read_only=False), *environment.mounts),
        scratch=scratch,
        limits=frame.limits,
    )


def variables(environment: Environment) -> dict[str, str]:
    """What every command finds in its environment."""
    return {
        "PATH": ":".join((*environment.path, SYSTEM_PATH)),
        "HOME": HOME,
        "TMPDIR": "/tmp",  # noqa: S108 - the container's own
        "LANG": "C.UTF-8",
        "TERM": "dumb",
        "CI": "1",
        "NO_COLOR": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        **dict(environment.variables),
    }


def enclose(command: Sequence[str], deadline: float) -> tuple[str, ...]:
    """`command`, ended after `deadline` seconds by its container itself; killing whoever asked for it would not."""
    return ("sh", "-c", SCRIPT, "orket", f"{max(deadline, 0.001):.3f}", *command)


def serve(command: Sequence[str]) -> tuple[str, ...]:
    """`command` as a server: without input, errors among what it says."""
    return ("sh", "-c", 'umask 022; exec "$@" </dev/null 2>&1', "orket", *command)


def server_user(slot: int, commands: tuple[int, int]) -> tuple[int, int]:
    """Whom the server in a slot belongs to: another user than the commands', in their group."""
    taken = {commands[0], *(uid for uid, _ in KEEPERS)}
    return [uid for uid in range(FIRST_SERVER, FIRST_SERVER + 20) if uid not in taken][slot], commands[1]


def why_unstartable(command: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """Why no system could start this; None where one could."""
    if not command:
        return "nothing to run: the command is empty"
    words = [*command, *(f"{name}={value}" for name, value in environment.items())]
    if any("\0" in word for word in words):
        return f"{command[0]!r}: cannot be started: an argument or a variable holds NUL"
    sizes = [len(word.encode(errors="replace")) for word in words]
    if max(sizes) > LONGEST_WORD or sum(sizes) > LONGEST_COMMAND:
        return f"{command[0]}: cannot be started: Argument list too long"
    return None


def unstarted(reason: str) -> Execution:
    """A command that could not be started."""
    return Execution(NOT_STARTED, f"{reason}\n", 0, 0.0, timed_out=False)


def refused(reason: str) -> Execution:
    """A command that was not even tried, for a reason that its author can mend."""
    return Execution(1, f"{reason.rstrip()}\n", 0, 0.0, timed_out=False)


def read_exit(code: int, output: str, program: str) -> tuple[int, str]:
    """The port's exit code and output, from those of the script in the container.

    128 + n is -n, as shells have it: a command that chooses to exit so looks killed.
    """
    found = _unstartable.search(output) if code in {NOT_STARTED, NOT_PERMITTED} else None
    if found is not None:
        return NOT_STARTED, f"{output[: found.start()]}{program}: cannot be started: {found[1]}\n"
    return (SIGNALED - code if was_signaled(code) else code), output


def was_signaled(code: int) -> bool:
    """Whether the command, or the script around it, was ended by a signal."""
    return SIGNALED < code <= SIGNALED + LAST_SIGNAL


def why_ended(end: End, bounds: Bounds) -> str:
    """One line for whoever reads the output."""
    reasons = {
        End.OUTPUT: f"it said more than {size_of(bounds.output)}",
        End.CHECKOUT: "it filled the checkout",
        End.CLOSED: "its workbench was closed",
        End.OVERDUE: "its container did not end it in time",
        End.STOPPED: "a stop was asked for",
    }
    return f"\n[killed: {reasons[end]}]\n"


def too_large(bounds: Bounds, found: Footprint) -> str:
    """What a checkout holds, and what it may."""
    more = "" if found.whole else "more than "
    return (
        f"the checkout holds {more}{size_of(found.size)} in {more}{found.entries} files and folders; at most "
        f"{size_of(bounds.checkout)} in {bounds.entries} are allowed"
    )


def size_of(count: int) -> str:
    """Bytes as people read them."""
    mebibytes = count / 1024**2
    return f"{mebibytes / 1024:.1f} GiB" if mebibytes >= 1024 else f"{mebibytes:.1f} MiB"  # noqa: PLR2004 - that is a GiB


def labelled(frame: Frame, subject: str, expires: int) -> Labels:
    """The labels of a container of `subject`."""
    return replace(frame.labels, subject=subject, expires=expires)
