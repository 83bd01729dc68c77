"""Writes reports into Dagster's log, inside a run; the one place where versions, links and checks get their shape."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import cast

from dagster import (
    AssetCheckEvaluation,
    AssetCheckKey,
    AssetExecutionContext,
    AssetKey,
    AssetMaterialization,
    AssetObservation,
    AssetRecordsFilter,
    DagsterInstance,
    EventLogRecord,
    MaterializeResult,
    MetadataValue,
    OpExecutionContext,
)
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluationTargetMaterializationData
from dagster._core.definitions.data_version import (
    CODE_VERSION_TAG,
    DATA_VERSION_IS_USER_PROVIDED_TAG,
    DATA_VERSION_TAG,
    NULL_DATA_VERSION,
    NULL_EVENT_POINTER,
    extract_data_version_from_entry,
    get_input_data_version_tag,
    get_input_event_pointer_tag,
)

from assets.failing import failing
from assets.graph import PARTITIONS, versioned_inputs
from assets.model import Judged, Made, Noticed, Report

Logged = AssetMaterialization | AssetObservation | AssetCheckEvaluation
EVENT = "event"
"""The metadata entry that names the event of the store that a report is about."""
LOOK_BACK = 100
"""Materializations of an input among which a version is looked for."""


class Recorder:
    """Logs reports through `log`, which is an op context's `log_event`, and warnings through `warn`."""

    def __init__(
        self,
        instance: DagsterInstance,
        log: Callable[[Logged], None],
        *,
        warn: Callable[[str], None] = lambda _: None,
        hides_nothing: bool = False,
    ) -> None:
        self._instance = instance
        self._log = log
        self._warn = warn
        self._hides_nothing = hides_nothing
        self._held_back: list[Logged] = []

    @classmethod
    def of(cls, context: OpExecutionContext | AssetExecutionContext) -> "Recorder":
        """The recorder of the step that has this context."""
        # log_event takes checks as well; only its annotation does not say so.
        return cls(context.instance, cast("Callable[[Logged], None]", context.log_event), warn=context.log.warning)

    @classmethod
    def live(cls, context: OpExecutionContext | AssetExecutionContext) -> "Recorder":
        """The same, but it holds back what would paint over another partition's failure: the bridge tells it later."""
        log = cast("Callable[[Logged], None]", context.log_event)
        return cls(context.instance, log, warn=context.log.warning, hides_nothing=True)

    def record(
        self, reports: Iterable[Report], *, event: int | None = None, but: Iterable[tuple[str, str]] = ()
    ) -> None:
        """Log each report, except those in `but`: (label, event) pairs as `label_of` and `event_of` say them."""
        left_out = set(but)
        for report in reports:
            if (label_of(report), str(event)) not in left_out:
                if isinstance(report, Noticed) and report.warns:
                    self._warn(f"{report.partition}: {report.description}")
                shaped = self._shape(report, {} if event is None else {EVENT: MetadataValue.text(str(event))})
                if self._hides_nothing and self._hides(report):
                    self._held_back.append(shaped)
                else:
                    self._log(shaped)

    def release(self) -> None:
        """Log what was held back; restate failures right afterwards, so that they are hidden no longer than that."""
        for shaped in self._held_back:
            self._log(shaped)
        self._held_back.clear()

    def repeat(self, evaluations: Iterable[AssetCheckEvaluation]) -> None:
        """Log evaluations again as they are."""
        for evaluation in evaluations:
            self._log(evaluation)

    def _hides(self, report: Report) -> bool:
        """Whether this success would be the newest row of a check that fails elsewhere; see hidden_failures.py."""
        if not isinstance(report, Judged) or not report.passed:
            return False
        failed = failing(self._instance, AssetCheckKey(AssetKey(report.asset), report.check))
        partitions = {info.partition_key for info in failed}
        return bool(partitions) and report.partition not in partitions

    def _shape(self, report: Report, more: Mapping[str, MetadataValue]) -> Logged:
        metadata = {**report.metadata, **more}
        if isinstance(report, Judged):
            return AssetCheckEvaluation(
                asset_key=AssetKey(report.asset),
                check_name=report.check,
                partition=report.partition,
                passed=report.passed,
                severity=report.severity,
                description=report.description,
                metadata=metadata,
                target_materialization_data=self._target(report.asset, report.partition),
            )
        if isinstance(report, Noticed):
            told = report.description
            return AssetObservation(report.asset, description=told, partition=report.partition, metadata=metadata)
        return AssetMaterialization(
            report.asset,
            partition=report.partition,
            description=report.description,
            metadata=metadata,
            tags=self._version_tags(report),
        )

    def _target(self, asset: str, partition: str) -> AssetCheckEvaluationTargetMaterializationData | None:
        """The materialization that a check speaks of; without it the UI takes the check for an outdated one."""
        record = self._instance.get_latest_data_version_record(AssetKey(asset), partition_key=partition)
        if record is None:
            return None
        return AssetCheckEvaluationTargetMaterializationData(
            storage_id=record.storage_id, run_id=record.run_id, timestamp=record.timestamp
        )

    def _version_tags(self, made: Made) -> dict[str, str]:
        """A version, and what it was made from: all of these tags or none, or the UI calls everything out of date."""
        tags = {
            DATA_VERSION_TAG: made.version,
            DATA_VERSION_IS_USER_PROVIDED_TAG: "true",
            CODE_VERSION_TAG: made.asset,
        }
        for name in versioned_inputs(made.asset):
            key = AssetKey(name)
            record = self._input(
                key, made.partition if PARTITIONS[name] is not None else None, made.made_from.get(name)
            )
            tags[get_input_data_version_tag(key)] = (record and _version(record)) or NULL_DATA_VERSION.value
            tags[get_input_event_pointer_tag(key)] = str(record.storage_id) if record else NULL_EVENT_POINTER
        return tags

    def _input(self, key: AssetKey, partition: str | None, version: str | None) -> EventLogRecord | None:
        """What something was made from: the newest record, or the newest with that version, where it is still known."""
        newest = self._instance.get_latest_data_version_record(key, partition_key=partition)
        if newest is None or version is None or _version(newest) == version:
            return newest
        chosen = AssetRecordsFilter(key, asset_partitions=None if partition is None else [partition])
        earlier = self._instance.fetch_materializations(chosen, limit=LOOK_BACK).records
        return next((record for record in earlier if _version(record) == version), newest)


def _version(record: EventLogRecord) -> str | None:
    version = extract_data_version_from_entry(record.event_log_entry)
    return None if version is None else version.value


def told(
    context: OpExecutionContext | AssetExecutionContext, reports: Iterable[Report]
) -> Iterator[MaterializeResult[None]]:
    """Log reports as the end of an asset's body. Yields nothing: every output is skippable, and is logged instead."""
    Recorder.of(context).record(reports)
    yield from ()


def label_of(report: Report | Logged) -> str:
    """Asset or check, and what was said of it, as one word; with the event it names a report."""
    if isinstance(report, AssetCheckEvaluation):
        return f"{report.asset_key.to_user_string()}:{report.check_name}"
    if isinstance(report, AssetMaterialization | AssetObservation):
        kind = "made" if isinstance(report, AssetMaterialization) else "noticed"
        return f"{report.asset_key.to_user_string()}:{kind}"
    if isinstance(report, Judged):
        return f"{report.asset}:{report.check}"
    return f"{report.asset}:{'made' if isinstance(report, Made) else 'noticed'}"


def event_of(logged: Logged) -> str | None:
    """The event that a logged report is about."""
    value = logged.metadata.get(EVENT)
    return None if value is None else str(value.value)
