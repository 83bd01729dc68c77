"""Every setting of the product, in one object.

Where a value comes from, first found first: flag > environment (`ORKET_*`) > workspace (`ORKET_HOME/workspace.json`) >
organization (`config/organization.json`) > the default here.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import (
    BeforeValidator,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings.exceptions import SettingsError as Unreadable

from orket_pipelines.budget_settings import Budgets
from orket_pipelines.bug_settings import BugPhases
from orket_pipelines.errors import SettingsError
from orket_pipelines.model_settings import NamedModel, SimpleWork, check_address

ORGANIZATION = Path("config/organization.json")
CORRECT = "Correct the setting, then see: orket doctor"
SCRIPTED = "scripted"
DATABASES = ("sqlite://", "postgresql://", "postgresql+psycopg://")
SECRETS = frozenset({"model_api_key", "models", "database_url"})
"""Settings whose wrong values are not repeated: they hold keys and passwords."""
EVERY = "*"
"""In limits by name: every one that is not named."""


def _by_name(given: Any) -> Any:
    """A plain number counts for every name."""
    return {EVERY: given} if isinstance(given, int) and not isinstance(given, bool) else given


Limits = Annotated[dict[str, PositiveInt], BeforeValidator(_by_name)]
"""Limits by name; `*` counts for every name that is not given one, and who has none is not limited."""


class Settings(BaseSettings):
    """Durations are in seconds, sizes in bytes or characters as named."""

    model_config = SettingsConfigDict(env_prefix="ORKET_", env_ignore_empty=True, extra="ignore", frozen=True)

    home: Path = Field(Path(".orket"), description="Where all state lies: database, checkouts, artifacts, snapshots.")
    workspace: str = Field("default", pattern=r"^[a-z0-9][a-z0-9-]{0,38}$", description="The tenant.")
    database_url: str | None = Field(None, description="SQLAlchemy URL; SQLite under the home where not set.")
    automation: bool = Field(False, description="Sensors may start work that spends money.")

    concurrency: PositiveInt = Field(4, description="Issues worked on at once, in all.")
    rock_concurrency: Limits = Field({}, description="Issues worked on at once, by rock; a number is for each.")
    role_concurrency: Limits = Field({}, description="Sessions at once, by role; a number is for each.")
    model_concurrency: Limits = Field({}, description="Sessions at once, by model; a number is for each.")
    dagster_deliveries: PositiveInt = Field(10, description="Delivering runs that Dagster has under way at once.")
    lease_patience: PositiveFloat = Field(30.0, description="Silence after which another worker takes over.")

    epic_issue_limit: PositiveInt = Field(
        7, description="Issues of an epic that need no decomposition into managers, engines and accessors."
    )
    bottleneck_normal: NonNegativeInt = Field(3, description="Cards that may wait for a resource; more is a warning.")
    bottleneck_warning: NonNegativeInt = Field(10, description="With more cards than that, it is critical.")
    bottleneck_dependencies: float = Field(
        0.5,
        gt=0,
        le=1,
        description="The share of waiting cards that wait for dependencies, from which it is a warning.",
    )

    model: str = Field(
        SCRIPTED,
        description="`scripted`, one of `models`, or the name of a model on the server at model_base_url.",
    )
    model_base_url: str | None = Field(None, description="An OpenAI-compatible server, with its /v1.")
    model_api_key: SecretStr | None = Field(None, description="Its key; local servers need none.")
    model_streaming: bool = Field(
        True, description="Ask for streamed answers, so that a silent server is noticed early."
    )
    model_connect_timeout: PositiveFloat = Field(10.0)
    model_first_token_timeout: PositiveFloat = Field(120.0)
    model_context: PositiveInt = Field(
        100_000,
        description="Tokens of a conversation with the model; of a longer one, older parts are cut.",
    )
    model_turn_timeout: PositiveFloat = Field(600.0)
    model_retries: int = Field(
        4, ge=0, description="Further tries after 429, 5xx, a lost connection or an unusable answer."
    )
    model_retry_wait: PositiveFloat = Field(1.0, description="Before the second try; it doubles with each further one.")
    model_retry_wait_limit: PositiveFloat = Field(
        60.0, description="The longest wait before a try, whatever a server asks for in Retry-After."
    )
    model_rest: PositiveFloat = Field(
        300.0, description="How long a model that gave no answer is passed over, where another stands in for it."
    )
    model_max_output_tokens: PositiveInt | None = Field(None, description="Of one answer; the server's own by default.")
    model_answer_limit: PositiveInt = Field(
        1_000_000, description="Characters of one answer; what is longer is not taken for one."
    )
    model_input_price: float | None = Field(
        None, ge=0, description="USD per million tokens, where the price list has none."
    )
    model_output_price: float | None = Field(None, ge=0)
    model_fallback: tuple[str, ...] = Field((), description="Which of `models` stand in, in order, for `model`.")
    model_recording: Path | None = Field(None, description="A folder to which questions and answers are recorded.")
    model_replay: bool = Field(
        False, description="Answer from model_recording alone; what is not recorded fails, and no server is asked."
    )
    models: dict[str, NamedModel] = Field(
        {}, description='More models, by names of your own: {"small": {"base_url": "http://127.0.0.1:11434/v1"}}.'
    )
    role_models: dict[str, str] = Field({}, description='Who plays a role, where it is not `model`: {"qa": "small"}.')
    simple_work: SimpleWork | None = Field(None, description="Which work goes to a cheaper model; none by default.")
    roles: Path | None = Field(
        None, description="A folder of role files of your own; one named like a shipped role replaces it."
    )
    organization: str = Field("", description="What every agent is told of whom it works for: name, purpose, values.")
    playbooks: Path | None = Field(
        None, description="Where the scripted model's playbooks lie; the examples' by default."
    )

    isolation: Literal["auto", "container", "process"] = Field(
        "auto",
        description="`auto`: containers where an engine answers, else processes for the scripted model alone; "
        "`process` allows a real model on bare processes.",
    )
    workbench_image: str = Field(
        "orket-workbench:0.1.0", description="Where agent steps, tests, installs and services run."
    )
    e2e_image: str = Field("orket-e2e:0.1.0", description="Where end-to-end suites drive Chromium.")
    install_scripts: bool = Field(
        False, description="Packages may run their own code while they are installed (lifecycle scripts, builds)."
    )
    package_sources: tuple[str, ...] = Field(
        (), description="Hosts that installs may reach; by default those that this machine's pip and npm are set to."
    )
    install_timeout: PositiveFloat = Field(900.0, description="One installation of a project's dependencies.")
    engine_patience: PositiveFloat = Field(
        60.0, description="How long a worker tries again while the container engine does not answer."
    )
    container_tier: Literal["runc", "runsc", "kata", "rootless"] = Field(
        "runc",
        description="What holds containers beside their hardening: `runsc` (gVisor), `kata` or `rootless`, where the "
        "engine has it; nothing is started with less.",
    )
    container_memory: PositiveInt = Field(2 * 1024**3, description="Of one container, in bytes; there is no swap.")
    container_cpus: PositiveFloat = Field(2.0)
    container_processes: PositiveInt = Field(256)
    checkout_limit: PositiveInt = Field(2 * 1024**3, description="Bytes that a checkout may grow to.")

    sandbox_ports: tuple[int, int] = Field((20_000, 29_999), description="First and last port for sandboxes.")
    sandbox_subnets: str = Field(
        "10.213.0.0/16",
        description="Where sandboxes' networks are cut from, 16 addresses each, and 512 for what all stand on.",
    )
    sandbox_ttl: PositiveFloat = Field(7 * 86_400.0, description="Seconds after its deployment that a sandbox is kept.")
    sandbox_beside: Literal["auto", "always", "never"] = Field(
        "auto",
        description="Whether what is deployed starts beside what serves, which answers until then: auto where there is "
        "memory for both.",
    )
    sandbox_start_timeout: PositiveFloat = Field(60.0, description="From start to healthy.")
    sandbox_build_timeout: PositiveFloat = Field(300.0)
    database_images: dict[str, str] = Field(
        {
            "postgres": "postgres:16-bookworm",
            "mysql": "mysql:8.4",
            "mariadb": "mariadb:11.4",
            "mongo": "mongo:7.0",
            "redis": "redis:7.4-bookworm",
        },
        description="What databases beside services run as, by kind; a kind that is left out is not provided.",
    )
    suite_timeout: PositiveFloat = Field(180.0, description="One verification suite against a sandbox.")
    rerun_failed_suites: bool = Field(
        True,
        description="Tests that failed run once more on the same commit; what passes then is reported as flaky, and "
        "sends nothing back.",
    )
    accessibility: Literal["minor", "moderate", "serious", "critical", "none"] = Field(
        "serious",
        description="The least impact of what axe finds on a page that fails the suite `smoke`; what is below is told "
        "in its log. none: nothing fails it.",
    )
    browser: Path | None = Field(None, description="Chromium for end-to-end suites on processes; found on the PATH.")
    command_timeout: PositiveFloat = Field(120.0, description="One command of an agent.")
    test_timeout: PositiveFloat = Field(600.0, description="One run of the project's tests.")
    budgets: Budgets = Field(
        Budgets(),
        description="What may be spent on an issue, a rock and in a day; at a limit the card waits. As in: "
        '{"issue": {"cost": 2}, "day": {"cost": 20, "requests": 5000}}',
    )
    bug_phases: BugPhases = Field(
        BugPhases(),
        description='How long delivered rocks are watched for bugs, and when longer. As in: {"days": 14}',
    )
    approvals: Annotated[frozenset[str], NoDecode] = Field(
        frozenset(), description="Tools whose calls wait for a person to decide (with commas between)."
    )
    issue_timeout: PositiveFloat = Field(
        14_400.0, description="Wall time that a worker gives an issue before the card waits; its parts have their own."
    )
    turn_limit: PositiveInt = Field(60, description="Model turns in one session.")
    session_failures: PositiveInt = Field(3, description="Sessions in a row that may end without an outcome.")

    reviewers: Annotated[tuple[str, ...], NoDecode] = Field(
        ("integrity_guard",),
        min_length=1,
        description="Roles that review a pull request, in this order (with commas between); the guard must be one.",
    )
    required_approvals: PositiveInt | None = Field(
        None,
        description="Accounts that must approve a patch, the guard among them; by default each reviewer. "
        "Where there are fewer reviewers, people do.",
    )
    architect_at: PositiveInt = Field(3, description="Requests for changes after which the architect is called.")
    reject_at: PositiveInt = Field(4, description="Requests for changes after which the pull request is closed.")
    rework_limit: PositiveInt = Field(
        8, description="Failed test runs and conflicts of one issue before a person looks."
    )
    same_failure_limit: PositiveInt = Field(
        3, description="Times that an issue may fail in the same way before the architect is called; then a person."
    )

    @field_validator("database_url")
    @classmethod
    def _is_a_known_database(cls, url: str | None) -> str | None:
        if url is None:
            return None
        if not url.startswith(DATABASES):
            raise ValueError(f"must begin with {' or '.join(DATABASES)}")
        try:
            urlsplit(url).port  # noqa: B018 - it raises where the port is none
        except ValueError as error:
            raise ValueError("its port must be a number") from error
        return url

    @field_validator("model_base_url")
    @classmethod
    def _is_an_address(cls, url: str | None) -> str | None:
        return url if url is None else check_address(url)

    @field_validator("reviewers", "approvals", mode="before")
    @classmethod
    def _has_commas_between(cls, named: Any) -> Any:
        return tuple(name.strip() for name in named.split(",") if name.strip()) if isinstance(named, str) else named

    @field_validator("reviewers")
    @classmethod
    def _names_each_once(cls, named: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(named)) < len(named):
            raise ValueError("must name each role once")
        return named

    @field_validator("bottleneck_warning")
    @classmethod
    def _comes_after_normal(cls, warning: int, found: ValidationInfo) -> int:
        normal = found.data.get("bottleneck_normal", 0)
        if warning < normal:
            raise ValueError(f"must not be below bottleneck_normal, which is {normal}")
        return warning

    @property
    def is_scripted(self) -> bool:
        """Whether no language model can come to be asked."""
        return self.model == SCRIPTED and not self.models

    @property
    def store_url(self) -> str:
        """The database in use."""
        return self.database_url or f"sqlite:///{self.home.resolve() / 'orket.db'}"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        del settings_cls, dotenv_settings, file_secret_settings
        return init_settings, env_settings


def application_folder() -> Path:
    """Where the Dagster application and the examples lie: inside the installed package, or at the checkout's root."""
    packaged = Path(__file__).parent / "_app"
    return packaged if packaged.is_dir() else Path(__file__).parent.parent


def load_settings(**flags: Any) -> Settings:
    """The settings in force here and now; a flag that is None was not given.

    Raises: SettingsError with the name of the setting, where it came from, and what it may be.
    """
    given = {name: value for name, value in flags.items() if value is not None}
    home = Path(given.get("home") or _from_environment("home") or ".orket")
    files = {path: _read(path) for path in (home / "workspace.json", ORGANIZATION)}
    try:
        environment = Settings(**given).model_dump(exclude_unset=True)
        return Settings(**(files[ORGANIZATION] | files[home / "workspace.json"] | environment))
    except ValidationError as error:
        told = "; ".join(_explain(dict(found), given, files) for found in error.errors())
        raise SettingsError(told, next_step=CORRECT) from error
    except Unreadable as error:
        field = str(error).partition('field "')[2].partition('"')[0]
        raise SettingsError(f"ORKET_{field.upper()}: must be JSON", next_step=CORRECT) from error


def _from_environment(name: str) -> str | None:
    return os.environ.get(f"ORKET_{name.upper()}")


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text())
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}", next_step=f"Correct {path}.") from error
    if not isinstance(found, dict):
        raise SettingsError(f"{path}: must be an object of settings", next_step=f"Correct {path}.")
    unknown = sorted(set(found) - set(Settings.model_fields))
    if unknown:
        raise SettingsError(f"{path}: unknown settings: {', '.join(unknown)}", next_step=f"Correct {path}.")
    return found


_rules = {
    "int_parsing": "must be an integer",
    "float_parsing": "must be a number",
    "bool_parsing": "must be true or false",
    "dict_type": "must be a number, or numbers by name",
    "string_pattern_mismatch": "must be lower-case letters, digits and dashes, at most 39, and not begin with a dash",
}
"""What pydantic says at length, by the type of its error."""


def _explain(error: Mapping[str, Any], given: Mapping[str, Any], files: Mapping[Path, Mapping[str, Any]]) -> str:
    """One wrong value: where it came from, what it may be, and what it is unless that is a secret."""
    name = str(error["loc"][0])
    if name in given:
        place = f"{name} (--{name.replace('_', '-')}, ORKET_{name.upper()})"
    elif _from_environment(name) is not None:
        place = f"ORKET_{name.upper()}"
    else:
        place = f"{next(path for path, found in files.items() if name in found)}: {name}"
    place = ".".join([place, *map(str, error["loc"][1:])])
    told = f"{place}: {_rules.get(error['type']) or error['msg'].removeprefix('Value error, ')}"
    return told if name in SECRETS else f"{told}, not {error['input']!r}"
