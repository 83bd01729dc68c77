"""The only entry that Dagster loads. Lists are explicit; a test walks the folders for what was forgotten.

Nothing here reaches a network or a database.
"""

import warnings

from dagster import BetaWarning, Definitions

from assets import ASSETS, CHECKS
from jobs import JOBS
from jobs.threads_executor import threads_executor
from resources import RESOURCES
from sensors import SCHEDULES, SENSORS

# Dagster itself sets this parameter, for every sensor, and warns of it.
warnings.filterwarnings("ignore", category=BetaWarning, message="Parameter `owners`")

defs = Definitions(
    assets=ASSETS,
    asset_checks=CHECKS,
    jobs=JOBS,
    sensors=SENSORS,
    schedules=SCHEDULES,
    resources=RESOURCES,
    executor=threads_executor,
)
