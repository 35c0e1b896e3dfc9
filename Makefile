# Every target sets up what it needs: Python >= 3.11, pip and make are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
OLDEST := .venv-oldest
OLDEST_READY := $(OLDEST)/.ready
# Two processes, of which each has whole files of tests: fixtures of a file are made once.
TWO := -n 2 --dist loadfile

.DEFAULT_GOAL := help
# For how long each test of random bytes and texts tries, and where it begins; a find names its seed.
SECONDS ?= 3600
SEED ?= $(shell date +%j)

.PHONY: help demo test test-slow test-oldest fuzz check format bench gallery clean

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(READY) ## the main job end to end, on synthetic data served over loopback
	$(BIN)/synphys-frames demo

test: $(READY) ## run the tests
	$(BIN)/python -m pytest $(TWO)

test-slow: $(READY) ## run the tests left out of that: minutes
	$(BIN)/python -m pytest -m slow

fuzz: $(READY) ## try random files, folders and texts for hours: make fuzz SECONDS=60 SEED=1
	SYNPHYS_FUZZ_SECONDS=$(SECONDS) SYNPHYS_FUZZ_SEED=$(SEED) $(BIN)/python -m pytest $(TWO) tests/fuzz

# Wheels as old as these are for Python 3.11: make PYTHON=python3.11 test-oldest
test-oldest: $(OLDEST_READY) ## run the tests with the oldest dependencies that are declared
	$(OLDEST)/bin/python -m pytest $(TWO)

check: $(READY) ## lint, format and type checks
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY) ## put the code into its one format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(READY) ## measure how fast it is beside the usual ways; writes benchmarks/RESULTS.md
	$(BIN)/python -m benchmarks

gallery: $(READY) ## draw the README's pictures from the synthetic sample
	$(BIN)/python -m synphys_frames.examples.gallery

clean: ## remove what the targets made
	rm -rf $(VENV) $(OLDEST) .pytest_cache .mypy_cache .ruff_cache .hypothesis

# An environment in the folder $(1), with what the arguments $(2) have pip install.
define environment
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; say which one with: make PYTHON=python3.12 ..."; exit 1; }
	$(PYTHON) -m venv $(1)
	$(1)/bin/python -m pip install --quiet $(2)
endef

$(READY): pyproject.toml
	$(call environment,$(VENV),--editable '.[dev]')
	$(BIN)/python -m compileall -q synphys_frames
	@touch $(READY)

$(OLDEST_READY): pyproject.toml .ci/oldest.txt
	$(call environment,$(OLDEST),--constraint .ci/oldest.txt --editable '.[test]')
	@touch $(OLDEST_READY)
