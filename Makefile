# `make demo` and `make test` each do all the set-up themselves: Python 3.11 to 3.13 and make are enough.
# PYTHON=python3.12 names the Python; without it, the first of these that hybrid supports is taken.
SUPPORTED = $(shell command -v $(1) >/dev/null 2>&1 && $(1) -c 'import sys; print((3, 11) <= sys.version_info < (3, 14))' 2>/dev/null)
PYTHONS := python3 python3.13 python3.12 python3.11
PYTHON ?= $(firstword $(foreach name,$(PYTHONS),$(if $(filter True,$(call SUPPORTED,$(name))),$(name))) python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# The demo needs the package alone, which is also in the environment of the tests.
PACKAGE := $(if $(wildcard $(STAMP)),$(STAMP),$(VENV)/.package)
TREE := build/typecheck
# LOCK=requirements.lock installs the versions that the tests ran with, instead of the newest.
LOCK ?=
# Tests run in parallel, each worker with one core and about 2 GB of memory.
PYTEST := $(BIN)/python -m pytest -n auto --maxprocesses=8 --dist=worksteal

.PHONY: demo docs test test-fast test-all test-long test-lowest coverage check lock notebooks release format clean

demo: $(PACKAGE)
	$(BIN)/hybrid demo

# Quick tests that need no Keras network: for every few minutes of work.
test-fast: $(STAMP)
	$(PYTEST) -m "not network and not medium and not slow and not data and not long"

# The documentation site, in build/docs/index.html. A broken link or reference is an error.
docs: $(STAMP)
	rm -rf docs/reference/api
	$(BIN)/sphinx-build --fail-on-warning --keep-going --quiet -d build/doctrees docs build/docs
	@echo "The documentation is in build/docs/index.html."

# What to run before every commit.
test: check docs
	$(PYTEST) -m "not slow and not long"

# All backbones, all recipes, every command end to end: what to run before an issue is closed.
test-all: check docs
	$(PYTEST)

# The lines that a tier runs: make coverage, or make coverage TIER="not long" for test-all.
TIER ?= not slow and not long
coverage: $(STAMP)
	$(PYTEST) -m "$(TIER)" $(foreach folder,hybrid pipelines extractors classifiers,--cov=$(folder)) --cov-report=term:skip-covered

# Faults by the thousand; -s prints the counts.
test-long: $(STAMP)
	$(BIN)/python -m pytest -m long -s

# mypy sees the package as it is installed: the three folders at the root are subpackages of hybrid.
check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	rm -rf $(TREE) && mkdir -p $(TREE)/hybrid
	ln -s $(CURDIR)/hybrid/* $(TREE)/hybrid/
	ln -s $(CURDIR)/classifiers $(CURDIR)/extractors $(CURDIR)/pipelines $(TREE)/hybrid/
	cd $(TREE) && $(CURDIR)/$(BIN)/mypy --config-file $(CURDIR)/setup.cfg -p hybrid
	$(BIN)/python .ci/audit.py

# Runs the notebooks in examples/ and stores their outputs, so that they can be read without running them.
notebooks: $(STAMP)
	$(BIN)/python .ci/notebooks.py

# Builds the sdist and the wheel of the last commit into dist/, checks them, and says how to publish them.
release:
	$(PYTHON) .ci/release.py

# The versions in .venv, for others to have the same.
lock: $(STAMP)
	$(BIN)/python .ci/lock.py > requirements.lock

# The lower bounds of setup.cfg, all at once: the same tests with the oldest versions that it allows.
test-lowest:
	mkdir -p build
	sed -n 's/^ *\([a-z][a-z0-9-]*\)>=\([0-9.]*\)$$/\1==\2.*/p' setup.cfg > build/lowest.txt
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check -c build/lowest.txt -e ".[dev]"
	.venv-lowest/bin/python -m pytest -W ignore::DeprecationWarning

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(STAMP): setup.cfg pyproject.toml
	@$(PYTHON) .ci/install.py dev $(LOCK)

$(VENV)/.package: setup.cfg pyproject.toml
	@$(PYTHON) .ci/install.py package $(LOCK)

clean:
	rm -rf $(VENV) .venv-lowest build *.egg-info .pytest_cache .mypy_cache .ruff_cache
