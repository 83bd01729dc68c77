"""Run inside a container by `python3 -c`: what a program there may do. Each attempt is a line of JSON."""

import ctypes
import errno
import json
import os
import platform
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any

CALLS = {
    "x86_64": {
        "mount": 165,
        "pivot_root": 155,
        "unshare": 272,
        "setns": 308,
        "keyctl": 250,
        "add_key": 248,
        "bpf": 321,
        "perf_event_open": 298,
        "open_by_handle_at": 304,
        "init_module": 175,
        "kexec_load": 246,
        "sethostname": 170,
        "clock_settime": 227,
        "reboot": 169,
        "swapon": 167,
        "ptrace": 101,
    },
    "aarch64": {
        "mount": 40,
        "pivot_root": 41,
        "unshare": 97,
        "setns": 268,
        "keyctl": 219,
        "add_key": 217,
        "bpf": 280,
        "perf_event_open": 241,
        "open_by_handle_at": 265,
        "init_module": 105,
        "kexec_load": 104,
        "sethostname": 161,
        "clock_settime": 112,
        "reboot": 142,
        "swapon": 224,
        "ptrace": 117,
    },
}
NEW_USER, NEW_NETWORK, ATTACH = 0x10000000, 0x40000000, 16
REFUSED = {errno.EPERM, errno.EACCES, errno.ENOSYS, errno.ESRCH}
"""Any other answer comes from behind the wall: the kernel looked at what was asked."""
PROGRAMS = ("/bin", "/sbin", "/usr/bin", "/usr/sbin", "/usr/local/bin")
FOLDERS = (
    *("/", "/bin", "/boot", "/dev", "/etc", "/home", "/lib", "/mnt", "/opt", "/proc/sys/kernel", "/root", "/run"),
    *("/srv", "/sys", "/sys/fs/cgroup", "/sys/kernel", "/usr", "/usr/bin", "/usr/local/bin", "/var", "/var/lib"),
)
SWITCHES = (
    *("/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/proc/sys/vm/drop_caches", "/proc/sysrq-trigger"),
    *("/sys/kernel/uevent_helper", "/sys/fs/cgroup/release_agent", "/sys/fs/cgroup/memory/release_agent"),
)
SECRETS = ("/etc/shadow", "/proc/1/root/etc/shadow", "/proc/kcore", "/proc/kmsg", "/dev/kmsg", "/dev/mem", "/dev/port")
SOCKETS = ("docker", "containerd", "podman", "crio", "buildkit", "dockershim")


def tell(what: str, *, succeeded: bool, told: str = "") -> None:
    print(json.dumps({"what": what, "succeeded": succeeded, "told": told}), flush=True)


def attempt(what: str, act: Callable[[], object]) -> None:
    """`act` succeeds where it raises nothing."""
    try:
        act()
    except OSError as error:
        tell(what, succeeded=False, told=errno.errorcode.get(error.errno or 0, type(error).__name__))
    else:
        tell(what, succeeded=True)


def capabilities(ground: dict[str, Any]) -> None:
    """What the kernel says of this process."""
    with open("/proc/self/status") as file:
        status = {name: value.split() for name, _, value in (line.partition(":") for line in file)}
    for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        tell(name, succeeded=int(status[name][0], 16) != 0, told=status[name][0])
    for name, wanted in (("NoNewPrivs", "1"), ("Seccomp", "2")):
        tell(name, succeeded=status.get(name) != [wanted], told=" ".join(status.get(name, ["not told"])))
    for name in ("Uid", "Gid"):
        tell(name, succeeded="0" in status[name], told=" ".join(status[name]))
    tell("Groups", succeeded="0" in status.get("Groups", []), told=" ".join(status.get("Groups", [])))


def system_calls(ground: dict[str, Any]) -> None:
    """Calls that change a machine, or look into other programs."""
    numbers, kernel = CALLS.get(platform.machine()), ctypes.CDLL(None, use_errno=True)
    if numbers is None:
        return
    place, own = ctypes.c_char_p(b"/tmp"), ctypes.c_char_p(b"/")
    for name, arguments in (
        ("mount", (ctypes.c_char_p(b"none"), place, ctypes.c_char_p(b"tmpfs"), 0, None)),
        ("pivot_root", (own, own)),
        ("setns", (os.open("/proc/1/ns/net", os.O_RDONLY) if os.access("/proc/1/ns/net", os.R_OK) else -1, 0)),
        ("keyctl", (0, -3, 0)),
        ("add_key", (ctypes.c_char_p(b"user"), ctypes.c_char_p(b"orket"), ctypes.c_char_p(b"x"), 1, -3)),
        ("bpf", (0, None, 0)),
        ("perf_event_open", (None, 0, -1, -1, 0)),
        ("open_by_handle_at", (-1, None, 0)),
        ("init_module", (None, 0, None)),
        ("kexec_load", (0, 0, None, 0)),
        ("sethostname", (ctypes.c_char_p(b"orket"), 5)),
        ("clock_settime", (0, None)),
        ("reboot", (0, 0, 0, None)),
        ("swapon", (place, 0)),
        ("ptrace", (ATTACH, ground["host_process"], None, None)),
        ("unshare", (NEW_NETWORK,)),
        ("unshare", (NEW_USER,)),
    ):
        ctypes.set_errno(0)
        result = kernel.syscall(numbers[name], *arguments)
        code = ctypes.get_errno()
        told = "done" if result != -1 else errno.errorcode.get(code, str(code))
        tell(name, succeeded=result != -1 or code not in REFUSED, told=told)


def setuid(ground: dict[str, Any]) -> None:
    """To become root, by asking and by programs that make it of whoever calls them."""
    attempt("setuid(0)", lambda: os.setuid(0))
    attempt("setgid(0)", lambda: os.setgid(0))
    attempt("setgroups(0)", lambda: os.setgroups([0]))
    for path in programs():
        # Whatever it is, it waits for what it is never told; even as a zombie it still tells who it was.
        started = subprocess.Popen([path], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(0.02)
        with open(f"/proc/{started.pid}/status") as file:
            user = next(line.split()[2] for line in file if line.startswith("Uid:"))
        started.kill()
        started.communicate()
        tell(path, succeeded=user == "0", told=f"ran as user {user}")


def programs() -> Iterator[str]:
    """Those that belong to root and would run as root."""
    for folder in PROGRAMS:
        with suppress(OSError):
            for entry in os.scandir(os.path.realpath(folder)):
                found = entry.stat()
                if stat.S_ISREG(found.st_mode) and found.st_mode & stat.S_ISUID and found.st_uid == 0:
                    yield entry.path


def files(ground: dict[str, Any]) -> None:
    """To write where the system lies, on a disk, or into the kernel, and to read what is not ours."""
    for folder in FOLDERS:
        attempt(f"write in {folder}", lambda folder=folder: write(f"{folder}/.orket-attack"))  # type: ignore[misc]
    for path in SWITCHES:
        attempt(f"open {path}", lambda path=path: os.close(os.open(path, os.O_WRONLY)))  # type: ignore[misc]
    for path in SECRETS:
        attempt(f"read {path}", lambda path=path: os.close(os.open(path, os.O_RDONLY)))  # type: ignore[misc]
    attempt("make a device", lambda: os.mknod("/tmp/.orket-attack", stat.S_IFBLK | 0o600, os.makedev(8, 0)))  # noqa: S108
    with open("/proc/self/mountinfo") as file:
        for line in file:
            fields, _, source = line.partition(" - ")
            place, kind = fields.split()[4], source.split()[0]
            if kind not in {"tmpfs", "proc", "sysfs", "devpts", "mqueue", "cgroup", "cgroup2"}:
                path = place if os.path.isfile(place) else f"{place.rstrip('/')}/.orket-attack"
                attempt(f"write to {place} ({kind})", lambda path=path: write(path))  # type: ignore[misc]


def write(path: str) -> None:
    """Open for writing, and leave nothing."""
    there = os.path.lexists(path)
    os.close(os.open(path, os.O_WRONLY | (0 if there else os.O_CREAT), 0o600))
    if not there:
        os.unlink(path)


def engine_socket(ground: dict[str, Any]) -> None:
    """A socket of whoever starts containers, which is root on the machine."""
    for folder in ("/run", "/var/run", "/tmp", "/var/lib"):  # noqa: S108 - looked at
        for parent, _, names in os.walk(folder):
            for path in (os.path.join(parent, name) for name in names):
                with suppress(OSError):
                    if stat.S_ISSOCK(os.stat(path).st_mode) and any(name in path for name in SOCKETS):
                        tell(path, succeeded=True, told="is there")
        tell(f"sockets in {folder}", succeeded=False, told="looked")
    tell("DOCKER_HOST", succeeded="DOCKER_HOST" in os.environ)


if __name__ == "__main__":
    globals()[sys.argv[1]](json.loads(sys.argv[2]))
