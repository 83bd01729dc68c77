"""Main as it stands, brought to the rock's sandbox."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from orket_pipelines.delivery.checkouts import fresh_checkout
from orket_pipelines.delivery.factory import Factory
from orket_pipelines.git.port import MAIN
from orket_pipelines.sandboxes import Deployment, Sandbox, lease_name
from orket_pipelines.store import Lease, failpoint, reach

BEFORE_DEPLOY = failpoint("deploying.before_deploy")
AFTER_DEPLOY = failpoint("deploying.after_deploy")


@contextmanager
def holding_sandbox(factory: Factory, rock_id: str, stop: threading.Event) -> Iterator[Lease]:
    """One at a time: whoever comes next finds main as it is by then, and commits between are skipped."""
    with factory.leases.holding(lease_name(rock_id), stop=stop) as lease:
        yield lease


def deploy_main(
    factory: Factory, rock_id: str, repository: str, lease: Lease, *, stop: threading.Event
) -> Sandbox | None:
    """The rock's sandbox at the newest commit of main; None where nothing in there serves, or nothing is deployed here.

    `lease` is the caller's on the sandbox. A commit that does not start is a sandbox in state failed.

    Raises: EngineUnavailable, ContainerError, InstallFailed, SandboxError, Stopped; LeaseLost where somebody
    else has taken the sandbox over.
    """
    commit = factory.code.head(repository, MAIN)
    if factory.stage is None or commit is None:
        return None
    reach(BEFORE_DEPLOY)
    with fresh_checkout(factory, rock_id, "deploy", repository, commit) as source:
        if not factory.stage.serves(source):
            return None
        deployment = Deployment(rock_id, repository, commit, source)
        sandbox = factory.stage.sandboxes.under(lease).deploy(deployment, stop=stop)
    reach(AFTER_DEPLOY)
    return sandbox
