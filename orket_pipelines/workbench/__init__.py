"""Where agent steps run: one workbench per issue over its throwaway clone, one bounded command at a time."""
