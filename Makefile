# One command for each job; `make` alone lists them.
.DEFAULT_GOAL := help
SHELL := /bin/bash
VENV := .venv
BIN := $(VENV)/bin
RUN_READY := $(VENV)/.ready-to-run
TEST_READY := $(VENV)/.ready-to-test
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable
ARGS ?=
PYTEST_ARGS ?=

.PHONY: help run test lint lint-ruff lint-format lint-types lint-imports format bench soak chaos docs clean install

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(RUN_READY) ## Start everything on this machine (ARGS="--time-scale 86400" passes options on)
	@$(BIN)/headrace dev $(ARGS)

# Plain `make`, not the variable: a recipe that names the variable is run even by `make --dry-run`.
test: $(TEST_READY) ## Everything that CI runs: the lints, then all tests with coverage
	@lints=0; make --no-print-directory --keep-going lint || lints=$$?; \
	tests=0; $(BIN)/python -m pytest -n auto --cov --cov-report=term $(PYTEST_ARGS) || tests=$$?; \
	exit $$((lints | tests))

lint: lint-ruff lint-format lint-types lint-imports ## ruff, mypy --strict and the import contracts

lint-ruff: $(TEST_READY)
	$(BIN)/ruff check .

lint-format: $(TEST_READY)
	$(BIN)/ruff format --check .

lint-types: $(TEST_READY)
	$(BIN)/mypy
	$(BIN)/mypy docs/generate.py

lint-imports: $(TEST_READY)
	$(BIN)/lint-imports

format: $(TEST_READY) ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(TEST_READY) ## Measure throughput, timer lateness and cold start (bench/README.md)
	$(BIN)/python -m bench $(ARGS)

soak: $(TEST_READY) ## Run under load and faults for a long time, and count
	$(BIN)/python -m bench.soak $(ARGS)

chaos: $(TEST_READY) ## Faults of every kind on a real Kafka, and count (FAULTS=60 SEED=1)
	HEADRACE_CHAOS_FAULTS=$(or $(FAULTS),60) HEADRACE_CHAOS_SEED=$(or $(SEED),1) $(BIN)/python -m pytest -q -s tests/chaos

docs: $(TEST_READY) ## Write the generated parts of docs/ anew
	$(BIN)/python docs/generate.py

install: $(TEST_READY) ## Make .venv with all that running and testing need

clean: ## Remove .venv, caches and build products (data in .headrace stays)
	rm -rf $(VENV) build dist *.egg-info .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .grimp_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# The first Python from 3.11 on that can make a virtual environment.
$(BIN)/python:
	@for python in python3.11 python3.12 python3.13 python3; do \
	  if $$python -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    echo "making $(VENV) with $$($$python --version)"; exec $$python -m venv --clear $(VENV); \
	  fi; \
	done; \
	echo "Headrace needs Python 3.11 or newer with its venv module, and found none: install python3.11 and python3.11-venv" >&2; exit 1

$(RUN_READY): pyproject.toml constraints.txt | $(BIN)/python
	@echo "installing Headrace into $(VENV)"
	@$(INSTALL) .
	@touch $@

$(TEST_READY): $(RUN_READY)
	@echo "installing what the tests need into $(VENV)"
	@$(INSTALL) '.[dev]'
	@touch $@
