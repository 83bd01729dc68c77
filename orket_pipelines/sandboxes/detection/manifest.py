"""`orket.yaml`: what a repository says of itself, which comes before everything that could be found."""

import posixpath
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from orket_pipelines.cards.documents import read_document
from orket_pipelines.cards.problems import UnreadableFile
from orket_pipelines.errors import DetectionError
from orket_pipelines.sandboxes.detection.tree import Tree
from orket_pipelines.sandboxes.model import Detection, Service, ServiceKind

MANIFEST = "orket.yaml"
SERVICES_LIMIT = 16


def _inside(path: str) -> str:
    normal = posixpath.normpath(path)
    if not path.isprintable() or normal.startswith(("/", "..")):
        raise ValueError("must be a folder of this repository, as a relative path")
    return normal


def _printable(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must be plain text on one line")
    return text


Inside = Annotated[str, Field(max_length=500), AfterValidator(_inside)]
Word = Annotated[str, Field(min_length=1, max_length=1000), AfterValidator(_printable)]
Name = Annotated[str, StringConstraints(pattern=r"^[a-z]([a-z0-9-]{0,28}[a-z0-9])?$")]
UrlPath = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._~/-]{0,200}$")]
Prefix = Annotated[str, StringConstraints(pattern=r"^(/[A-Za-z0-9._~-]{1,60}){1,5}$")]
Command = Annotated[tuple[Word, ...], Field(min_length=1, max_length=64)]


class _Written(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DeclaredService(_Written):
    """One service. A web service is started, a SPA is built and its output served, static files are served."""

    kind: Literal["web", "spa", "static"]
    folder: Inside = "."
    stack: Word = "declared"
    start: Command | None = None
    port: int = Field(8000, ge=1024, le=65_535)
    health: UrlPath = "/"
    build: Command | None = None
    output: Inside | None = None
    databases: tuple[Literal["postgres", "mysql", "mariadb", "mongo", "redis"], ...] = ()

    @model_validator(mode="after")
    def _has_what_its_kind_needs(self) -> "DeclaredService":
        if (self.kind == "web") is (self.start is None):
            raise ValueError("start: a web service needs one" if self.kind == "web" else "start: only for kind web")
        if self.kind == "spa" and (self.build is None or self.output is None):
            raise ValueError("build and output: a spa needs both")
        if self.databases and self.kind != "web":
            raise ValueError("databases: only for kind web")
        return self

    def as_service(self, name: str) -> Service:
        """The service under its name in the manifest."""
        web = self.kind == "web"
        return Service(
            name=name,
            stack=self.stack,
            kind=ServiceKind(self.kind),
            folder=self.folder,
            start=self.start or (),
            build=self.build or (),
            output=None if web else self.output or ".",
            port=self.port if web else None,
            health_path=self.health,
            databases=self.databases,
            evidence=(f"{MANIFEST}: services.{name}",),
        )


class Manifest(_Written):
    """The whole file."""

    services: Annotated[dict[Name, DeclaredService], Field(max_length=SERVICES_LIMIT)] = {}
    front: Name | None = None
    routes: Annotated[dict[Prefix, Name], Field(max_length=SERVICES_LIMIT)] | None = None

    @model_validator(mode="after")
    def _names_what_it_declares(self) -> "Manifest":
        named = {*([self.front] if self.front else []), *(self.routes or {}).values()}
        unknown = sorted(named - set(self.services)) if self.services else []
        if unknown:
            raise ValueError(f"front and routes name {', '.join(unknown)}, which services does not declare")
        return self


def read_manifest(tree: Tree, root: Path) -> Detection | None:
    """What the manifest at the root says; None without one. Raises: DetectionError with the key that is wrong."""
    if MANIFEST not in tree.folders["."].files:
        return None
    try:
        written = Manifest.model_validate(read_document(root / MANIFEST))
    except UnreadableFile as error:
        raise _wrong(str(error)) from error
    except ValidationError as error:
        raise _wrong("; ".join(_told(each["loc"], each["msg"]) for each in error.errors()[:3])) from error
    missing = [each.folder for each in written.services.values() if each.folder not in tree.folders]
    if missing:
        raise _wrong(f"there is no folder {missing[0]!r} here that could hold a service")
    services = tuple(each.as_service(name) for name, each in written.services.items())
    return Detection(services=services, front=written.front, routes=written.routes)


def _told(location: tuple[int | str, ...], message: str) -> str:
    path = ".".join(str(each) for each in location if each != "[key]")
    return f"{path}: {message.removeprefix('Value error, ')}" if path else message.removeprefix("Value error, ")


def _wrong(what: str) -> DetectionError:
    return DetectionError(
        f"{MANIFEST}: {what}", next_step=f"Correct {MANIFEST}; docs/SANDBOXES.md shows what it may say."
    )
