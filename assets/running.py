"""What runs: the sandbox of a rock, deployed by the issue that came in last."""

from collections.abc import Mapping
from typing import Any

from dagster import MetadataValue

from assets.model import Judged, Made, Values


def sandbox_made(told: Mapping[str, Any], about: Values) -> list[Made]:
    """The rock's application at the commit that runs now; nothing where it does not."""
    if told.get("state") != "running" or not told.get("rock_id"):
        return []
    services = "\n".join(f"| {name} | <{url}> |" for name, url in sorted((told.get("urls") or {}).items()))
    metadata: Values = {
        **about,
        "open": MetadataValue.url(told.get("url") or ""),
        "services": MetadataValue.md(f"| service | address |\n|---|---|\n{services}"),
        "commit": told["commit"],
        "deployment": told.get("generation") or 0,
        "isolation": told.get("isolation") or "",
        **({"seconds": round(float(told["seconds"]), 2)} if told.get("seconds") else {}),
    }
    description = f"{told.get('url')} runs {told['commit'][:12]}"
    return [Made("sandboxes", told["rock_id"], told["commit"], description, metadata, {"mainline": told["commit"]})]


def sandbox_judged(told: Mapping[str, Any]) -> Judged:
    """Whether what was deployed answers, by the event that told of it."""
    state, commit = told.get("state") or "", (told.get("commit") or "")[:12]
    passed = state in {"running", "stopped", "deleted"}
    note = f": {told['note']}" if told.get("note") else ""
    metadata: Values = {} if passed else {"next step": f"orket sandboxes logs {told.get('rock_id')}"}
    description = f"{state}, commit {commit}{note}"
    return Judged("sandboxes", "answers", str(told.get("rock_id")), passed, description, metadata=metadata)
