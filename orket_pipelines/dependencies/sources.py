"""Where packages may come from: what the settings name, or what this machine's own pip and npm are set to.

No address of a public registry stands here: pip and npm know theirs, and are asked.
"""

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from urllib.parse import urlsplit, urlunsplit

from orket_pipelines.errors import SettingsError

HTTPS = 443
PATIENCE = 30.0
"""Seconds that pip or npm may take to tell."""
PIP_DEFAULT = "from pip._internal.models.index import PyPI; print(PyPI.simple_url, PyPI.file_storage_domain)"
"""A program for pip's own interpreter: the address of its default index, and the host of that one's files."""
NPM_DEFAULT = ("npm", "config", "get", "registry", "--userconfig=/dev/null/user", "--globalconfig=/dev/null/global")
ADVICE = 'Name the hosts of your package sources: ORKET_PACKAGE_SOURCES=\'["host", "host:port"]\''
_pip_line = re.compile(r"(?P<section>[\w:-]+)\.(?P<key>extra-index-url|index-url)=(?P<value>'.*'|\".*\")")
_host = re.compile(r"(?P<host>[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)(?::(?P<port>[0-9]{1,5}))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Host:
    """`by_person`: somebody named it, so that it may lie in a private network."""

    name: str
    port: int
    by_person: bool

    def __str__(self) -> str:
        return f"{self.name}:{self.port}{'!' if self.by_person else ''}"


@dataclass(frozen=True, slots=True)
class Configured:
    """What pip and npm of a machine say. `pip_index` and `npm_registry` are None where they are at their defaults;
    the defaults are () where nobody could be asked: pip's index and the host of its files, npm's registry.
    """

    pip_index: str | None = None
    pip_extra: tuple[str, ...] = ()
    npm_registry: str | None = None
    pip_default: tuple[str, ...] = ()
    npm_default: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sources:
    """`variables` tell pip and npm where to look; `notes` tell a person what of their settings does not count."""

    hosts: tuple[Host, ...]
    variables: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()


def sources(named: Sequence[str], configured: Configured) -> Sources:
    """What installs may reach. `named` is the setting: where it names hosts, there are no others.

    Raises: SettingsError where one of them is no host.
    """
    notes: list[str] = []
    index = _usable(filter(None, [configured.pip_index]), notes)
    extra = _usable(configured.pip_extra, notes)
    registry = _usable(filter(None, [configured.npm_registry]), notes)
    if named:
        hosts = [_parsed_host(each) for each in named]
    else:
        hosts = [_host_of(url, by_person=True) for url in (*index, *extra, *registry)]
        hosts += [_host_of(each, by_person=False) for each in configured.pip_default if not index]
        hosts += [_host_of(each, by_person=False) for each in configured.npm_default if not registry]
    variables = {
        "PIP_INDEX_URL": " ".join(index),
        "PIP_EXTRA_INDEX_URL": " ".join(extra),
        "npm_config_registry": " ".join(registry),
    }
    given = tuple((name, value) for name, value in variables.items() if value)
    return Sources(tuple(sorted(set(hosts), key=str)), given, tuple(notes))


def ask_this_machine(environment: Mapping[str, str] = os.environ) -> Configured:
    """What pip and npm of this machine say; what is not installed says nothing."""
    pip = next((each for each in _pips() if _answer([*each, "--version"], environment) is not None), None)
    index, extra = read_pip_configuration(_answer([*pip, "config", "list"], environment) or "" if pip else "")
    has_npm = shutil.which("npm", path=environment.get("PATH")) is not None
    default = _answer(NPM_DEFAULT, _without_npm_settings(environment)) if has_npm else None
    registry = _answer(("npm", "config", "get", "registry"), environment) if has_npm else None
    return Configured(
        pip_index=index,
        pip_extra=extra,
        npm_registry=registry.strip() if registry and registry != default else None,
        pip_default=_words(_answer([sys.executable, "-c", PIP_DEFAULT], environment)),
        npm_default=_words(default),
    )


@cache
def ask_this_machine_once() -> Configured:
    """The same, for the life of this process: to ask takes a second or two."""
    return ask_this_machine()


def read_pip_configuration(listed: str) -> tuple[str | None, tuple[str, ...]]:
    """The index and the extra ones, out of `pip config list`; the command's section counts more than the global one,
    and the environment most."""
    found = {(match["section"], match["key"]): match["value"] for match in _pip_line.finditer(listed)}
    index, extra = (
        next(
            (
                str(ast.literal_eval(found[section, key]))
                for section in (":env:", "install", "global")
                if (section, key) in found
            ),
            "",
        )
        for key in ("index-url", "extra-index-url")
    )
    return index.strip() or None, tuple(extra.split())


def _usable(urls: Iterable[str], notes: list[str]) -> list[str]:
    """The addresses that an install in a container can use, without credentials; the notes say what was left out."""
    kept = []
    for url in urls:
        parts = urlsplit(url)
        shown = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
        if parts.scheme != "https" or not parts.hostname:
            notes.append(f"{shown} is not used by installs in containers: only https:// is")
            continue
        if "@" in parts.netloc:
            notes.append(f"the credentials for {parts.hostname} are not given to installs in containers")
        kept.append(shown)
    return kept


def _host_of(address: str, *, by_person: bool) -> Host:
    """Of an address, or of a bare host."""
    parts = urlsplit(address if "//" in address else f"//{address}")
    return Host(parts.hostname or "", parts.port or HTTPS, by_person)


def _parsed_host(text: str) -> Host:
    """Of the setting. Raises: SettingsError."""
    found = _host.fullmatch(text)
    if found is None:
        raise SettingsError(f"package_sources: {text!r} is no host, nor host:port", next_step=ADVICE)
    return Host(found["host"].lower(), int(found["port"] or HTTPS), by_person=True)


def _pips() -> Iterator[list[str]]:
    """A virtual environment may lack pip; its configuration is the user's and the machine's, whoever reads it."""
    yield [sys.executable, "-m", "pip"]
    yield from ([found] for found in map(shutil.which, ("pip3", "pip")) if found)


def _answer(command: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """What a command says; None where it cannot be asked. Not from a checkout, which may bring a file of settings."""
    try:
        done = subprocess.run(
            command,
            cwd="/",
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def _without_npm_settings(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.lower().startswith("npm_config_")}


def _words(text: str | None) -> tuple[str, ...]:
    return tuple(text.split()) if text else ()
