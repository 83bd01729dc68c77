"""What agents can do: one tool a file, listed in `registry.py`; none is called but through the gate."""
