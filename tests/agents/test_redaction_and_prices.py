"""What is kept out of what is stored, and what an answer costs."""

import pytest
from pydantic import SecretStr
from pydantic_ai.usage import RequestUsage

from orket_pipelines.agents.models.prices import price_of
from orket_pipelines.agents.redaction import redactor
from orket_pipelines.errors import SettingsError
from orket_pipelines.settings import Settings

USAGE = RequestUsage(input_tokens=1_000_000, output_tokens=500_000)


def test_known_secrets_are_replaced_wherever_they_turn_up() -> None:
    settings = Settings(
        model_api_key=SecretStr("sk-0123456789"), database_url="postgresql+psycopg://orket:s3cret-word@db/orket"
    )
    redact = redactor(settings, {"GITEA_TOKEN": "gitea-token-value", "HOME": "/home/somebody", "API_KEY": "short"})
    told = redact("sk-0123456789 and xgitea-token-valuex and s3cret-word and /home/somebody and short")
    assert told == "[redacted] and x[redacted]x and [redacted] and /home/somebody and short"


def test_a_secret_that_contains_another_is_replaced_whole() -> None:
    redact = redactor(Settings(), {"A_KEY": "12345678", "B_KEY": "1234567890"})
    assert redact("1234567890") == "[redacted]"


def test_what_no_database_takes_as_text_is_replaced() -> None:
    assert redactor(Settings(), {})("a\0b\ud800c") == "a\N{REPLACEMENT CHARACTER}b?c"


def test_a_price_of_the_settings_goes_first() -> None:
    settings = Settings(
        model="gpt-4o", model_base_url="https://api.openai.com/v1", model_input_price=2, model_output_price=6
    )
    assert price_of(settings)(USAGE) == 5.0


def test_a_listed_model_has_the_price_of_the_list() -> None:
    settings = Settings(model="gpt-4o-mini", model_base_url="https://api.openai.com/v1")
    assert price_of(settings)(RequestUsage(input_tokens=1_000, output_tokens=100)) == pytest.approx(0.00021)


def test_an_unknown_price_is_unknown_and_not_nothing() -> None:
    assert price_of(Settings(model="qwen3-coder", model_base_url="http://127.0.0.1:11434/v1"))(USAGE) is None
    assert price_of(Settings(model="no-such-model", model_base_url="https://api.openai.com/v1"))(USAGE) is None


def test_half_a_price_is_refused() -> None:
    with pytest.raises(SettingsError, match="only one of them is set"):
        price_of(Settings(model="m", model_input_price=1))
