# make run: a running fleet.  make test, make lint: what every change must pass.  make help: the rest.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NODE_TESTS := tests/system/node
NODE_MODULES := $(if $(shell command -v npm),$(NODE_TESTS)/node_modules/.installed)
# Further arguments: make run ARGS="--source modbus", make test ARGS="tests/unit -x"
ARGS ?=

.PHONY: help run test lint bench pictures generated lock clean browser node

help:
	@echo "make run    installs Voltkeep into $(VENV) and runs it with the simulated fleet"
	@echo "make test   installs what the tests need and runs all of them"
	@echo "make lint   ruff, mypy, import-linter, and whether the NodeSet is up to date"
	@echo "make bench  measures this machine, beside a stock asyncua server"
	@echo "make pictures  takes a picture of every page into build/pictures; ARGS=--manual: those of the manual"
	@echo "make generated, make lock   write the generated files, the locked versions"
	@echo "make clean  removes what was installed and cached, never the state in ./var"

run: $(VENV)/.installed
	@echo "Demo: anyone on this machine may read without logging in (VOLTKEEP_DEMO=1). Ctrl-C stops."
	@VOLTKEEP_DEMO=1 exec $(BIN)/voltkeep run $(ARGS)

test: $(VENV)/.installed-dev browser node
	$(BIN)/pytest -rs $(ARGS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m nodeset --check

bench: $(VENV)/.installed-dev
	$(BIN)/python -m benchmarks $(ARGS)

pictures: $(VENV)/.installed-dev browser
	$(BIN)/python tests/system/pictures.py $(ARGS)

generated: $(VENV)/.installed
	$(BIN)/python -m nodeset
	$(BIN)/python -c 'import json; from config.fleetfile import json_schema; print(json.dumps(json_schema(), indent=2, ensure_ascii=False))' > config/fleet.schema.json
	$(BIN)/python -c 'import json; from config.alarmfile import json_schema; print(json.dumps(json_schema(), indent=2, ensure_ascii=False))' > config/alarms.schema.json
	$(BIN)/python -c 'import json; from drivers.mapfile import json_schema; print(json.dumps(json_schema(), indent=2, ensure_ascii=False))' > config/map.schema.json
	$(BIN)/python -c 'import json; from simulator.compositions import json_schema; print(json.dumps(json_schema(), indent=2, ensure_ascii=False))' > config/scenarios.schema.json
	$(BIN)/python -c 'import json; from config.notifyfile import json_schema; print(json.dumps(json_schema(), indent=2, ensure_ascii=False))' > config/notify.schema.json

lock:
	@echo "Resolving all packages afresh"
	$(PYTHON) -m venv --clear build/lock
	build/lock/bin/pip install --quiet -e '.[dev]'
	{ sed -n 1p constraints.txt; build/lock/bin/pip freeze --exclude-editable | LC_ALL=C sort -f; } > build/lock.txt
	mv build/lock.txt constraints.txt

clean:
	rm -rf $(VENV) build *.egg-info $(NODE_TESTS)/node_modules
	rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "Voltkeep needs Python 3.11 or later, and $(PYTHON) is $$($(PYTHON) --version 2>&1 | head -n 1 || true)." >&2; \
		echo "Name one that is: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments: apt-get install python3-venv" >&2; exit 1; }
	@echo "Making a virtual environment in $(VENV)"
	@$(PYTHON) -m venv --clear $(VENV)
	@touch $@

$(VENV)/.installed: $(VENV)/.made pyproject.toml constraints.txt
	@echo "Installing Voltkeep into $(VENV): a few minutes the first time"
	@$(BIN)/pip install --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	@echo "Installing what tests and checks need"
	@$(BIN)/pip install --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

# The system tests drive Debian's Chromium.
browser:
	@if command -v chromium >/dev/null; then exit 0; fi; \
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then as_root=(env DEBIAN_FRONTEND=noninteractive); \
	elif command -v apt-get >/dev/null && sudo -n true 2>/dev/null; then as_root=(sudo -n DEBIAN_FRONTEND=noninteractive); \
	else as_root=(); fi; \
	if [ $${#as_root[@]} -gt 0 ]; then \
		echo "Installing Debian's Chromium for the tests of the HMI"; \
		"$${as_root[@]}" apt-get -qq update && "$${as_root[@]}" apt-get -qq install -y chromium </dev/null && exit 0; \
	fi; \
	if [ "$${CI:-}" = true ]; then echo "Chromium is missing and cannot be installed" >&2; exit 1; fi; \
	echo "Tests of the HMI are skipped: there is no chromium, and no right to install it"

# The system tests connect a client that is not ours, and axe-core looks over the pages.
node: $(NODE_MODULES)
	@if [ -z "$(NODE_MODULES)" ]; then echo "Tests with node-opcua-client are skipped: there is no npm"; fi

$(NODE_TESTS)/node_modules/.installed: $(NODE_TESTS)/package-lock.json
	@echo "Installing node-opcua-client and axe-core for the system tests"
	@cd $(NODE_TESTS) && npm ci --ignore-scripts --no-audit --no-fund </dev/null
	@touch $@
