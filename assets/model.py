"""What is told to Dagster: something made, something noticed, something judged."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dagster import AssetCheckSeverity, MetadataValue

Values = Mapping[str, MetadataValue | str | int | float]


@dataclass(frozen=True, slots=True)
class Made:
    """A materialization of one partition. `version` names its content: equal versions, equal content.

    `made_from` are the versions of inputs that it is known to be made from; of others the newest is taken for that.
    """

    asset: str
    partition: str | None
    version: str
    description: str
    metadata: Values = field(default_factory=dict)
    made_from: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Noticed:
    """An observation: worth knowing, and nothing new was made. `warns`: it is a warning in the run's log, too."""

    asset: str
    partition: str
    description: str
    metadata: Values = field(default_factory=dict)
    warns: bool = False


@dataclass(frozen=True, slots=True)
class Judged:
    """A check of one partition. WARN means that a person is waited for, ERROR that something failed."""

    asset: str
    check: str
    partition: str
    passed: bool
    description: str
    severity: AssetCheckSeverity = AssetCheckSeverity.ERROR
    metadata: Values = field(default_factory=dict)


Report = Made | Noticed | Judged
