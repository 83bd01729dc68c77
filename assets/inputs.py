"""What work is made from: roles and models, which have no partitions, and the card files of each rock."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from dagster import (
    AssetExecutionContext,
    AssetKey,
    DagsterInstance,
    Failure,
    MaterializeResult,
    MetadataValue,
    multi_asset,
)
from dagster._core.definitions.data_version import extract_data_version_from_entry

from assets.graph import INPUTS, spec
from assets.model import Made, Values
from assets.recorder import told
from assets.versions import version_of
from orket_pipelines.agents.models.catalog import model_names, told_server
from orket_pipelines.agents.roles import load_roles, role_files
from orket_pipelines.cards.records import list_cards
from orket_pipelines.settings import Settings
from orket_pipelines.store import Store
from resources import RecordsResource

IMPORT = "orket cards import examples/todo/cards"


@multi_asset(
    name="prompts_and_models",
    specs=[
        spec(
            "roles",
            group=INPUTS,
            kinds=["markdown"],
            owner="agents",
            description="Who works: each role's intent, tools, states and prompt. Its version is the hash of the role "
            "files, so code that was made with an older prompt shows as out of date.",
        ),
        spec(
            "models",
            group=INPUTS,
            kinds=["openai"],
            owner="agents",
            description="The model that the settings name, and the server that runs it.",
        ),
    ],
)
def prompts_and_models(context: AssetExecutionContext, records: RecordsResource) -> Iterator[MaterializeResult[None]]:
    """Record the roles and the model as they are now."""
    yield from told(context, current_inputs(records.settings))


@multi_asset(
    name="files_of_a_rock",
    specs=[
        spec(
            "card_files",
            group=INPUTS,
            kinds=["json", "yaml"],
            owner="planning",
            description="The files that a rock's cards came from. Its version is the hash of their content.",
        ),
    ],
)
def files_of_a_rock(context: AssetExecutionContext, records: RecordsResource) -> Iterator[MaterializeResult[None]]:
    """Record the card files of a rock as they are now."""
    made = card_files_made(records.store, context.partition_key)
    if made is None:
        raise no_card(context.partition_key)
    yield from told(context, [made])


def current_inputs(settings: Settings) -> list[Made]:
    """Roles and models as files and settings say."""
    return [_roles_made(settings), _models_made(settings)]


def changed_inputs(instance: DagsterInstance, settings: Settings) -> list[Made]:
    """Those of them that Dagster does not know in this version yet."""
    return [made for made in current_inputs(settings) if _known_version(instance, made.asset) != made.version]


def card_files_made(store: Store, rock_id: str) -> Made | None:
    """The card files of a rock; None where there is no such rock."""
    with store.read() as tx:
        cards = list_cards(tx, rock_id=rock_id)
    if not cards:
        return None
    sources = {card.source.partition("#")[0] for card in cards if card.source}
    hashes = {name: _hash_of([Path(name)]) for name in sorted(sources)}
    rows = "\n".join(f"| `{name}` | {version or 'gone'} |" for name, version in hashes.items())
    version = version_of([rock_id, *hashes.values()])
    metadata: Values = {"files": MetadataValue.md(f"| file | content |\n|---|---|\n{rows}"), "cards": len(cards)}
    return Made("card_files", rock_id, version, f"{len(hashes)} files, {len(cards)} cards", metadata)


def no_card(partition: str) -> Failure:
    """The answer where a partition was asked for that no card stands behind."""
    return Failure(
        f"There is no card {partition!r}. Next: import its file: {IMPORT}",
        metadata={"next step": MetadataValue.text(IMPORT)},
        allow_retries=False,
    )


def _roles_made(settings: Settings) -> Made:
    roles = load_roles(settings.roles)
    rows = "\n".join(f"| {role.name} | {role.intent} | {', '.join(sorted(role.tools))} |" for role in roles.values())
    table = MetadataValue.md(f"| role | intent | tools |\n|---|---|---|\n{rows}")
    return Made("roles", None, _hash_of(role_files(settings.roles)), ", ".join(roles), {"roles": table})


def _models_made(settings: Settings) -> Made:
    servers = {name: told_server(settings, name) for name in model_names(settings)}
    rows = "\n".join(f"| {name} | {server} |" for name, server in servers.items())
    table = MetadataValue.md(f"| model | server |\n|---|---|\n{rows}")
    metadata: Values = {"model": settings.model, "models": table, "isolation": settings.isolation}
    version = version_of([*map(list, servers.items()), settings.role_models])
    return Made("models", None, version, ", ".join(servers), metadata)


def _known_version(instance: DagsterInstance, asset: str) -> str | None:
    record = instance.get_latest_data_version_record(AssetKey(asset))
    version = record and extract_data_version_from_entry(record.event_log_entry)
    return version.value if version else None


def _hash_of(paths: Iterable[Path]) -> str:
    """Of the files' content; empty where one cannot be read."""
    try:
        return version_of([path.read_text() for path in paths])
    except OSError:
        return ""
