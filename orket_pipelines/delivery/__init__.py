"""The line: `next_step(facts)` says what an issue needs next, the worker claims and performs it, over and over."""
