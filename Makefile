# The two commands of the README are `make demo` and `make test`; `make check` is the fast loop.

NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$name $(NEW_ENOUGH) 2> /dev/null && echo $$name && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/pip --disable-pip-version-check --quiet
INSTALL := $(PIP) install --require-hashes --no-deps -r
# What a person repeats while working: formats, money, rating, the gateway's pure parts. `make test` runs everything; a part: tests/README.md.
FAST := tests/contract tests/thalweg tests/thalweg_gateway \
	$(addprefix --ignore tests/thalweg/,metrics profiles design charging allocation examples test_counterfactual.py)

.PHONY: demo test check lint types firmware-types openapi lock clean

demo: $(VENV)/run
	@$(BIN)/python hatch_build.py
	@$(BIN)/thalweg demo $(ARGS)

test: $(VENV)/dev firmware/typings/installed
	@tests/install-system-packages
	@$(MAKE) --no-print-directory lint types firmware-types
	@$(BIN)/python hatch_build.py
	$(BIN)/pytest -q -n 2 --dist loadgroup -m "not alone and not browser" $(ARGS)
	$(BIN)/pytest -q -m browser $(ARGS)
	$(BIN)/pytest -q -m alone $(ARGS)

check: $(VENV)/dev
	@$(MAKE) --no-print-directory -j2 lint types
	$(BIN)/pytest -q -m "not slow" -n 2 --hypothesis-profile fast -p no:playwright -p no:base_url $(FAST) $(ARGS)

lint: $(VENV)/dev
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/lint-imports > $(VENV)/lint-imports.log || { cat $(VENV)/lint-imports.log; exit 1; }

types: $(VENV)/dev
	$(BIN)/mypy

firmware-types: firmware/typings/installed
	cd firmware && ../$(BIN)/mypy --config-file mypy-esp32.ini && ../$(BIN)/mypy --config-file mypy-rp2.ini

# The API's description and the dashboards' types follow from the code; a test tells when they do not.
openapi: $(VENV)/dev
	$(BIN)/python -m thalweg_api.describe > api/openapi.json

# Locks name versions at least a week old, with hashes and without any index's address.
COMPILE = $(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --exclude-newer "$$(date -u -d '7 days ago' +%F)"
lock: $(VENV)/dev
	$(PIP) install uv
	$(COMPILE) pyproject.toml --extra all --group build -o requirements/run.txt
	$(COMPILE) pyproject.toml --extra all --group dev -c requirements/run.txt -o requirements/dev.txt
	$(COMPILE) pyproject.toml --extra gateway --extra api -c requirements/run.txt -o requirements/server.txt
	echo micropython-esp32-stubs | $(COMPILE) - -o requirements/stubs-esp32.txt
	echo micropython-rp2-rpi-pico-w-stubs | $(COMPILE) - -o requirements/stubs-rp2-rpi-pico-w.txt

clean:
	rm -rf $(VENV) firmware/typings api/thalweg_api/dashboards dashboards/node_modules tests/timescale/node_modules var

$(BIN)/python:
	@test -n "$(PYTHON)" && $(PYTHON) $(NEW_ENOUGH) \
		|| { echo "Thalweg needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Making the environment $(VENV) …"
	@$(PYTHON) -m venv $(VENV)

$(VENV)/run: requirements/run.txt pyproject.toml hatch_build.py | $(BIN)/python
	@echo "Installing what Thalweg needs (about half a minute) …"
	@$(INSTALL) requirements/run.txt
	@echo "Building the dashboards …"
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q core gateway api edge
	@touch $@

$(VENV)/dev: requirements/dev.txt $(VENV)/run | $(BIN)/python
	@echo "Installing what its tests need …"
	@$(INSTALL) requirements/dev.txt
	@touch $@

firmware/typings/installed: requirements/stubs-esp32.txt requirements/stubs-rp2-rpi-pico-w.txt | $(BIN)/python
	@rm -rf firmware/typings
	@$(INSTALL) requirements/stubs-esp32.txt --target firmware/typings/esp32
	@$(INSTALL) requirements/stubs-rp2-rpi-pico-w.txt --target firmware/typings/rp2
	@touch $@
