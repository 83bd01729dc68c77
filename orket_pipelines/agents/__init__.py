"""Who works: roles, prompts, models, the turn loop, tools and the gate in front of each of them, sessions."""
