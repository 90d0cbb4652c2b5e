# Every target makes its own virtual environment: Python 3.11 or newer is all that has to be there.

PYTHON ?= python3
WORKERS ?= 2
STORE ?= sqlite
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt
SERVER := LEMMY_URL LEMMY_ADMIN LEMMY_PASSWORD PICTRS_URL PICTRS_KEY

.PHONY: demo test lint bench raid conformance acceptance real-server
.DEFAULT_GOAL := demo

# The whole bot against a small Lemmy and pict-rs on this machine: nothing else is contacted. With STORE=postgresql it
# keeps its ledger on a PostgreSQL server that runs as long as the demo.
demo: $(VENV)/.installed$(if $(filter postgresql,$(STORE)),-dev)
	$(if $(filter sqlite postgresql,$(STORE)),,$(error STORE is sqlite or postgresql))
	$(if $(filter postgresql,$(STORE)),PYTHONPATH=tests $(BIN)/python -m postgres FEDIWARDEN_DEMO_LEDGER )$(BIN)/fediwarden demo

# All tests. Those that can run against a real server run against the sandbox.
test: $(VENV)/.installed-dev
	env $(SERVER:%=-u %) $(BIN)/python -m pytest -n $(WORKERS)

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(VENV)/.installed-dev
	$(BIN)/python bench/scan.py

# A raid in full: 10,000 posts in ten minutes. It takes long, wants the
# machine for itself, and writes its table to raid.json.
raid: $(VENV)/.installed-dev
	env $(SERVER:%=-u %) RAID_POSTS=10000 RAID_ACCOUNTS=200 RAID_INNOCENT=2000 RAID_SECONDS=600 RAID_HOURS=2 \
	  RAID_REPORT=$(or $(RAID_REPORT),raid.json) $(BIN)/python -m pytest tests/acceptance/test_raid.py

# Does a real server behave as the sandbox does? It is written to: see tests/conformance/server.py.
conformance: real-server $(VENV)/.installed-dev
	$(BIN)/python -m pytest tests/conformance

# The whole bot against a real server. It is written to.
acceptance: real-server $(VENV)/.installed-dev
	$(BIN)/python -m pytest tests/acceptance

missing = $(strip $(foreach name,$(SERVER),$(if $($(name)),,$(name))))

real-server:
	$(if $(missing),$(error these tests run against a real Lemmy 0.19 that may be written to; \
	set $(missing). Over the sandbox `make test` runs them))

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/.made
	$(PIP) -e '.[demo,dev]'
	touch $(VENV)/.installed $@

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/.made
	$(PIP) -e '.[demo]'
	touch $@

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Fediwarden needs Python 3.11 or newer; $(PYTHON) is another one. Say which: make PYTHON=python3.12" >&2; \
	  exit 1; }
	$(PYTHON) -m venv $(VENV)
	touch $@
