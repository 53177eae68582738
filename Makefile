# The doors of this repository. 'make up' and 'make test' are all that a newcomer needs.

SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 4566
DATA ?= .interstate/data
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help up test test-postgres check install install-dev bench bench-peers clean lock format simulate prove faults large docs schema parquet

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

up: install ## Install everything, run Interstate with the order application (Ctrl-C stops it)
	@$(BIN)/interstate up --port $(PORT) --data $(DATA) $(ARGS)

install: $(VENV)/.installed ## Make .venv with the commands interstate and orders

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; name it with make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: requirements.txt pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

install-dev: $(VENV)/.installed-dev

$(VENV)/.installed-dev: requirements-dev.txt $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

check: install-dev ## Format, lint, types, layers, fast tests: under a minute
	@$(BIN)/ruff format --check --quiet . || { echo "make format mends this"; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo > .import_linter.log || { cat .import_linter.log; exit 1; }
	@$(BIN)/python -m pytest -q -n 2 --quick tests apps/orders/tests

test: install-dev ## Everything
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal tests apps/orders/tests $(ARGS)

test-postgres: install-dev ## Everything, on a PostgreSQL of its own
	@$(BIN)/python -m pytest -q -n 2 --dist worksteal --store postgres tests apps/orders/tests $(ARGS)

format: install-dev ## Format, and mend what lint can mend
	@$(BIN)/ruff format --quiet . ; $(BIN)/ruff check --fix --quiet .

simulate: install-dev ## Seeded crashes and faults, every law checked: make simulate SEED=7 COUNT=1000
	@PYTHONHASHSEED=0 $(BIN)/python -m tests.simulation.explore --seed $(or $(SEED),0) --count $(or $(COUNT),100) $(ARGS)

bench: install-dev ## Measure; figures with cores and disk beside them
	@$(BIN)/python -m bench $(ARGS)

parquet: install ## What distributed Maps need to read Parquet files
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-parquet.txt

bench-peers: ## Install the peers that make bench ARGS="--peer NAME" measures beside
	$(PYTHON) -m venv .bench-peers/ministack && .bench-peers/ministack/bin/python -m pip install --quiet --disable-pip-version-check ministack==1.5.33
	$(PYTHON) -m venv .bench-peers/moto && .bench-peers/moto/bin/python -m pip install --quiet --disable-pip-version-check 'moto[all,server]==5.2.5'

prove: install-dev ## 1,000 real orders, five kill -9, every invariant checked
	@$(BIN)/python apps/orders/scripts/prove.py $(ARGS)

faults: install-dev ## Break real processes, disks and databases; verify after each: make faults ARGS=--help
	@$(BIN)/python apps/orders/scripts/faults.py $(ARGS)

large: install-dev ## A store with a million events: start, memory, due work
	@$(BIN)/python apps/orders/scripts/large.py $(ARGS)

docs: install-dev ## Write the generated reference pages
	@$(BIN)/python -m interstate.wire.coverage docs/reference/coverage.md
	@COLUMNS=100 $(BIN)/python -m interstate.cli.reference docs/reference/commands.md

schema: install-dev ## Write what all migrations make of an empty store, from which new ones are made
	@$(BIN)/python -m interstate.store.sqlite.schema > .schema.sql && mv .schema.sql src/interstate/store/sqlite/schema.sql

lock: install-dev ## Resolve dependencies anew: versions and hashes, no addresses
	$(BIN)/python -m pip install --quiet pip-tools
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header -o requirements.txt pyproject.toml requirements-build.in
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header -c requirements.txt -o requirements-dev.txt requirements-dev.in
	$(BIN)/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --no-header -o requirements-parquet.txt requirements-parquet.in

clean: ## Remove what was built here (not your data in .interstate)
	rm -rf $(VENV) .bench-peers build dist src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
