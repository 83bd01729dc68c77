"""What came of an installation: done, the project's own fault, or to be tried again."""

import re
from dataclasses import dataclass

from orket_pipelines.errors import InstallFailed, InstallInterrupted, OrketError

SHOWN = 4_000
"""Characters of a log in a message."""
KILLED_FROM = 128
"""Exit codes from here on tell of a signal."""
AGAIN = "It is tried again by itself; see that this machine reaches the sources that its pip and npm are set to."
_unreachable = re.compile(
    r"npm (?:error|ERR!) code (?:E5\d\d|ETIMEDOUT|ECONNRESET|ECONNREFUSED|EAI_AGAIN|ERR_SOCKET_TIMEOUT)"
    r"|HTTP error 5\d\d|ReadTimeoutError|ConnectTimeoutError|Connection reset by peer"
)
_refused = re.compile(r"^refused 'CONNECT ([^ ']+)[^']*': (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Ended:
    """How an install container ended. `exit_code` None: its time was up. `proxy_log` is what the proxy said."""

    exit_code: int | None
    log: str
    proxy_log: str
    proxy_running: bool
    out_of_memory: bool


def verdict(ended: Ended, *, timeout: float) -> OrketError | None:
    """None where it is complete. What a project may have written into its log decides no more than that it is tried
    again."""
    tail = f"\n{ended.log[-SHOWN:].strip()}"
    if ended.exit_code == 0:
        return None
    refused = sorted({f"{target} ({why})" for target, why in _refused.findall(ended.proxy_log)})
    if refused:
        return InstallFailed(
            f"dependencies were asked for from hosts that installs may not reach: {', '.join(refused[:5])}{tail}",
            next_step="Depend on published packages only, or name the host in ORKET_PACKAGE_SOURCES.",
        )
    if not ended.proxy_running or "unreachable '" in ended.proxy_log:
        return InstallInterrupted(
            f"package sources could not be reached: {ended.proxy_log[-SHOWN:]}{tail}", next_step=AGAIN
        )
    if ended.exit_code is None:
        step = "Declare less, or allow more time: ORKET_INSTALL_TIMEOUT=1800"
        return InstallFailed(f"dependencies were not installed within {timeout:g} seconds{tail}", next_step=step)
    if ended.out_of_memory:
        step = "Declare less, or allow more: ORKET_CONTAINER_MEMORY=4294967296"
        return InstallFailed(f"installing dependencies took more memory than a container has{tail}", next_step=step)
    if ended.exit_code > KILLED_FROM or _unreachable.search(ended.log):
        return InstallInterrupted(
            f"installing dependencies was cut short, exit code {ended.exit_code}{tail}", next_step=AGAIN
        )
    return InstallFailed(
        f"dependencies cannot be installed, exit code {ended.exit_code}{tail}",
        next_step="Correct what the project declares; the log's end says what is wrong.",
    )
