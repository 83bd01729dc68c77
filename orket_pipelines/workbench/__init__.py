"""Where agent steps run: one workbench per issue over its throwaway clone, one command at a time, bounded in every way."""
