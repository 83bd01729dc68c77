"""What the file of an HTTP suite may say: requests in order, what each must be answered, what later ones need of it."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from orket_pipelines.cards.http_bodies import checked_path, checked_schema

CHECK_LIMIT = 200
PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
"""Where the value that an earlier check saved is put in."""


def _path(text: str) -> str:
    if not text.startswith("/") or text.startswith("//") or any(character <= " " for character in text):
        raise ValueError("must be a path of the service that begins with one '/', without spaces")
    return text


def _variable(text: str) -> str:
    if not PLACEHOLDER.fullmatch(f"{{{text}}}"):
        raise ValueError("must be lower-case letters, digits and '_', not beginning with a digit")
    return text


Text = Annotated[str, Field(min_length=1, max_length=10_000)]
Headers = dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,100}$")], Annotated[str, Field(max_length=2_000)]]


class _Node(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Request(_Node):
    """`json` is sent as JSON, `body` as the text that it is; without either there is no body."""

    method: Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] = "GET"
    path: Annotated[str, Field(max_length=2_000), AfterValidator(_path)]
    document: Any = Field(None, alias="json")
    body: str | None = None
    headers: Headers = {}

    @model_validator(mode="after")
    def _has_one_body(self) -> "Request":
        if {"document", "body"} <= self.model_fields_set:
            raise ValueError("has json and body: leave one of them out")
        return self

    @property
    def sends_json(self) -> bool:
        """Whether there is JSON to send; `null` is JSON too."""
        return "document" in self.model_fields_set


class Expectation(_Node):
    """`json` must be part of the answer: objects may hold more, lists may not. A header must hold its text. `json_path`
    has a value for each JSON path: of one that leads to many, the list of them. `schema` is a JSON Schema."""

    status: int = Field(ge=100, le=599)
    document: Any = Field(None, alias="json")
    values: dict[Annotated[str, Field(max_length=500), AfterValidator(checked_path)], Any] = Field(
        {}, alias="json_path"
    )
    json_schema: Annotated[Any, AfterValidator(checked_schema)] = Field(None, alias="schema")
    contains: list[Text] | Text = []
    headers: Headers = {}

    @property
    def demands_json(self) -> bool:
        """Whether the answer must be JSON."""
        return bool({"document", "values", "json_schema"} & self.model_fields_set)

    @property
    def demands_document(self) -> bool:
        """Whether there is JSON that must be part of it; `null` is JSON too."""
        return "document" in self.model_fields_set

    @property
    def texts(self) -> list[str]:
        """What the body must contain."""
        return [self.contains] if isinstance(self.contains, str) else self.contains


class Check(_Node):
    """One request and what must come of it. `save` names values of the answer's JSON (`items.0.id`) for later checks;
    `service` is the one that people open where it is left out."""

    name: Annotated[str, Field(min_length=1, max_length=200)]
    request: Request
    expect: Expectation
    save: dict[Annotated[str, AfterValidator(_variable)], Text] = {}
    service: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class Fixture(_Node):
    """How a scenario is tried: a request whose `{names}` its input fills, and what of the answer is its output:
    the value at the JSON path `output`, the whole JSON without it. `status` None: any below 400."""

    request: Request
    output: Annotated[str, Field(max_length=500), AfterValidator(checked_path)] | None = None
    status: int | None = Field(None, ge=100, le=599)
    service: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class HttpChecks(_Node):
    """The whole file."""

    checks: list[Check] = Field(min_length=1, max_length=CHECK_LIMIT)

    @model_validator(mode="after")
    def _are_consistent(self) -> "HttpChecks":
        names: set[str] = set()
        saved: set[str] = set()
        for check in self.checks:
            if check.name in names:
                raise ValueError(f"two checks are called {check.name!r}: rename one")
            if missing := sorted(set(placeholders(check)) - saved):
                raise ValueError(f"{check.name!r} uses {{{missing[0]}}}, which no check before it saves")
            names.add(check.name)
            saved.update(check.save)
        return self


def placeholders(check: Check) -> Iterator[str]:
    """The names of the values that a check needs of earlier ones, wherever they are put in."""
    request, expect = check.request, check.expect
    yield from names_in(
        [request.path, request.document, request.headers, expect.document, expect.values, expect.contains]
    )


def names_in(value: Any) -> Iterator[str]:
    """The names of the placeholders in all texts of `value`."""
    for text in _texts(value):
        yield from PLACEHOLDER.findall(text)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for child in value.values():
            yield from _texts(child)
    elif isinstance(value, list):
        for child in value:
            yield from _texts(child)
