# Every target does its own set-up, in .venv; `make help` lists them.

SHELL := /bin/sh
.DEFAULT_GOAL := help

BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
WORKERS ?= 2
SOURCES := bot tests $(wildcard benchmarks)

# Containers like to forbid it, and then every worker prepares every test module anew, for ten seconds each time.
export PYTHONDONTWRITEBYTECODE :=

# A set-up is done when a file named after its inputs' checksum is there, so a second make does nothing.
checksum = $(shell cat $(1) pyproject.toml 2>/dev/null | cksum | cut -d ' ' -f 1)
DEV := .venv/.dev-$(call checksum,requirements-dev.lock)
RUNTIME := .venv/.runtime-$(call checksum,requirements.lock)
# The development lock holds everything that the runtime lock does.
RUN_READY := $(firstword $(wildcard $(DEV)) $(RUNTIME))

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: $(RUN_READY) ## start the sandbox: three chats and an agents' channel on one local page
	$(BIN)/afterchat demo $(ARGS)

.PHONY: test
test: lint types imports pytest ## all checks and tests that continuous integration runs

.PHONY: lint
lint: $(DEV) ## the linter, and the formatter's opinion
	$(BIN)/ruff check $(SOURCES)
	$(BIN)/ruff format --check $(SOURCES)

.PHONY: types
types: $(DEV) ## the strict type checker
	$(BIN)/mypy --strict $(SOURCES)

.PHONY: imports
imports: $(DEV) ## who may import whom
	$(BIN)/lint-imports --no-logo

.PHONY: pytest
pytest: $(DEV) ## the tests alone; ARGS="-k widget" picks some
	$(call run_tests,not slow)

.PHONY: test-slow
test-slow: $(DEV) ## the tests that are too long for every change
	$(call run_tests,slow)

# Asked for at run time and not when make starts, because the first step may bring the browser.
define run_tests
@if ! sh .ci/browser find >/dev/null && sh .ci/browser installable; then sh .ci/browser install; fi; \
if browser=$$(sh .ci/browser find); then \
  AFTERCHAT_CHROMIUM="$$browser" $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m '$(1)' $(ARGS); \
elif [ "$$CI" = true ]; then \
  sh .ci/browser install; exit 1; \
else \
  $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal -m '($(1)) and not browser' $(ARGS) && \
  echo "The browser tests did not run: no Chromium was found. To get it: make browser"; \
fi
endef

.PHONY: pictures
pictures: $(DEV) ## take the pictures of the README and the guide anew, in a real browser
	AFTERCHAT_PICTURES=docs/pictures $(MAKE) pytest WORKERS=0 ARGS="-k 'newcomer or story or menus or ledger or side_by_side' tests/acceptance/test_demo_browser.py tests/web/test_preview_browser.py"

.PHONY: browser
browser: ## install Chromium for the browser tests, or say how
	@sh .ci/browser install

.PHONY: bench
bench: $(DEV) ## measure speed against the least that could do the work; ARGS="--help" for its options
	$(BIN)/python -m benchmarks $(ARGS)

.PHONY: format
format: $(DEV) ## put the code in the formatter's shape
	$(BIN)/ruff check --fix $(SOURCES)
	$(BIN)/ruff format $(SOURCES)

# Hashes and versions only: an index or a path of the machine that locked would be wrong everywhere else.
COMPILE = $(BIN)/uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links

.PHONY: schema
schema: $(DEV) ## write docs/config.schema.json and docs/reference.md from the config's readers
	$(BIN)/afterchat schema --output docs/config.schema.json
	$(BIN)/afterchat schema --flows --output docs/flows.schema.json
	$(BIN)/afterchat schema --reference --output docs/reference.md

.PHONY: lock
lock: $(DEV) ## write both lock files from pyproject.toml; ARGS=--upgrade for newer versions
	$(COMPILE) $(ARGS) --group build pyproject.toml -o requirements.lock
	$(COMPILE) $(ARGS) --group dev -c requirements.lock pyproject.toml -o requirements-dev.lock

.PHONY: clean
clean: ## remove .venv and whatever the checks left; a bot's data stays
	rm -rf .venv build dist *.egg-info .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find bot tests $(wildcard benchmarks) -name __pycache__ -type d -prune -exec rm -rf {} +

# A .venv whose Python has gone, or that was copied from elsewhere, is built anew.
define install
@python=$$(sh .ci/python) || exit 1; \
if ! $(BIN)/python -m pip --version >/dev/null 2>&1; then \
  echo "Making .venv with $$python"; \
  rm -rf .venv && "$$python" -m venv .venv || exit 1; \
fi
@echo "Installing $(1) into .venv (a minute or two, this once)"
@$(PIP) install --quiet --require-hashes -r $(1)
@$(PIP) install --quiet --no-deps --no-build-isolation --editable .
@rm -f .venv/.dev-* .venv/.runtime-*
@touch $@
endef

$(DEV): | requirements-dev.lock pyproject.toml
	$(call install,requirements-dev.lock)

$(RUNTIME): | requirements.lock pyproject.toml
	$(call install,requirements.lock)
