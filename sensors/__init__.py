"""What watches: bodies decide and have no effects; what costs money acts only where the setting `automation` is on."""

from sensors.bug_phases import bug_phases, nightly
from sensors.bug_rates import bug_rates
from sensors.ready_rocks import ready_rocks
from sensors.report_events import report_events_sensor
from sensors.run_failures import run_failures
from sensors.sandbox_health import sandbox_health
from sensors.stale_work import stale_work

SENSORS = [report_events_sensor, ready_rocks, stale_work, sandbox_health, run_failures, bug_rates, bug_phases]
SCHEDULES = [nightly]

__all__ = ["SCHEDULES", "SENSORS"]
