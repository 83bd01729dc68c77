"""Settings: where they come from, and what is said of wrong ones."""

import json
from pathlib import Path

import pytest

from orket_pipelines.errors import SettingsError
from orket_pipelines.settings import Settings, load_settings


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(path: str, **found: object) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(json.dumps(found))


def test_defaults_need_nothing() -> None:
    found = load_settings()

    assert found == Settings()
    assert (found.concurrency, found.model, found.home) == (4, "scripted", Path(".orket"))


def test_flag_beats_environment_beats_workspace_beats_organization_beats_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load_settings().concurrency == 4
    write("config/organization.json", concurrency=5, turn_limit=50)
    assert load_settings().concurrency == 5
    write(".orket/workspace.json", concurrency=6)
    assert load_settings().concurrency == 6
    monkeypatch.setenv("ORKET_CONCURRENCY", "7")
    assert load_settings().concurrency == 7
    assert load_settings(concurrency=8).concurrency == 8
    assert load_settings(concurrency=None).concurrency == 7
    assert load_settings().turn_limit == 50


def test_the_workspaces_file_lies_in_the_home_that_flag_or_environment_name(monkeypatch: pytest.MonkeyPatch) -> None:
    write("one/workspace.json", concurrency=1)
    write("two/workspace.json", concurrency=2)

    monkeypatch.setenv("ORKET_HOME", "one")
    assert load_settings().concurrency == 1
    assert load_settings(home=Path("two")).concurrency == 2


def test_the_store_lies_in_the_home_unless_a_database_is_named(tmp_path: Path) -> None:
    assert load_settings(home=Path("here")).store_url == f"sqlite:///{tmp_path}/here/orket.db"
    assert load_settings(database_url="postgresql://db/orket").store_url == "postgresql://db/orket"


def test_a_wrong_value_is_named_with_what_it_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORKET_CONCURRENCY", "many")

    with pytest.raises(SettingsError, match=r"^ORKET_CONCURRENCY: .*integer.*, not 'many'$") as refused:
        load_settings()
    assert "orket doctor" in refused.value.next_step


@pytest.mark.parametrize("url", ["nonsense", "mysql://orket:pass-word@db/orket", "postgresql://orket:pass-word@db:x/o"])
def test_a_database_that_cannot_be_is_refused_and_its_password_not_shown(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    monkeypatch.setenv("ORKET_DATABASE_URL", url)

    with pytest.raises(SettingsError, match=r"^ORKET_DATABASE_URL: ") as refused:
        load_settings()
    assert "pass-word" not in str(refused.value)


def test_an_empty_variable_is_as_if_it_were_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORKET_MODEL", "")
    monkeypatch.setenv("ORKET_CONCURRENCY", "")

    assert load_settings() == Settings()


def test_a_file_where_a_folder_is_looked_for_holds_no_settings() -> None:
    Path("config").touch()

    assert load_settings() == Settings()


def test_a_wrong_value_in_a_file_is_named() -> None:
    write("config/organization.json", lease_patience=-1)

    with pytest.raises(SettingsError, match=r"^config/organization\.json: lease_patience: .*, not -1$"):
        load_settings()


def test_an_unknown_setting_in_a_file_is_named_by_the_file() -> None:
    write(".orket/workspace.json", concurency=5)

    with pytest.raises(SettingsError, match=r"\.orket/workspace\.json: unknown settings: concurency") as refused:
        load_settings()
    assert refused.value.next_step == "Correct .orket/workspace.json."


@pytest.mark.parametrize("content", ["{", "[]", "7", b"\xff"])
def test_a_broken_file_is_named(content: str | bytes) -> None:
    Path("config").mkdir()
    Path("config/organization.json").write_bytes(content if isinstance(content, bytes) else content.encode())

    with pytest.raises(SettingsError, match=r"config/organization\.json: "):
        load_settings()


def test_a_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORKET_MODEL_API_KEY", "sk-very-secret")

    assert "sk-very-secret" not in repr(load_settings())


def test_a_wrong_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    write("config/organization.json", model_api_key=["sk-very-secret"])

    with pytest.raises(SettingsError, match="model_api_key") as refused:
        load_settings()
    assert "sk-very-secret" not in str(refused.value)


@pytest.mark.parametrize("name", ["A", "a b", "../a", "", "a" * 40])
def test_a_workspace_has_a_plain_name(name: str) -> None:
    with pytest.raises(SettingsError, match="workspace"):
        load_settings(workspace=name)


def test_a_wrong_value_within_a_setting_is_named_by_its_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORKET_BUDGETS", '{"day": {"dollars": 5}}')
    with pytest.raises(SettingsError, match=r"ORKET_BUDGETS\.day\.dollars: Extra inputs are not permitted, not 5"):
        load_settings()


def test_a_setting_that_is_no_json_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORKET_BUDGETS", "five")
    with pytest.raises(SettingsError, match="ORKET_BUDGETS: must be JSON"):
        load_settings()


def test_budgets_come_from_files_as_well() -> None:
    write("config/organization.json", budgets={"issue": {"cost": 2}})
    assert load_settings().budgets.issue.cost == 2


def test_reviewers_are_named_with_commas_between(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().reviewers == ("integrity_guard",)
    write(".orket/workspace.json", reviewers=["integrity_guard", "technical_reviewer"])
    assert load_settings().reviewers == ("integrity_guard", "technical_reviewer")
    monkeypatch.setenv("ORKET_REVIEWERS", "technical_reviewer, integrity_guard")
    assert load_settings().reviewers == ("technical_reviewer", "integrity_guard")


@pytest.mark.parametrize("named", [",", "integrity_guard,integrity_guard"])
def test_reviewers_are_some_and_each_once(monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.setenv("ORKET_REVIEWERS", named)

    with pytest.raises(SettingsError, match=r"^ORKET_REVIEWERS: "):
        load_settings()


def test_at_least_one_approval_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORKET_REQUIRED_APPROVALS", "0")

    with pytest.raises(SettingsError, match=r"^ORKET_REQUIRED_APPROVALS: "):
        load_settings()


def test_a_limit_is_for_each_or_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORKET_ROCK_CONCURRENCY", "2")
    write("config/organization.json", role_concurrency={"coder": 3, "*": 1})

    found = load_settings()
    assert (found.rock_concurrency, found.role_concurrency) == ({"*": 2}, {"coder": 3, "*": 1})
    assert found.model_concurrency == {}


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ('{"coder": 0}', r"^ORKET_ROLE_CONCURRENCY\.coder: .*greater than 0, not 0$"),
        ("true", r"^ORKET_ROLE_CONCURRENCY: must be a number, or numbers by name, not True$"),
        ("coder=1", r"^ORKET_ROLE_CONCURRENCY: must be JSON$"),
    ],
)
def test_a_limit_that_is_none_is_named(monkeypatch: pytest.MonkeyPatch, value: str, told: str) -> None:
    monkeypatch.setenv("ORKET_ROLE_CONCURRENCY", value)

    with pytest.raises(SettingsError, match=told):
        load_settings()


def test_what_is_critical_comes_after_what_is_normal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORKET_BOTTLENECK_WARNING", "2")

    with pytest.raises(SettingsError, match="must not be below bottleneck_normal, which is 3"):
        load_settings()


def test_a_wrong_model_is_named_by_its_path_and_its_key_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    small = {"base_url": "127.0.0.1", "api_key": "sk-very-secret"}
    monkeypatch.setenv("ORKET_MODELS", json.dumps({"small": small}))
    with pytest.raises(SettingsError, match=r"^ORKET_MODELS\.small\.base_url: must begin with http") as refused:
        load_settings()
    assert "sk-very-secret" not in str(refused.value)


def test_an_address_that_holds_a_password_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORKET_MODELS", '{"small": {"base_url": "https://me:pass-word@models.example/v1"}}')
    with pytest.raises(SettingsError, match="must not hold a user or a password") as refused:
        load_settings()
    assert "pass-word" not in str(refused.value)


def test_the_keys_of_models_are_not_shown() -> None:
    write(".orket/workspace.json", models={"small": {"base_url": "http://localhost/v1", "api_key": "sk-very-secret"}})
    found = load_settings()
    assert "sk-very-secret" not in repr(found) + found.model_dump_json()
    key = found.models["small"].api_key
    assert key is not None
    assert key.get_secret_value() == "sk-very-secret"
