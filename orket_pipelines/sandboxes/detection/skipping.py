"""Folders that are not looked into: other people's code, what was built, tests, and programs to try things with."""

import re
from collections.abc import Iterable

SKIPPED = frozenset(
    {
        *("node_modules", "bower_components", "vendor", "third_party", "third-party", "thirdparty", "deps", "pods"),
        *("__pycache__", "site-packages", "venv", "env", "virtualenv"),
        *("dist", "build", "_build", "out", "target", "obj", "coverage", "htmlcov", "storybook-static"),
        *("tests", "test", "testing", "__tests__", "__mocks__", "__fixtures__", "testdata", "cypress", "spec", "specs"),
        *("docs", "doc", "documentation", "docs_src", "bench", "snippets", "project_template", "starters"),
    }
)
"""By their whole names, in whatever case; hidden ones besides."""
SKIPPED_WORDS = frozenset(
    {
        *("test", "tests", "e2e", "fixture", "fixtures", "example", "examples", "sample", "samples", "demo", "demos"),
        *("playground", "playgrounds", "benchmark", "benchmarks", "tutorial", "tutorials"),
        *("template", "templates", "boilerplate", "boilerplates", "scaffold", "scaffolds"),
    }
)
"""By one word of their names: `sfc-playground`, `Shop.Tests`, `TestConsole`."""

_pages = frozenset({"frontend", "front-end", "front", "client", "web", "webapp", "ui"})
_halves = frozenset({"backend", "frontend", "api"})
_shows_whole = frozenset({"demo", "sample", "template", "boilerplate"})
_word = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|e2e")


def is_looked_into(name: str, parent: str, *, beside: Iterable[str] = (), everything: bool = False) -> bool:
    """Whether a folder of this name, in the folder of that path, may hold what a repository is for.

    `beside`: the folders next to it. `everything`: whatever it shows or tries, as long as it is the repository's own.
    """
    if name.startswith("."):
        return False
    if name == "it" and parent.rpartition("/")[2] == "src":
        # What Maven's own plugins are tried with.
        return False
    if "/src/main/" in f"/{parent}/":
        # Java's packages: `com.example.demo` is where most programs begin their life.
        return True
    if name == "docs" and parent == "apps":
        # A workspace's documentation may be one of its applications.
        return True
    if name == "demo" and parent == "." and not _pages.isdisjoint(each.lower() for each in beside):
        # What generators call a program before anybody does.
        return True
    # A project of .NET, `Shop.ProjectTemplate.Api`, is what somebody's template is for.
    shown = re.sub(r"Template(?!s)", "", name) if name.count(".") > 1 else name
    words = {each.lower() for each in _word.findall(shown)}
    if parent == "." and not words.isdisjoint(_halves) and not words.isdisjoint(_shows_whole):
        # The halves of one program: a library shows itself by a whole one.
        words -= _shows_whole
    return name.lower() not in SKIPPED and (everything or SKIPPED_WORDS.isdisjoint(words))
