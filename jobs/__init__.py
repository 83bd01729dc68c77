"""What can be launched: a rock, an issue, and the small jobs that keep Dagster's picture true."""

from jobs.bug_phases import fix_critical_bugs, look_after_bug_phases, nightly_verification
from jobs.delivery import deliver_issue, deliver_rock
from jobs.reporting import end_lost_runs, record_run_failures, report_events
from jobs.upkeep import upkeep

JOBS = [deliver_rock, deliver_issue, report_events, end_lost_runs, record_run_failures, upkeep]
JOBS += [look_after_bug_phases, fix_critical_bugs, nightly_verification]

__all__ = ["JOBS"]
