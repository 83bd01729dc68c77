"""What the settings may say of models: several by name, and which work is simple enough for a cheaper one."""

from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    field_validator,
)


def check_address(url: str) -> str:
    """The address of a model's server. Raises: ValueError where it is none, or holds a key that would be shown."""
    if not url.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    if "@" in urlsplit(url).netloc:
        raise ValueError("must not hold a user or a password; a key has a setting of its own")
    return url


class NamedModel(BaseModel):
    """One model on one server. What has no default and is not set is as the setting `model_…` of the same name says;
    key and prices belong to a server, and are never taken from another.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    base_url: str = Field(description="An OpenAI-compatible server, with its /v1.")
    model: str | None = Field(None, min_length=1, description="Its name on the server, where that is another.")
    api_key: SecretStr | None = None
    fallback: tuple[str, ...] = Field((), description="Who is asked, in order, where this one gives no answer.")
    dialect: str | None = Field(None, description="Where its name does not tell its family.")
    input_price: float | None = Field(None, ge=0, description="USD per million tokens.")
    output_price: float | None = Field(None, ge=0)

    streaming: bool | None = None
    connect_timeout: PositiveFloat | None = None
    first_token_timeout: PositiveFloat | None = None
    turn_timeout: PositiveFloat | None = None
    retries: NonNegativeInt | None = None
    retry_wait: PositiveFloat | None = None
    retry_wait_limit: PositiveFloat | None = None
    max_output_tokens: PositiveInt | None = None
    answer_limit: PositiveInt | None = None

    _base_url_is_an_address = field_validator("base_url")(check_address)


class SimpleWork(BaseModel):
    """Which work a cheaper model does: all that roles are called to for one of `purposes`, and the first work on a card
    that keeps to each of the limits that are set.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(description="Who does it.")
    purposes: frozenset[str] = Field(frozenset(), description="As in `orket sessions list`: review, conflict…")
    labels: frozenset[str] = Field(frozenset(), description="The card has one of them.")
    priority_at_most: PositiveFloat | None = Field(None, description="low is 1, medium 2, high 3.")
    size_at_most: PositiveInt | None = Field(None, description="Characters of its description and requirements.")
