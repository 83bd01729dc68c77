"""A self-hosted software factory: cards go in; reviewed, merged, tested software comes out."""

__version__ = "0.1.0"
