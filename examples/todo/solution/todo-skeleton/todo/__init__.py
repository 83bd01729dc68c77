"""A to-do list: JSON over HTTP, kept in SQLite."""
