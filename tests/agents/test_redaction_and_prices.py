"""What is kept out of what is stored, and what an answer costs."""

import pytest
from pydantic import SecretStr
from pydantic_ai.usage import RequestUsage

from orket_pipelines.agents.models.prices import price_of
from orket_pipelines.agents.redaction import redactor
from orket_pipelines.errors import SettingsError
from orket_pipelines.model_settings import NamedModel
from orket_pipelines.settings import Settings

LOCAL = "http://127.0.0.1:11434/v1"
USAGE = RequestUsage(input_tokens=1_000_000, output_tokens=500_000)


def test_known_secrets_are_replaced_wherever_they_turn_up() -> None:
    settings = Settings(
        model_api_key=SecretStr("sk-0123456789"),
        models={"small": NamedModel(base_url=LOCAL, api_key=SecretStr("sk-of-the-small"))},
        database_url="postgresql+psycopg://orket:s3cret-word@db/orket",
    )
    redact = redactor(settings, {"GITEA_TOKEN": "gitea-token-value", "HOME": "/home/me", "API_KEY": "short"})
    told = redact("sk-0123456789 and sk-of-the-small and xgitea-token-valuex and s3cret-word and /home/me and short")
    assert told == "[redacted] and [redacted] and x[redacted]x and [redacted] and /home/me and short"


def test_a_secret_that_contains_another_is_replaced_whole() -> None:
    redact = redactor(Settings(), {"A_KEY": "12345678", "B_KEY": "1234567890"})
    assert redact("1234567890") == "[redacted]"


def test_what_no_database_takes_as_text_is_replaced() -> None:
    assert redactor(Settings(), {})("a\0b\ud800c") == "a\N{REPLACEMENT CHARACTER}b?c"


def test_a_price_of_the_settings_goes_first() -> None:
    settings = Settings(
        model="gpt-4o", model_base_url="https://api.openai.com/v1", model_input_price=2, model_output_price=6
    )
    assert price_of(settings, settings.model)(USAGE) == 5.0


def test_a_listed_model_has_the_price_of_the_list() -> None:
    price = price_of(Settings(model="gpt-4o-mini", model_base_url="https://api.openai.com/v1"), "gpt-4o-mini")
    assert price(RequestUsage(input_tokens=1_000, output_tokens=100)) == pytest.approx(0.00021)


def test_an_unknown_price_is_unknown_and_not_nothing() -> None:
    for name, server in (("qwen3-coder", LOCAL), ("no-such-model", "https://api.openai.com/v1")):
        assert price_of(Settings(model=name, model_base_url=server), name)(USAGE) is None


def test_a_model_of_ones_own_has_its_own_price_and_never_that_of_another() -> None:
    small = NamedModel(base_url=LOCAL, input_price=1, output_price=2)
    models = {"small": small, "other": NamedModel(base_url=LOCAL)}
    settings = Settings(models=models, model_input_price=9, model_output_price=9)
    assert price_of(settings, "small")(USAGE) == 2.0
    assert price_of(settings, "other")(USAGE) is None


def test_half_a_price_is_refused() -> None:
    with pytest.raises(SettingsError, match="only one of them is set"):
        price_of(Settings(model="m", model_base_url=LOCAL, model_input_price=1), "m")
