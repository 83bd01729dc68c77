"""What people and machines connect to: for now Dagster's UI and daemon, as `orket dev` starts them."""
