# The commands of a checkout. Each first builds .venv, or brings it up to date after a change of the requirements.
# Targets are relative, so that a folder whose path has spaces works.

SHELL := bash
.DEFAULT_GOAL := help
.PHONY: help sync dev test check lint-fix soak docs clean

# Without bytecode every command compiles some 2,700 modules anew, for seconds; images of Python often ask for that.
unexport PYTHONDONTWRITEBYTECODE

BIN := .venv/bin
READY := .venv/.ready
# Another interpreter: make sync PYTHON=/path/to/python3
PYTHON :=
# More words for the command: make sync ARGS=--preview, make test ARGS='-k match'
ARGS :=

help: ## Show these lines
	@echo 'make TARGET [ARGS="more words for its command"] [PYTHON=interpreter for .venv]'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s%s\n", $$1, $$2 }' Makefile

sync: $(READY) ## Keep both systems equal: one round (ARGS=--preview writes nothing)
	@$(BIN)/talk-assets sync $(ARGS)

dev: $(READY) ## Start Dagster with its web pages on this machine; Ctrl-C stops it
	@$(BIN)/talk-assets dev $(ARGS)

test: $(READY) ## Run check and every test but those of soak (within 10 minutes on two cores)
	@# The checks leave a core idle half of their time; what they say is shown after the tests.
	@said=$$(mktemp); $(MAKE) --no-print-directory check >"$$said" 2>&1 & checks=$$!; \
	$(BIN)/pytest -n 3 --dist loadgroup -m "not soak" $(ARGS); tests=$$?; \
	wait "$$checks"; checked=$$?; cat "$$said"; rm -f "$$said"; exit $$((tests ? tests : checked))

# Where dg finds that telemetry is off, and that it runs in the environment of this folder.
check: export DAGSTER_HOME = $(CURDIR)
check: export VIRTUAL_ENV = $(CURDIR)/.venv
check: $(READY) ## Check format, style, types and Dagster's configuration; change nothing
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@# A busy machine starts its workers too late for it (code 2): then without them.
	@$(BIN)/mypy || { [ $$? -eq 2 ] && $(BIN)/mypy --num-workers 0; }
	@$(BIN)/dg check toml
	@$(BIN)/dg check defs

lint-fix: $(READY) ## Correct format and style where that can be done by itself
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

soak: $(READY) ## Run the tests that take long
	@$(BIN)/pytest -m soak --timeout 7200 $(ARGS)

docs: $(READY) ## Write the reference pages of docs/ anew, and build the site from docs/ into site/
	@$(BIN)/python -m documentation.reference
	@NO_MKDOCS_2_WARNING=true $(BIN)/mkdocs build --strict --quiet $(ARGS)
	@echo 'Open site/index.html; with search: $(BIN)/python -m http.server --directory site'

clean: ## Remove .venv and what the tools keep; .talk, with its data, stays
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .tmp_dagster_home_* build dist site
	find talk_assets talk_assets_tests benchmarks documentation -name __pycache__ -type d -prune -exec rm -rf {} +

NEW_ENOUGH := import sys; raise SystemExit(sys.version_info < (3, 11))

$(READY): requirements.txt requirements-dev.txt pyproject.toml
	@$(BIN)/python -c '$(NEW_ENOUGH)' 2>/dev/null && exit 0; \
	if [ -n "$(PYTHON)" ]; then candidates=("$(PYTHON)"); else candidates=(python3.11 python3 python3.12 python3.13); fi; \
	for python in "$${candidates[@]}"; do \
		"$$python" -c '$(NEW_ENOUGH)' 2>/dev/null || continue; \
		echo "Building .venv with $$("$$python" --version)"; \
		"$$python" -m venv --clear .venv && exit 0; \
		rm -rf .venv; \
		echo "$$python cannot build .venv: install its venv module (Debian and Ubuntu: python3-venv)." >&2; \
		exit 1; \
	done; \
	echo "No Python 3.11 or newer among $${candidates[*]}: install Python 3.11, or name it with PYTHON=/path/to/python3.11." >&2; \
	exit 1
	@# Python 3.11 brings a pip that takes twice as long.
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-compile "$$(grep '^pip==' requirements-dev.txt)"
	@echo 'Installing the pinned packages into .venv; a dot for each that has to be fetched'
	@set -o pipefail; $(BIN)/python -m pip install --disable-pip-version-check --no-compile --no-deps --requirement requirements-dev.txt 2>.venv/pip.log \
		| awk '/^Collecting/ { printf "."; fflush(); dots = 1 } END { if (dots) print "" }' || { cat .venv/pip.log >&2; exit 1; }
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-build-isolation --editable .
	@touch $@
