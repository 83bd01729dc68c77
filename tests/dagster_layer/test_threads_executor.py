"""The contract with Dagster's internals: where one fails after an upgrade, read `jobs/threads_executor.py` first."""

import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest
from dagster import (
    DagsterInstance,
    DagsterRunStatus,
    DynamicOut,
    DynamicOutput,
    Failure,
    JobDefinition,
    OpExecutionContext,
    ReexecutionOptions,
    RunsFilter,
    execute_job,
    instance_for_test,
    job,
    op,
    reconstructable,
    resource,
)
from dagster._core.definitions.job_base import InMemoryJob
from dagster._core.execution.api import execute_run
from dagster._core.storage.dagster_run import DagsterRun

from jobs.threads_executor import threads_executor
from resources.interruption import stop_flag

pytestmark = pytest.mark.slow

WAIT = 10.0


@pytest.fixture
def instance() -> Iterator[DagsterInstance]:
    with DagsterInstance.ephemeral() as made:
        yield made


def run(instance: DagsterInstance, definition: JobDefinition) -> DagsterRun:
    """Runs the job on the executor that it names, as a run worker does."""
    created = instance.create_run_for_job(definition)
    execute_run(InMemoryJob(definition), created, instance)
    found = instance.get_run_by_id(created.run_id)
    assert found is not None
    return found


def started_and_ended(instance: DagsterInstance, run_id: str) -> dict[str, tuple[float, float]]:
    return {
        each.step_key: (each.start_time or 0.0, each.end_time or 0.0) for each in instance.get_run_step_stats(run_id)
    }


@op(out=DynamicOut(str))
def names() -> Iterator[DynamicOutput[str]]:
    for name in ("a", "b", "c"):
        yield DynamicOutput(name, mapping_key=name)


def test_mapped_steps_run_at_the_same_time_in_one_process(instance: DagsterInstance) -> None:
    meeting = threading.Barrier(3, timeout=WAIT)
    processes = set()

    @op
    def meet(name: str) -> str:
        meeting.wait()
        processes.add((os.getpid(), threading.get_ident()))
        return name

    @op
    def gather(found: list[str]) -> None:
        assert sorted(found) == ["a", "b", "c"]

    @job(executor_def=threads_executor)
    def meetings() -> None:
        gather(names().map(meet).collect())

    assert run(instance, meetings).status is DagsterRunStatus.SUCCESS
    assert {pid for pid, _ in processes} == {os.getpid()}
    assert len(processes) == 3


def test_a_failed_step_fails_the_run_and_the_others_end_their_work(instance: DagsterInstance) -> None:
    @op
    def work(name: str) -> str:
        if name == "b":
            raise Failure("b is blocked", allow_retries=False)
        return name

    @op
    def gather(found: list[str]) -> None:
        raise AssertionError(found)

    @job(executor_def=threads_executor)
    def half() -> None:
        gather(names().map(work).collect())

    ended = run(instance, half)
    stats = {
        each.step_key: str(each.status and each.status.value) for each in instance.get_run_step_stats(ended.run_id)
    }
    assert ended.status is DagsterRunStatus.FAILURE
    assert stats == {"names": "SUCCESS", "work[a]": "SUCCESS", "work[b]": "FAILURE", "work[c]": "SUCCESS"}


def test_a_resource_is_made_once_and_shared(instance: DagsterInstance) -> None:
    made = []

    @resource
    def ledger(_: object) -> list[str]:
        made.append("ledger")
        return []

    @op(required_resource_keys={"ledger"})
    def note(context: OpExecutionContext, name: str) -> None:
        context.resources.ledger.append(name)

    @job(executor_def=threads_executor, resource_defs={"ledger": ledger})
    def notes() -> None:
        names().map(note)

    assert run(instance, notes).status is DagsterRunStatus.SUCCESS
    assert made == ["ledger"]


def test_a_plan_without_steps_to_map_still_gathers(instance: DagsterInstance) -> None:
    gathered = []

    @op(out=DynamicOut(str))
    def nothing() -> Iterator[DynamicOutput[str]]:
        yield from ()

    @op
    def work(name: str) -> str:
        raise AssertionError(name)

    @op
    def gather(found: list[str]) -> None:
        gathered.append(found)

    @job(executor_def=threads_executor)
    def empty() -> None:
        gather(nothing().map(work).collect())

    assert run(instance, empty).status is DagsterRunStatus.SUCCESS
    assert gathered == [[]]


def test_a_signal_sets_the_stop_flag_and_the_run_ends_canceled_once_its_steps_have(instance: DagsterInstance) -> None:
    heeded = []
    begun = threading.Event()

    @op
    def work(context: OpExecutionContext) -> None:
        begun.set()
        assert stop_flag(context.run_id).wait(WAIT)
        # What a step does after the signal is not cut short.
        time.sleep(0.05)
        heeded.append("work")
        raise Failure("stopped", allow_retries=False)

    @job(executor_def=threads_executor)
    def long() -> None:
        work()

    def terminate() -> None:
        assert begun.wait(WAIT)
        instance.report_run_canceling(next(iter(instance.get_runs(RunsFilter(job_name="long")))))
        os.kill(os.getpid(), signal.SIGINT)

    killer = threading.Thread(target=terminate)
    killer.start()
    ended = run(instance, long)
    killer.join()
    assert heeded == ["work"]
    assert ended.status is DagsterRunStatus.CANCELED


@op
def fail_at_first(context: OpExecutionContext, name: str) -> str:
    if name == "b" and context.run.parent_run_id is None:
        raise Failure("b is blocked", allow_retries=False)
    return name


@op
def gather_all(found: list[str]) -> None:
    assert sorted(found) == ["a", "b", "c"]


@job(executor_def=threads_executor)
def mended_later() -> None:
    gather_all(names().map(fail_at_first).collect())


def test_a_re_execution_from_failure_runs_the_failed_step_alone() -> None:
    # On disk, as outputs of the first run are read by the second.
    with instance_for_test() as instance:
        recipe = reconstructable(mended_later)
        with execute_job(recipe, instance) as first:
            assert not first.success
        options = ReexecutionOptions.from_failure(first.run_id, instance)
        with execute_job(recipe, instance, reexecution_options=options) as second:
            assert second.success
        assert set(started_and_ended(instance, second.run_id)) == {"fail_at_first[b]", "gather_all"}
