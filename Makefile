# Every target makes its own virtual environment: Python 3.11 or newer is all that has to be there.

PYTHON ?= python3
WORKERS ?= 4
STORE ?= sqlite
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check install --quiet -c constraints.txt
SERVER := LEMMY_URL LEMMY_ADMIN LEMMY_PASSWORD PICTRS_URL PICTRS_KEY
MASTODON := MASTODON_URL MASTODON_PEOPLE

.PHONY: demo test lint bench raid soak conformance acceptance named-server
.DEFAULT_GOAL := demo

# The whole bot against a small Lemmy with pict-rs and a small Mastodon on this machine: nothing else is contacted. With
# STORE=postgresql it keeps its ledger on a PostgreSQL server that runs as long as the demo.
demo: $(VENV)/.installed$(if $(filter postgresql,$(STORE)),-dev)
	$(if $(filter sqlite postgresql,$(STORE)),,$(error STORE is sqlite or postgresql))
	$(if $(filter postgresql,$(STORE)),PYTHONPATH=tests $(BIN)/python -m postgres FEDIWARDEN_DEMO_LEDGER )$(BIN)/fediwarden demo

# All tests. Those that can run against a real server run against the sandbox. Many of them wait for a bot that waits, so
# there are more workers than two processors need.
test: $(VENV)/.installed-dev
	env $(SERVER:%=-u %) $(MASTODON:%=-u %) $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal

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

# A soak in full: 20,000 things happen in an hour while every twentieth call of the bot fails and it is killed twice. It
# takes long, wants the machine for itself, and writes its table to soak.json. SOAK_LEMMY=1.0 has it on that version.
soak: $(VENV)/.installed-dev
	env $(SERVER:%=-u %) SOAK_LEMMY=$(or $(SOAK_LEMMY),0.19) SOAK_ITEMS=20000 SOAK_USERS=2000 SOAK_SECONDS=3600 SOAK_HOURS=3 \
	  SOAK_REPORT=$(or $(SOAK_REPORT),soak.json) $(BIN)/python -m pytest tests/acceptance/test_soak.py

# Does a real server behave as the sandbox does? It is written to: see server.py in tests/conformance and in its folder
# mastodon. Each suite runs where its server is named.
conformance: named-server $(VENV)/.installed-dev
	$(BIN)/python -m pytest $(if $(missing),tests/conformance/mastodon,tests/conformance \
	  $(if $(MASTODON_URL),,--ignore tests/conformance/mastodon))

# The whole bot against a real server. It is written to. Each platform's tests run where its server is named.
acceptance: named-server $(VENV)/.installed-dev
	$(BIN)/python -m pytest $(if $(missing),tests/acceptance/mastodon,tests/acceptance \
	  $(if $(MASTODON_URL),,--ignore tests/acceptance/mastodon))

missing = $(strip $(foreach name,$(SERVER),$(if $($(name)),,$(name))))

missing_mastodon = $(strip $(foreach name,$(MASTODON),$(if $($(name)),,$(name))))

named-server:
	$(if $(MASTODON_URL)$(MASTODON_PEOPLE),$(if $(missing_mastodon),$(error set $(missing_mastodon) as well)), \
	$(if $(missing),$(error these tests run against real servers that may be written to; set $(missing) for a Lemmy \
	0.19 or 1.0, or $(MASTODON) for a Mastodon. Over the sandbox `make test` runs them)))

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/.made
	$(PIP) -e '.[clip,demo,dev,openvino]'
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
