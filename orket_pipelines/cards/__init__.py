"""What work is: card facts, the transition tables, wait reasons, card files, scheduling."""
