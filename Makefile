PYTHON ?= $(shell command -v python3.11 || echo python3)
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test lint clean

# One stamp per pyproject.toml: the second run installs nothing.
$(VENV)/installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -qq --upgrade pip
	$(BIN)/python -m pip install -qq --editable . --group dev
	touch $@

demo: $(VENV)/installed
	benchmarks/demo $(BIN)/hydra

# What is fast comes first, in two processes, file by file; what looks at the whole machine, or kills, runs alone.
test: $(VENV)/installed
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder tests/unit tests/workflows tests/replay tests/integration
	$(BIN)/python -m pytest tests/e2e

lint: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

clean:
	rm -rf $(VENV) .demo
