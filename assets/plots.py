"""A plot as it is shown beside a materialization: drawn here, kept in Dagster's own database, asking nobody for it."""

import base64

from dagster import MarkdownMetadataValue, MetadataValue

from orket_pipelines.plots import Plot, draw


def shown(plot: Plot) -> MarkdownMetadataValue:
    """The plot as a picture in Markdown."""
    picture = base64.b64encode(draw(plot).encode()).decode()
    name = plot.title.replace("[", "(").replace("]", ")")
    return MetadataValue.md(f"![{name}](data:image/svg+xml;base64,{picture})")
