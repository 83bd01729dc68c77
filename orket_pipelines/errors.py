"""Every error that the product raises on purpose, as one tree.

A message says what was attempted and why it failed; `next_step` is the command or the change that helps.
"""

from typing import Any, ClassVar


class OrketError(Exception):
    """Something was refused or failed, and a person can act on it.

    `next_step` is one sentence with the next thing to type or change; empty when there is nothing to do but wait.
    `rule` names the rule that refused, where that was one: it goes on record as a policy violation.
    """

    rule: ClassVar[str | None] = None

    def __init__(self, message: str, *, next_step: str = "") -> None:
        super().__init__(message)
        self.next_step = next_step


class SettingsError(OrketError):
    """A setting has a value that cannot be used."""


class StoreError(OrketError):
    """The store refused a read or a write: disk full, read-only, not reachable, or too new for this release."""


class LeaseLost(OrketError):
    """A write carried the fencing token of a lease that another worker has taken over; nothing was written."""


class EffectInDoubt(OrketError):
    """An effect was begun by a process that died, and the world cannot be asked whether it happened."""


class CardError(OrketError):
    """A card or a card file is not what the rules of work allow."""


class EpicFull(CardError):
    """An epic takes no more issues as it is."""

    rule = "complexity"


class TransitionRefused(CardError):
    """A card may not move as asked.

    `violation` is the `policy.Violation` to put on record; None where no rule was broken, but somebody else moved the
    card first.
    """

    def __init__(self, message: str, *, next_step: str = "", violation: Any = None) -> None:
        super().__init__(message, next_step=next_step)
        self.violation = violation


class GitError(OrketError):
    """A git command failed."""


class ForgeError(OrketError):
    """The forge refused, or could not answer."""


class WorkbenchError(OrketError):
    """A step could not be run at all (a command that ran and failed is a result, not an error)."""


class ModelError(OrketError):
    """A model did not give a usable answer within its bounds."""


class BudgetSpent(OrketError):
    """What may be spent on the issue, on its rock or today is spent; the session goes on when there is more."""


class ApprovalNeeded(OrketError):
    """A call does not run before a person has decided; the session goes on with the decision."""


class SqlError(OrketError):
    """A question in SQL was refused, was wrong, or asked for more than it may have."""


class Stopped(OrketError):
    """A stop was asked for; everything done so far is stored."""


class EngineUnavailable(OrketError):
    """The container engine did not answer: nothing is known of its containers, and whoever needs it waits."""


class ContainerError(OrketError):
    """The container engine refused."""


class SpecRefused(ContainerError):
    """A container was asked for with more than the allow-list grants."""

    rule = "container_spec"

    def __init__(self, message: str, *, next_step: str = "See what a container is granted: docs/ISOLATION.md") -> None:
        super().__init__(message, next_step=next_step)


class PortTaken(ContainerError):
    """A port of this host is in use by somebody else."""


class SubnetTaken(ContainerError):
    """A subnet overlaps one that exists."""


class InstallFailed(OrketError):
    """What a project declares cannot be installed; the log says why."""


class InstallInterrupted(OrketError):
    """An installation did not come to its end for a reason outside the project; it is to be tried again."""


class DetectionError(OrketError):
    """A repository cannot be planned as it is."""


class SandboxError(OrketError):
    """A sandbox cannot do what was asked."""
