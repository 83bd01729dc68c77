"""The only entry that Dagster loads. Lists are explicit; a test walks the folders for what was forgotten.

Nothing here reaches a network or a database.
"""

from dagster import Definitions

from assets import ASSETS, CHECKS
from jobs import JOBS
from jobs.threads_executor import threads_executor
from resources import RESOURCES
from sensors import SENSORS

defs = Definitions(
    assets=ASSETS,
    asset_checks=CHECKS,
    jobs=JOBS,
    sensors=SENSORS,
    resources=RESOURCES,
    executor=threads_executor,
)
