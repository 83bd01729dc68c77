"""Where packages may come from."""

import os
from pathlib import Path

import pytest

from orket_pipelines.dependencies.sources import (
    Configured,
    Host,
    ask_this_machine,
    read_pip_configuration,
    sources,
)
from orket_pipelines.errors import SettingsError

DEFAULTS = Configured(
    pip_default=("https://index.example/simple", "files.example"), npm_default=("https://npm.example/",)
)
DEFAULTS_OF_BOTH = (DEFAULTS.pip_default, DEFAULTS.npm_default)


def test_by_default_installs_reach_what_pip_and_npm_reach() -> None:
    found = sources((), DEFAULTS)
    assert list(map(str, found.hosts)) == ["files.example:443", "index.example:443", "npm.example:443"]
    assert found.variables == ()


def test_an_index_that_a_person_set_takes_the_place_of_the_default() -> None:
    found = sources((), Configured("https://mirror.example:8443/simple", (), None, *DEFAULTS_OF_BOTH))
    assert list(map(str, found.hosts)) == ["mirror.example:8443!", "npm.example:443"]
    assert found.variables == (("PIP_INDEX_URL", "https://mirror.example:8443/simple"),)


def test_credentials_stay_here_and_a_note_says_so() -> None:
    found = sources((), Configured(npm_registry="https://me:secret@mirror.example/npm/"))
    assert found.variables == (("npm_config_registry", "https://mirror.example/npm/"),)
    assert found.notes == ("the credentials for mirror.example are not given to installs in containers",)


def test_what_lies_on_this_machine_or_is_not_encrypted_is_not_used() -> None:
    found = sources((), Configured("file:///opt/simple", ("http://mirror.example/simple",), None, *DEFAULTS_OF_BOTH))
    assert [host.name for host in found.hosts] == ["files.example", "index.example", "npm.example"]
    assert len(found.notes) == 2


def test_the_setting_names_all_there_are() -> None:
    found = sources(("Mirror.example", "other.example:8443"), DEFAULTS)
    assert found.hosts == (Host("mirror.example", 443, by_person=True), Host("other.example", 8443, by_person=True))


@pytest.mark.parametrize("wrong", ["https://mirror.example/simple", "a b", "", "x:y", "!"])
def test_a_setting_that_is_no_host_is_refused(wrong: str) -> None:
    with pytest.raises(SettingsError, match="package_sources"):
        sources((wrong,), DEFAULTS)


def test_pips_settings_count_as_pip_counts_them() -> None:
    listed = """
global.index-url='https://global.example/simple'
install.index-url='https://install.example/simple'
:env:.extra-index-url='file:///opt/a https://b.example/simple'
global.extra-index-url='https://c.example/simple'
global.cert='/x'
"""
    assert read_pip_configuration(listed) == (
        "https://install.example/simple",
        ("file:///opt/a", "https://b.example/simple"),
    )


def test_this_machines_own_pip_is_asked(tmp_path: Path) -> None:
    settings = tmp_path / "pip.conf"
    settings.write_text("[global]\nindex-url = https://mirror.example/simple\n")
    found = ask_this_machine(os.environ | {"PIP_CONFIG_FILE": str(settings), "PATH": str(tmp_path)})
    assert found.pip_index == "https://mirror.example/simple"
    assert (found.npm_registry, found.npm_default) == (None, ())
    assert len(found.pip_default) == 2
