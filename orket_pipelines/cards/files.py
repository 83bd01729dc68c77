"""The fields that card files may have, and what is said of those that are wrong.

The names are ours; Orket's own (`summary`, `status`, `stories`, `cards`…) are read as well.
"""

import difflib
import math
from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from orket_pipelines.cards.identifiers import RULE, is_identifier
from orket_pipelines.cards.model import DEFAULT_PRIORITY, PRIORITIES, WAITING, CardState, WaitReason
from orket_pipelines.cards.problems import Place, Problem, shown

HIGHEST_PRIORITY = 1000.0
SHIPPABILITY_THRESHOLD = 7.0
LEGACY = {
    "skills": "`skills` is a legacy field: a seat lists `roles`, a role lists `tools`; rename it.",
    "tracs": "`tracs` is a legacy field: rename it to `issues`.",
}

_CORE = {
    "id",
    "kind",
    "name",
    "state",
    "wait_reason",
    "note",
    "priority",
    "seat",
    "depends_on",
    "teams",
    "epics",
    "issues",
}


def _identifier(text: str) -> str:
    if not is_identifier(text):
        raise ValueError(f"must be {RULE}")
    return text


def _priority(value: Any) -> float:
    named = PRIORITIES.get(value.lower()) if isinstance(value, str) else value
    try:
        number = float(value if named is None else named)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if isinstance(value, bool) or not 0 <= number <= HIGHEST_PRIORITY:
        raise ValueError(f"must be Low, Medium, High, or a number from 0 to {HIGHEST_PRIORITY:g}")
    return number


Identifier = Annotated[str, AfterValidator(_identifier)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Priority = Annotated[float, BeforeValidator(_priority)]


class _Node(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


class Scenario(_Node):
    id: str | None = None
    description: str
    input_data: dict[str, Any] = {}
    expected_output: Any = None
    actual_output: Any = None
    status: str | None = None


class Verification(_Node):
    """`last_run` is what Orket writes back into its files; nothing reads it here."""

    fixture_path: str | None = Field(None, validation_alias=AliasChoices("fixture_path", "verification_fixture"))
    scenarios: list[Scenario] = []
    last_run: dict[str, Any] | None = Field(None, validation_alias=AliasChoices("last_run", "last_verification"))


class Metrics(_Node):
    score: float = 0.0
    grade: Literal["Shippable", "Non-Shippable", "Pending"] = "Pending"
    audit_date: str | None = None
    criteria: dict[str, float] = Field({}, validation_alias=AliasChoices("criteria", "criteria_scores"))
    shippability_threshold: float = SHIPPABILITY_THRESHOLD
    path_delta: float | None = None


class LessonLearned(_Node):
    date: str
    category: str
    observation: str
    sentiment: Literal["positive", "negative"] = "negative"
    action_item: str | None = None


class Architecture(_Node):
    """How an epic is cut into parts: who decides the order of things, who does the work, who reaches the outside."""

    managers: list[Name] = Field(min_length=1)
    engines: list[Name]
    accessors: list[Name]


class ArchitectureGovernance(_Node):
    idesign: bool = False
    pattern: str = "Standard"
    reasoning: str | None = None


class CardFields(_Node):
    """What every card may say."""

    kind: str
    id: Identifier | None = None
    name: Name = Field(validation_alias=AliasChoices("name", "summary"))
    description: str = ""
    requirements: str | None = None
    state: CardState = Field(CardState.READY, validation_alias=AliasChoices("state", "status"))
    wait_reason: WaitReason | None = None
    note: str = ""
    priority: Priority = DEFAULT_PRIORITY
    labels: list[Name] = []
    params: dict[str, Any] = {}
    references: list[str] = []
    metrics: Metrics | None = None
    build_id: str | None = None
    parent_id: str | None = None
    owner_department: str | None = None

    @model_validator(mode="after")
    def _waits_for_a_reason(self) -> "CardFields":
        if (self.state in WAITING) is (self.wait_reason is None):
            says = "needs a wait_reason" if self.wait_reason is None else "does not wait: leave wait_reason out"
            raise ValueError(f"a card that is {self.state} {says}")
        return self

    def details(self) -> dict[str, Any]:
        """The fields that have no column of their own; the description is the note where there is none."""
        found = self.model_dump(mode="json", exclude=_CORE, exclude_none=True)
        if self.note:
            found |= {"note": self.note, "description": self.description or self.note}
        return found


class IssueFields(CardFields):
    """`verified_by` names the suites of its rock that have to pass before the issue is done."""

    kind: Literal["issue", "utility", "app"] = Field("issue", validation_alias=AliasChoices("kind", "type"))
    seat: Name | None = None
    depends_on: list[Name] = []
    verified_by: list[Name] = []
    assignee: str | None = None
    sprint: str | None = None
    verification: Verification | None = None
    retry_count: int | None = None
    max_retries: int | None = None


class EpicFields(CardFields):
    kind: Literal["epic"] = Field("epic", validation_alias=AliasChoices("kind", "type"))
    department: str | None = None
    team: str | None = None
    environment: str | None = None
    iterations: int | None = None
    handshake_enabled: bool | None = None
    example_task: str | None = None
    architecture: Architecture | None = None
    architecture_governance: ArchitectureGovernance | None = None
    lessons_learned: list[LessonLearned] = []
    issues: list[Any] = Field([], validation_alias=AliasChoices("issues", "stories", "cards"))


class RockParams(BaseModel):
    """The params of a rock that the factory itself reads. `repository` becomes a folder's name; `model` is one of the
    settings, for all its cards that name no other.
    """

    model_config = ConfigDict(extra="allow")
    repository: Identifier | None = None
    test_command: Annotated[list[str], Field(min_length=1)] | None = None
    model: Name | None = None


class SuiteFields(_Node):
    """A suite of checks. `file` lies beside the card file or in a folder below it."""

    name: Identifier
    kind: Literal["http", "e2e", "fixture"]
    file: Annotated[str, Field(min_length=1, max_length=500)]


class RockFields(CardFields):
    """`verified_by` names the suites that have to pass before the rock is done."""

    kind: Literal["rock"] = Field("rock", validation_alias=AliasChoices("kind", "type"))
    task: str | None = None
    department: str | None = None
    lessons_learned: list[LessonLearned] = []
    params: RockParams = RockParams()  # type: ignore[assignment] # narrower than what other cards may hold
    suites: list[SuiteFields] = []
    verified_by: list[Name] = []
    teams: dict[str, Any] = {}
    epics: list[Any] = []


class EpicReference(_Node):
    """Where Orket's rocks keep their epics: in the folder of a department."""

    epic: Name
    department: Name = "core"


class Seat(_Node):
    """Which roles sit there, and the model of the settings that they work with, where that is said."""

    name: str | None = None
    roles: list[str] = []
    model: Name | None = None


class Team(BaseModel):
    """Of Orket's teams only the seats are read."""

    model_config = ConfigDict(extra="ignore")
    seats: dict[str, Any] = {}


class Environment(_Node):
    """What Orket ran an epic with. Nothing of it is used: the settings name the model, and its server the rest."""

    schema_version: str | None = None
    name: str
    description: str | None = None
    model: str
    temperature: float = 0.0
    seed: int | None = None
    timeout: int = 300
    params: dict[str, Any] = {}


Fields = TypeVar("Fields", bound=BaseModel)


def read_fields(kind: type[Fields], node: Any, place: Place) -> tuple[Fields | None, list[Problem]]:
    """The fields of one node, or what is wrong with them, one problem each."""
    if not isinstance(node, dict):
        return None, [place.problem(f"must be a mapping of fields, not {shown(node)}")]
    try:
        return kind.model_validate(node), []
    except ValidationError as error:
        return None, [_problem(kind, dict(found), place) for found in error.errors(include_url=False)]


def _problem(kind: type[BaseModel], error: Mapping[str, Any], place: Place) -> Problem:
    for key in error["loc"]:
        place /= key
    match error["type"]:
        case "extra_forbidden":
            return place.problem(*_unknown(kind, error["loc"]))
        case "missing":
            return place.problem("is missing", "Add it.")
        case "enum" | "literal_error":
            return place.problem(f"{shown(error['input'])} is not one of {error['ctx']['expected']}")
        case "value_error" if isinstance(error["input"], dict):
            return place.problem(str(error["ctx"]["error"]))
        case "value_error":
            return place.problem(f"{error['ctx']['error']}, not {shown(error['input'])}")
        case "string_type":
            return place.problem(f"must be text, not {shown(error['input'])}", "Put it in quotes.")
        case _:
            return place.problem(f"{error['msg']}, not {shown(error['input'])}")


def _unknown(kind: type[BaseModel], path: tuple[str | int, ...]) -> tuple[str, str]:
    name = str(path[-1])
    if name in LEGACY:
        return "is a legacy field", LEGACY[name]
    if len(path) > 1:
        return "there is no such field", "Leave it out."
    known = sorted(kind.model_fields)
    close = difflib.get_close_matches(name, known, 1)
    if close:
        return f"there is no such field; did you mean {close[0]!r}?", f"Rename it to {close[0]}."
    return "there is no such field", f"Known fields: {', '.join(known)}."
