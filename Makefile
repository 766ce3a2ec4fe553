PYTHON ?= $(shell command -v python3.11 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install -qq --constraint constraints.txt
PYTEST := $(BIN)/python -m pytest
# File by file, since the fixtures of one file share servers; in one process more than there are cores, since tests wait too.
PROCESSES ?= $(shell cores=$$(nproc 2>/dev/null || echo 2); echo $$((cores < 8 ? cores + 1 : 8)))
PARALLEL := $(PYTEST) -n $(PROCESSES) --dist loadfile --no-loadscope-reorder

.PHONY: help demo test test-unit test-workflows test-integration test-e2e lint type fmt docs histories settings contract \
	pins clean

help: ## show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "make %-18s%s\n", $$1, $$2 }' Makefile

# Stamps: what is installed is installed again only when the project's metadata or the pins change.
$(VENV)/installed: pyproject.toml constraints.txt
	@echo "Installing HydraNet into $(VENV), once: this takes a minute"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --upgrade pip
	$(INSTALL) --editable . --group dev
	touch $@

$(VENV)/docs: $(VENV)/installed
	$(INSTALL) --group docs
	touch $@

demo: $(VENV)/installed ## reap an approach that circles, and fix the bug with another
	benchmarks/demo/run $(BIN)/hydra

# What is fast comes first; all at once, so that no process waits for the last of the integration tests.
test: $(VENV)/installed ## run all tests
	$(PARALLEL) tests/unit tests/workflows tests/replay tests/integration tests/e2e

test-unit: $(VENV)/installed ## run the tests of single modules
	$(PARALLEL) tests/unit

test-workflows: $(VENV)/installed ## run the tests of the workflows, on a Temporal server, and the replays
	$(PARALLEL) tests/workflows tests/replay

test-integration: $(VENV)/installed ## run the tests with real sandboxes, git and PostgreSQL
	$(PARALLEL) tests/integration

test-e2e: $(VENV)/installed ## run the tests of the `hydra` command on the whole stack
	$(PARALLEL) tests/e2e

lint: $(VENV)/installed ## check rules, format and types
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

type: $(VENV)/installed ## check the types alone
	$(BIN)/mypy

fmt: $(VENV)/installed ## correct format and imports
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

docs: $(VENV)/docs ## build the documentation into build/site
	$(BIN)/typer hydra_cli utils docs --name hydra --title Commands --output docs/reference/commands.md
	$(BIN)/mkdocs build --strict

histories: $(VENV)/installed ## record the histories of tests/replay again
	$(BIN)/python -m tests.replay.scenario

settings: $(VENV)/installed ## write the reference of settings and their example from the code
	$(BIN)/python -m tests.settings_reference

contract: $(VENV)/installed ## give the contract between nodes its next version, where it has changed
	$(BIN)/python -m tests.contract_parts

pins: ## pin the newest versions that pyproject.toml allows in constraints.txt
	rm -rf build/pins
	$(PYTHON) -m venv build/pins
	build/pins/bin/python -m pip install -qq --upgrade pip
	build/pins/bin/python -m pip install -qq --editable . --group dev --group docs
	build/pins/bin/python -m pip freeze --exclude-editable >build/pins/constraints.txt
	mv build/pins/constraints.txt .

clean: ## remove everything that make has made
	rm -rf $(VENV) .demo build
