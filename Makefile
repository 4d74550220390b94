# `make test` and `make demo` need Python 3.13 and nothing else; everything they use is installed into .venv.
SHELL  := /bin/bash
BIN    := .venv/bin
PYTHON ?= $(shell for p in python3.13 $$HOME/.pyenv/versions/3.13*/bin/python $$PYENV_ROOT/versions/3.13*/bin/python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null && { echo "$$p"; break; }; done)
LOCK    = $(CURDIR)/$(BIN)/uv pip compile -q --upgrade --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links --python-version 3.13 --custom-compile-command 'make lock'

.PHONY: test lint lock clean

.venv/ready: requirements/dev.txt
	@test -n "$(PYTHON)" || { echo "Python 3.13 was not found on PATH or under ~/.pyenv; set PYTHON=/path/to/python3.13" >&2; exit 1; }
	@echo "creating .venv with $(PYTHON)"
	@$(PYTHON) -m venv --clear .venv && $(BIN)/python -m pip install -q uv && $(BIN)/uv pip install -q --require-hashes --no-deps --python $(BIN)/python -r requirements/dev.txt && touch $@

test: .venv/ready            ## every test: pure, workflow, end to end on the local AWS
	$(BIN)/python -m pytest

lint: .venv/ready            ## ruff, mypy
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

lock: .venv/ready            ## renew the hash-pinned requirements
	cd requirements && for p in deployer bootstrap dev; do $(LOCK) --override overrides.txt $$p.in -o $$p.txt; done && $(LOCK) sam.in -o sam.txt

clean:                       ## remove everything that was made
	rm -rf .venv build .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis
