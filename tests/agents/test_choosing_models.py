"""Which model works on what, and what is said of settings that name what is not there."""

from typing import Any

import pytest

from orket_pipelines.agents.model import Purpose
from orket_pipelines.agents.models import open_models
from orket_pipelines.agents.models.catalog import bounds_of, chain_of, dialect_for, server_of
from orket_pipelines.agents.models.choosing import choose_model, is_simple
from orket_pipelines.cards import Card, CardKind
from orket_pipelines.errors import ModelError, SettingsError
from orket_pipelines.model_settings import SimpleWork
from orket_pipelines.settings import Settings

# To open a model on a server loads a client library.
pytestmark = pytest.mark.slow
SERVER = {"base_url": "http://127.0.0.1:11434/v1"}
MODELS = {"big": SERVER, "small": SERVER, "other": SERVER}


def card(**changes: Any) -> Card:
    return Card("one", CardKind.ISSUE, "One", **changes)


def chosen(settings: Settings, of: Card | None = None, **changes: Any) -> str:
    return choose_model(settings, of or card(), **{"role": "coder", "purpose": Purpose.WORK} | changes)


def test_the_first_that_says_a_model_decides_card_rock_rule_role_setting() -> None:
    settings = Settings(model="big", models=MODELS)
    assert chosen(settings) == "big"
    settings = settings.model_copy(update={"role_models": {"coder": "other"}})
    assert (chosen(settings), chosen(settings, role="qa")) == ("other", "big")
    settings = settings.model_copy(update={"simple_work": SimpleWork(model="small", priority_at_most=2)})
    assert chosen(settings) == "small"
    assert chosen(settings, wanted="rocks-own") == "rocks-own"
    params = {"model": "cards-own", "models": {"qa": "its-own-for-qa"}}
    assert chosen(settings, card(details={"params": params}), wanted="rocks-own") == "cards-own"
    assert chosen(settings, card(details={"params": params}), role="qa") == "its-own-for-qa"
    assert chosen(settings, card(details={"params": {"models": "nonsense"}})) == "small"


@pytest.mark.parametrize(
    ("rule", "simple"),
    [
        ({}, False),
        ({"priority_at_most": 1}, True),
        ({"priority_at_most": 0.5}, False),
        ({"labels": ["typo", "docs"]}, True),
        ({"labels": ["schema"]}, False),
        ({"size_at_most": 10}, True),
        ({"size_at_most": 9}, False),
        ({"size_at_most": 10, "labels": ["schema"]}, False),
        ({"size_at_most": 10, "labels": ["docs"], "priority_at_most": 3}, True),
    ],
)
def test_a_card_is_simple_where_it_keeps_to_every_limit_that_is_set(rule: dict[str, Any], simple: bool) -> None:
    details = {"labels": ["docs"], "description": "12345", "requirements": "67890"}
    of = card(priority=1.0, details=details)
    assert is_simple(SimpleWork(model="small", **rule), of, Purpose.WORK) is simple


def test_what_came_back_is_not_simple_any_more_unless_its_purpose_is_named() -> None:
    rule = SimpleWork(model="small", priority_at_most=3, purposes=frozenset({"conflict"}))
    assert is_simple(rule, card(), Purpose.WORK)
    assert not is_simple(rule, card(), Purpose.WORK, visit=2)
    assert not is_simple(rule, card(attempt=2), Purpose.WORK)
    assert not is_simple(rule, card(), Purpose.TESTS_FAILED)
    assert not is_simple(rule, card(), Purpose.REVIEW)
    assert is_simple(rule, card(attempt=2, priority=9.0), Purpose.CONFLICT, visit=3)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"role_models": {"coder": "smal"}}, r"^role_models\.coder: there is no model 'smal'; is small meant\?$"),
        ({"role_models": {"codr": "small"}}, r"^role_models: there is no role 'codr'; is coder meant\?$"),
        ({"model_fallback": ["xyz"]}, r"^model_fallback\.0: there is no model 'xyz'; there are: scripted, big"),
        ({"simple_work": {"model": "tiny"}}, r"^simple_work\.model: there is no model 'tiny'"),
        ({"simple_work": {"model": "small", "purposes": ["reviews"]}}, r"purpose 'reviews'; is review meant\?$"),
        ({"models": {"a": SERVER | {"fallback": ["b"]}}}, r"^models\.a\.fallback\.0: there is no model 'b'"),
        ({"models": {"a": SERVER | {"dialect": "latin"}}}, r"^models\.a\.dialect: there is no dialect 'latin'"),
        ({"models": {"scripted": SERVER}}, r"^models\.scripted: this is the name"),
        ({"models": {"a": SERVER | {"input_price": 1}}}, r"only one of them is set$"),
    ],
)
def test_a_name_that_is_not_there_is_told_with_the_path_to_it(given: dict[str, Any], told: str) -> None:
    with pytest.raises(SettingsError, match=told):
        open_models(Settings(**{"models": MODELS} | given))


def test_a_card_that_names_an_unknown_model_is_told_so() -> None:
    models = open_models(Settings(model="big", models=MODELS))
    with pytest.raises(ModelError, match="the settings name no model 'bigg'; is big meant") as caught:
        models.chain("bigg")
    assert "orket models list" in caught.value.next_step


def test_a_model_of_ones_own_takes_over_bounds_and_never_server_or_key() -> None:
    own = SERVER | {"turn_timeout": 7, "model": "qwen3:8b", "fallback": ["big"]}
    settings = Settings(
        model="main",
        model_base_url="https://main.example/v1",
        model_api_key="sk-for-the-main-server",
        model_retries=1,
        models=MODELS | {"own": own},
    )
    bounds = bounds_of(settings, "own")
    assert (bounds.turn_timeout, bounds.retries, bounds.connect_timeout) == (7, 1, 10)
    assert server_of(settings, "own").api_key is None
    assert str(server_of(settings, "main").base_url) == "https://main.example/v1"
    assert dialect_for(settings, "own").name == "qwen"
    assert (chain_of(settings, "own"), chain_of(settings, "main")) == (("own", "big"), ("main",))


def test_the_scripted_model_may_be_one_of_several() -> None:
    settings = Settings(models=MODELS, role_models={"qa": "small"})
    assert not settings.is_scripted
    models = open_models(settings)
    assert models.open(models.chain(None)[0]).name == "scripted (no language model)"
    assert models.open("small").name == "small"
