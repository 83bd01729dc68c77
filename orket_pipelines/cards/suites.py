"""The suites that a rock declares: their files, read when the cards are imported, so that no agent can reach them."""

import ast
import hashlib
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from orket_pipelines.cards.documents import parse_document
from orket_pipelines.cards.files import RockFields, SuiteFields, read_fields
from orket_pipelines.cards.http_checks import Fixture, HttpChecks
from orket_pipelines.cards.problems import Place, Problem, UnreadableFile, shown

SIZE_LIMIT = 200_000
"""Bytes of one suite's file; it is stored with its card, and in every event of it."""
BUILT_IN = ("project", "healthy", "smoke", "openapi", "scenarios")
"""The suites that every rock has without declaring them."""


@dataclass(frozen=True, slots=True)
class SuiteFile:
    """A suite as a rock's details hold it. `file` is relative to the card file; `digest` is SHA-256 of `source`."""

    name: str
    kind: str
    file: str
    source: str
    digest: str


def read_suites(rock: RockFields, card_file: Path, place: Place) -> tuple[tuple[SuiteFile, ...], list[Problem]]:
    """The suites of a rock with the text of their files, and everything that is wrong with them or their names."""
    found: list[SuiteFile] = []
    names = [suite.name for suite in rock.suites]
    problems = unknown_names(rock.verified_by, names, place)
    for number, suite in enumerate(rock.suites):
        at = place / "suites" / number
        if suite.name in BUILT_IN:
            problems.append((at / "name").problem(f"every rock has a suite {suite.name!r} already", "Rename yours."))
        elif suite.name in names[:number]:
            problems.append((at / "name").problem(f"two suites are called {suite.name!r}", "Rename one."))
        try:
            source = _read(suite, card_file.parent)
        except UnreadableFile as error:
            problems.append((at / "file").problem(f"{shown(suite.file)} {error}", error.next_step))
            continue
        problems.extend(_check(suite, source, Place(str(card_file.parent / suite.file))))
        digest = hashlib.sha256(source.encode()).hexdigest()
        found.append(SuiteFile(suite.name, suite.kind, suite.file, source, digest))
    return tuple(found), problems


def unknown_names(wanted: Sequence[str], declared: Collection[str], place: Place) -> list[Problem]:
    """A problem for each name under `verified_by` that no suite of the rock has."""
    known = (*BUILT_IN, *declared)
    return [
        (place / "verified_by" / number).problem(f"no suite is called {shown(name)}", f"Suites: {', '.join(known)}.")
        for number, name in enumerate(wanted)
        if name not in known
    ]


def _read(suite: SuiteFields, folder: Path) -> str:
    path = folder / suite.file
    try:
        # Links are followed before the question is asked, so that none leads out.
        if not path.resolve().is_relative_to(folder.resolve()):
            raise UnreadableFile("lies outside the folder of the card file", next_step="Put it beside the card file.")
        if Path(suite.file).is_absolute():
            raise UnreadableFile("is a path of this machine", next_step="Name it relative to the card file.")
        # A pipe or a device would be waited for, or never end.
        if not path.is_file():
            raise UnreadableFile("is not there", next_step="Write it, or correct the path, relative to the card file.")
        if path.stat().st_size > SIZE_LIMIT:
            raise UnreadableFile(f"is larger than {SIZE_LIMIT // 1000} kB", next_step="Split it: several suites.")
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableFile("is not text in UTF-8", next_step="Save it as UTF-8.") from error
    except (OSError, ValueError, RuntimeError) as error:  # a circle of links is a RuntimeError
        raise UnreadableFile(f"cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if "\0" in text:
        raise UnreadableFile("holds a NUL, which cannot be stored")
    if not text.strip():
        raise UnreadableFile("is empty, so that it verifies nothing", next_step="Write at least one check.")
    return text


def _check(suite: SuiteFields, source: str, place: Place) -> list[Problem]:
    if suite.kind == "e2e":
        return _check_python(source, place)
    return _check_document(HttpChecks if suite.kind == "http" else Fixture, source, place)


def _check_document(form: type[HttpChecks | Fixture], source: str, place: Place) -> list[Problem]:
    try:
        document = parse_document(source, as_json=place.file.endswith(".json"))
    except UnreadableFile as error:
        return [place.problem(str(error), error.next_step)]
    return read_fields(form, document, place)[1]


def _check_python(source: str, place: Place) -> list[Problem]:
    """That pytest would load it and find a test; nothing of it is run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
            compile(tree, place.file, "exec", dont_inherit=True)
    except SyntaxError as error:
        return [place.problem(f"line {error.lineno}: {error.msg}", "Correct the Python.")]
    except (ValueError, RecursionError, MemoryError) as error:
        return [place.problem(f"cannot be compiled: {error}", "Correct the Python.")]
    if not any(_holds_a_test(node) for node in tree.body):
        return [place.problem("has no test function", "Write one: def test_the_page_loads(page): ...")]
    return []


def _holds_a_test(node: ast.stmt) -> bool:
    if isinstance(node, ast.ClassDef):
        return node.name.startswith("Test") and any(_is_a_test(child) for child in node.body)
    return _is_a_test(node)


def _is_a_test(node: ast.stmt) -> bool:
    """Not a coroutine: Playwright is driven through its synchronous interface."""
    return isinstance(node, ast.FunctionDef) and node.name.startswith("test")
