"""What goes along to where a browser runs: the plugin that pytest loads, and what has to be installed there."""
