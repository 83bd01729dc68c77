"""The one room that talks to a Docker engine: typed specs, an allow-list, and labels that a reaper goes by."""
