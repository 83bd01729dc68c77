"""What lock files ask for, installed in containers that reach package sources and nothing else."""
