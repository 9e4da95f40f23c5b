# Jejak. `make help` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ONLY ?=
WORKERS ?= 2
SIZE ?= normal
COUNTRIES ?= $(notdir $(wildcard contracts/calendars/*))
YEARS ?= 2000-2035

.PHONY: help setup demo up test check contracts screenshots bench bench-streams backtest chaos calendars lock clean

help: ## list the targets
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(VENV)/.installed: requirements.lock pyproject.toml scripts/setup
	@PYTHON="$(PYTHON)" scripts/setup $(VENV)
	@touch $@

$(VENV)/.compiled: $(VENV)/.installed services/status/folding/native/ordinary.c services/status/folding/native/build.py services/status/folding/compiled.py
	@$(BIN)/python -m services.status.folding.native.build
	@touch $@

setup: $(VENV)/.compiled ## make the virtual environment from the lock file, and the compiled fold

demo: setup ## start everything on fresh state, run the main job, print what happened
	@scripts/demo

up: setup ## start everything and stay until Ctrl-C
	@$(BIN)/jejak up

check: setup ## format, lint, types, borders, generated documents; changes nothing
	@scripts/check

test: setup check ## check, then every test on WORKERS=2 processes; starts what it needs itself
	@$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

contracts: setup ## write the generated contract documents anew
	@$(BIN)/python -m contracts.generate && $(BIN)/python -m deploy.openapi

screenshots: setup ## a picture of every page in every state, in .jejak/screenshots (needs Chromium)
	@scripts/screenshots

bench: setup ## measure (ONLY=name,name chooses, SIZE=large where a measure has it)
	@ONLY="$(ONLY)" SIZE="$(SIZE)" $(BIN)/python -m tests.bench

bench-streams: setup ## measure Kafka Streams at the same work (needs Java and Maven)
	@SIZE="$(SIZE)" $(BIN)/python -m tests.bench.streams

backtest: setup ## how often the expected time of the permit log came true
	@$(BIN)/python -m tests.backtest

chaos: setup ## the long fault tests
	@$(BIN)/python -m tests.chaos

calendars: setup ## write the calendars of years that have none, report where the library knows otherwise by now
	@for country in $(COUNTRIES); do $(BIN)/python -m contracts.calendar --country $$country --years $(YEARS) || exit 1; done

lock: setup ## resolve the dependencies anew into requirements.lock
	@scripts/lock

clean: ## remove state, caches and the virtual environment
	@rm -rf .jejak services/status/folding/native/*.so $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
