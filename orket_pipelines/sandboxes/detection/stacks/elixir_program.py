"""Elixir without a framework: a program that listens by hand, an application, a command, or a library."""

from orket_pipelines.sandboxes.detection.mix_projects import MANIFEST, listens, mix_service, read_mix
from orket_pipelines.sandboxes.detection.rule import Finding, Language, Rule, Site
from orket_pipelines.sandboxes.model import ServiceKind


def find(site: Site) -> Finding | None:
    """An umbrella only holds others together."""
    mix = read_mix(site)
    if mix is None or mix.umbrella:
        return None
    serving = None if mix.packaged else listens(site)
    if serving:
        return Finding(mix_service(site, mix, Language.ELIXIR, ServiceKind.WEB, f"{serving.path}: listens"))
    job = not mix.packaged and (mix.starts or mix.command)
    kind = ServiceKind.JOB if job else ServiceKind.LIBRARY
    return Finding(
        mix_service(site, mix, Language.ELIXIR, kind, f"{mix.path}: {'runs' if job else 'modules for others'}")
    )


RULE = Rule("elixir", Language.ELIXIR, (MANIFEST,), find)
