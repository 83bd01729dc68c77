"""`orket images`: what containers are made from, built and tried."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from orket_pipelines.cli.terminal import FAILED, Terminal, command
from orket_pipelines.errors import ContainerError, EngineUnavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from orket_pipelines.cli.checks import Finding
    from orket_pipelines.settings import Settings

group = typer.Typer()
KINDS = {"workbench": "workbench_image", "e2e": "e2e_image"}
"""The folders under images/, in the order in which they build on each other, and the settings that name the images."""
NO_ENGINE = "Start Docker, or name the engine: DOCKER_HOST=unix:///path/to/socket"


@command(group, "build")
def build(
    terminal: Terminal,
    base: Annotated[
        str | None,
        typer.Option("--base", envvar="ORKET_IMAGE_BASE", help="The image with Python that they begin from."),
    ] = None,
    node: Annotated[
        str | None, typer.Option("--node", envvar="ORKET_IMAGE_NODE", help="The image that Node is taken from.")
    ] = None,
) -> None:
    """Build the images that containers are made from."""
    settings = terminal.settings()
    _require_engine("images cannot be built")
    arguments = {"workbench": _given(BASE=base, NODE=node), "e2e": {"BASE": settings.workbench_image}}
    built: list[dict[str, str | bool]] = []
    for kind, setting in KINDS.items():
        name = getattr(settings, setting)
        ours = _is_ours(settings, kind)
        built.append({"image": name, "built": ours})
        if ours:
            _build_one(terminal, kind, name, arguments[kind])
        else:
            terminal.say(
                f"{name}: not built, because ORKET_{setting.upper()} names an image of yours; it is used as it is"
            )
    terminal.data(built)


def build_missing(terminal: Terminal, settings: "Settings") -> None:
    """Build those of our images that the engine lacks, where one answers and the settings allow containers.

    One that cannot be built (no registry in reach) is told, and left out.
    """
    from orket_pipelines.delivery.isolation import find_engine

    found = find_engine(settings)
    for kind, setting in KINDS.items():
        name = getattr(settings, setting)
        if name not in found.lacking or not _is_ours(settings, kind):
            continue
        terminal.say("once, a few minutes:")
        try:
            _build_one(terminal, kind, name, {} if kind == "workbench" else {"BASE": settings.workbench_image})
        except (ContainerError, EngineUnavailable) as error:
            terminal.say(f"{name}: {error}\n  {error.next_step}")
            return


@command(group, "check")
def check(terminal: Terminal) -> None:
    """Try whether the images hold what is needed."""
    settings = terminal.settings()
    _require_engine("images cannot be checked")
    findings = [finding for kind in KINDS for finding in _examine(settings, kind)]
    terminal.data([asdict(finding) for finding in findings])
    for finding in findings:
        terminal.say(f"{finding.status:<5} {finding.name:<20} {finding.found}")
        if finding.next:
            terminal.say(f"{'':<26} next: {finding.next}")
    if any(finding.status == "fail" for finding in findings):
        raise typer.Exit(FAILED)


def _build_one(terminal: Terminal, kind: str, name: str, arguments: "Mapping[str, str]") -> None:
    from orket_pipelines.containers.building import Recipe, build_image
    from orket_pipelines.settings import application_folder

    terminal.say(f"{name}: building")
    build_image(Recipe(name, application_folder() / "images" / kind, arguments), progress=_narrator(terminal))
    terminal.say(f"{name}: built")


def _is_ours(settings: "Settings", kind: str) -> bool:
    """Whether the setting names the image that we make, and not one of the user's."""
    return bool(getattr(settings, KINDS[kind]) == type(settings).model_fields[KINDS[kind]].default)


def _examine(settings: "Settings", kind: str) -> "list[Finding]":
    from orket_pipelines.cli.checks import Finding
    from orket_pipelines.containers import ContainerPurpose, Labels, command_user, installation_id, open_engine
    from orket_pipelines.containers.building import examine_image
    from orket_pipelines.store import process_identity

    name: str = getattr(settings, KINDS[kind])
    ours = _is_ours(settings, kind)
    engine = open_engine(settings.home, settings.container_tier)
    image = engine.find_image(name)
    if image is None:
        step = "orket images build" if ours else f"docker pull {name}"
        return [Finding(kind, "fail", f"{name} is not there", step)]
    purpose = ContainerPurpose.BROWSER if kind == "e2e" else ContainerPurpose.WORKBENCH
    labels = Labels(installation_id(settings.home), settings.workspace, "images", purpose, process=process_identity())
    answers = examine_image(engine, name, labels=labels, user=command_user(), browser=kind == "e2e")
    step = "orket images build" if ours else f"docker run --rm -it {name} sh"
    found = Finding(kind, "ok", f"{name}, {image.size / 1e6:.0f} MB")
    return [
        found,
        *(_judged(kind, answer.question, answer.said, step if not answer.usable else "") for answer in answers),
    ]


def _judged(kind: str, question: str, said: str, step: str) -> "Finding":
    from orket_pipelines.cli.checks import Finding
    from orket_pipelines.containers.building import NEEDED

    if not step:
        return Finding(f"{kind} {question}", "ok", said)
    return Finding(f"{kind} {question}", "fail", f"{said or 'no answer'}; needed is {NEEDED[question]}", step)


def _require_engine(attempt: str) -> None:
    from orket_pipelines.containers import engine_answers

    if not engine_answers():
        raise EngineUnavailable(f"{attempt}: no container engine answers", next_step=NO_ENGINE)


def _narrator(terminal: Terminal) -> "Callable[[str], None]":
    def tell(text: str) -> None:
        terminal.say("\n".join(f"  {line}" for line in text.splitlines()))

    return tell


def _given(**arguments: str | None) -> "Mapping[str, str]":
    return {name: value for name, value in arguments.items() if value is not None}
