# Every command a person types. `make help` lists them.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

PORT ?= 8000
WEB_PORT ?= 8080

UV_VERSION := 0.13.9
UV := $(shell command -v uv || echo .tools/bin/uv)
PYTHON := .venv/bin/python
WEB_SOURCES := $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*' 2>/dev/null)

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: .venv/run.stamp web/dist/index.html ## Set up what is missing, then serve the page and the service (PORT, WEB_PORT)
	@exec $(PYTHON) scripts/run.py --port $(PORT) --web-port $(WEB_PORT)

.PHONY: test
test: .venv/test.stamp web/dist/index.html ## Run every test that this machine can run
	@scripts/require.sh chromium espeak-ng
	npm --prefix web test
	$(PYTHON) -m pytest -n 2 $(PYTEST)

.PHONY: lint
lint: .venv/test.stamp web/node_modules/.stamp ## Check style, types and shell scripts
	$(UV) lock --check
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(PYTHON) scripts/settings_page.py --check
	.venv/bin/shellcheck scripts/*.sh .ci/run
	npm --prefix web run lint

.PHONY: format
format: .venv/test.stamp web/node_modules/.stamp ## Rewrite the sources in the house's style
	$(PYTHON) -m ruff check --fix --exit-zero .
	$(PYTHON) -m ruff format .
	$(PYTHON) scripts/settings_page.py
	npm --prefix web run format

.PHONY: clean
clean: ## Remove everything that the other commands made
	rm -rf .venv .tools .mypy_cache .pytest_cache .ruff_cache web/node_modules web/dist
	find service scripts tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Set-up, done again only when its inputs change. Both stamps share one environment: `run` adds what it needs,
# `test` makes it exactly the lock's.

.tools/bin/uv:
	@scripts/require.sh python
	python3 -m venv .tools
	.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

.venv/run.stamp: pyproject.toml service/pyproject.toml uv.lock | $(filter .tools/bin/uv,$(UV))
	$(UV) sync --locked --no-dev --inexact
	@touch $@

.venv/test.stamp: pyproject.toml service/pyproject.toml uv.lock | $(filter .tools/bin/uv,$(UV))
	$(UV) sync --locked
	@touch $@ .venv/run.stamp

web/node_modules/.stamp: web/package.json web/package-lock.json
	@scripts/require.sh node
	npm --prefix web ci --no-fund --no-audit
	@touch $@

web/dist/index.html: web/node_modules/.stamp $(WEB_SOURCES)
	npm --prefix web run build
	@touch $@
