# One door for everybody; `make` alone lists the targets. PYTHON=… picks the interpreter that .venv is made from.
.DEFAULT_GOAL := help
.PHONY: help demo dev test test-fast test-postgres test-chaos check lock environment

CANDIDATES := $(PYTHON) python3.13 python3.12 python3.11 python3.14 python3
BIN := .venv/bin
# Two workers suit a laptop. A file stays with one of them, as its tests share what is dear to make; the longest, in
# tests/acceptance, come first.
PYTEST := $(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

help: ## List what can be made
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'

environment: ## Make .venv from requirements.lock; at once where it is made already
	@for candidate in $(CANDIDATES); do \
		if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
			exec "$$candidate" scripts/environment.py; \
		fi; \
	done; \
	echo "Python 3.11 or newer is missing: install it, or name one: make PYTHON=/path/to/python3" >&2; exit 1

demo: environment ## Deliver the example rock; the same command carries on after any stop
	@$(BIN)/orket demo

dev: environment ## Dagster's UI with everything loaded, on http://127.0.0.1:3000
	@$(BIN)/orket dev

test: environment ## The whole suite
	@$(PYTEST) -m "not chaos" \
		|| { echo "Some tests failed. Run one alone: $(BIN)/pytest path/to/test.py -k part_of_its_name"; exit 1; }

test-fast: environment ## What needs neither PostgreSQL nor a browser, in under a minute
	@$(PYTEST) -m "not slow and not postgres and not browser and not docker" \
		|| { echo "Some tests failed. Run one alone: $(BIN)/pytest path/to/test.py -k part_of_its_name"; exit 1; }

test-postgres: environment ## The whole suite with PostgreSQL where tests name no database
	@$(PYTEST) -m "not chaos" --on-postgresql \
		|| { echo "Some tests failed. Run one alone: $(BIN)/pytest --on-postgresql path/to/test.py"; exit 1; }

test-chaos: environment ## Kill the factory at every failpoint and see that it ends in the same state
	@$(PYTEST) tests/chaos && $(PYTEST) -m chaos tests/agents tests/analytics tests/examples tests/acceptance tests/store || { echo "A kill was not survived; the failpoint stands in the name of the test."; exit 1; }

check: environment ## Lint, format, types, import contracts, and that --help stays light
	@$(BIN)/ruff check . || { echo "Mend what ruff names; some of it does by itself: $(BIN)/ruff check --fix ."; exit 1; }
	@$(BIN)/ruff format --check . || { echo "Format the files: $(BIN)/ruff format ."; exit 1; }
	@$(BIN)/mypy || { echo "Mend the types that mypy names."; exit 1; }
	@$(BIN)/lint-imports --no-logo || { echo "An import runs the wrong way; docs/ARCHITECTURE.md shows the order."; exit 1; }
	@$(BIN)/pytest -q tests/house/test_imports.py || { echo "Import heavy libraries where a command needs them."; exit 1; }

lock: environment ## Resolve pyproject.toml's dependencies into requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-strip-extras --no-header --all-extras pyproject.toml -o requirements.lock \
		|| { echo "The dependencies do not fit together, or the package index did not answer."; exit 1; }
