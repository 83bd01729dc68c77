"""What the endings of files tell of a repository: which languages it is written in, and how much of each."""

from collections import Counter
from collections.abc import Iterable

from orket_pipelines.sandboxes.detection.rule import Language
from orket_pipelines.sandboxes.detection.tree import Folder, Tree
from orket_pipelines.sandboxes.model import Service, ServiceKind

FOREIGN_SHARE = 2
"""As many files of other languages for each of one that is known: then a repository is written in those."""

_known = {
    Language.PYTHON: ("py", "ipynb"),
    Language.NODE: ("js", "ts", "jsx", "tsx", "mjs", "cjs", "mts"),
    Language.GO: ("go",),
    Language.RUST: ("rs",),
    Language.JAVA: ("java", "kt"),
    Language.PHP: ("php",),
    Language.RUBY: ("rb",),
    Language.DOTNET: ("cs", "fs"),
    Language.ELIXIR: ("ex", "exs"),
}
_endings = {ending: language for language, endings in _known.items() for ending in endings}
_foreign = frozenset(
    {
        *("sh", "bash", "zsh", "fish", "ps1", "psm1", "bat", "zsh-theme", "vim", "lua", "el", "nix", "tf", "pl", "pm"),
        *(
            "c",
            "cc",
            "cpp",
            "cxx",
            "h",
            "hh",
            "hpp",
            "m",
            "mm",
            "swift",
            "dart",
            "zig",
            "nim",
            "d",
            "pas",
            "f90",
            "asm",
        ),
        *("hs", "ml", "mli", "clj", "cljs", "erl", "gleam", "lisp", "scm", "rkt", "jl", "r", "rmd", "scala", "groovy"),
        *("cu", "glsl", "hlsl", "gd", "ino", "sol", "vhd", "sv", "tex", "cr", "coffee", "elm", "purs", "hx", "as"),
    }
)
"""Languages that no rule knows."""
_texts = ("md", "markdown", "rst", "adoc")
TEXTS_PER_SOURCE = 10
"""Documents that weigh as much as one source: what is all of them is a book."""


def files_of_languages(folders: Iterable[Folder]) -> Counter[str]:
    """The number of files in each language that rules know."""
    found = (_endings.get(name.rpartition(".")[2].lower()) for folder in folders for name in folder.files)
    return Counter(str(each) for each in found if each)


def most_spoken(tree: Tree, found: Counter[str]) -> str:
    """The language of most files, among those of what was found."""
    counts = files_of_languages(tree.folders.values())
    return max(found, key=lambda language: (counts[language], found[language]), default="")


def is_written_otherwise(tree: Tree, language: str) -> bool:
    """Whether most of a repository is in languages that no rule knows, like shell, C and Lua."""
    names = [name for folder in tree.folders.values() for name in folder.files]
    endings = Counter(name.rpartition(".")[2].lower() for name in names if "." in name)
    foreign = sum(endings[each] for each in _foreign) + sum(endings[each] for each in _texts) / TEXTS_PER_SOURCE
    return foreign > FOREIGN_SHARE * files_of_languages(tree.folders.values())[language]


def by_files_alone(tree: Tree) -> list[Service]:
    """What the endings of files tell where no rule found anything: a language, and no more."""
    counts = files_of_languages(tree.folders.values())
    language = max(counts, key=lambda each: counts[each], default="")
    if not language or is_written_otherwise(tree, language):
        return []
    seen = (f"{counts[language]} files are of this language, and nothing starts them",)
    return [Service("", language, ServiceKind.LIBRARY, ".", confidence=0.2, evidence=seen, language=Language(language))]
