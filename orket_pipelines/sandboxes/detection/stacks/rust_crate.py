"""Rust that serves nothing that is known: a program, or a library."""

from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.detection.rust_crates import MANIFEST, read_crate, rust_service
from orket_pipelines.sandboxes.detection.source import Source
from orket_pipelines.sandboxes.model import ServiceKind

_listens = (("Server", ":", ":", "bind", "("), ("TcpListener", ":", ":", "bind", "("))

_subcommands = frozenset({"cmd", "command", "commands", "subcommands"})


def find(site: Site) -> Finding | None:
    """A program that listens by hand is a server; one that is built besides a library belongs to that."""
    crate = read_crate(site)
    if crate is None or not crate.name:
        return None
    listens = any(source.has(*each) for source in crate.sources for each in _listens if not _is_subcommand(source))
    calls = "tonic" in crate.dependencies and any(
        each.has("Server", ":", ":", "builder", "(") for each in crate.sources
    )
    if crate.programs and (listens or calls) and not crate.library:
        found = rust_service(
            site, crate, Language.RUST, ServiceKind.WEB, f"{site.folder.file(MANIFEST)}: listens", port=8080
        )
        return Finding(found)
    job = bool(crate.programs) and not (crate.library and crate.name not in crate.programs)
    seen = f"{site.folder.file(MANIFEST)}: {'builds ' + crate.programs[0] if job else 'a crate for others to use'}"
    return Finding(
        rust_service(site, crate, Language.RUST, ServiceKind.JOB if job else ServiceKind.LIBRARY, seen, port=None)
    )


def _is_subcommand(source: Source) -> bool:
    """Whether it is but one of the things that a command does when it is asked."""
    return not _subcommands.isdisjoint(source.path.split("/"))


RULE = Rule("rust", Language.RUST, (MANIFEST,), find)
