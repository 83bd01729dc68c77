"""Compose documents as text: what stands in them stays as it is, whatever programs make of `$`."""

from collections.abc import Sequence
from typing import Any

import yaml


def compose_text(document: dict[str, Any]) -> str:
    """The document as YAML: the same text for the same document."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=False, width=1000)


def literal(words: Sequence[str]) -> list[str]:
    """Words that compose programs take as they are."""
    return [escaped(word) for word in words]


def escaped(text: str) -> str:
    """As it stands: compose programs replace `$NAME` by what their caller's environment holds."""
    return text.replace("$", "$$")


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as such, and every value written out where it stands."""

    def ignore_aliases(self, data: Any) -> bool:
        del data
        return True


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent)
