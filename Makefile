# Each target installs what it needs into .venv. A second run installs nothing. For another Python, choose another
# folder too: make test PYTHON=python3.13 VENV=.venv-3.13
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
# What builds the site and releases is apart: the tests run with what the server and they themselves need.
TOOLS := .venv-tools/bin

.DEFAULT_GOAL := help
.PHONY: help run test test-slow fuzz test-next coverage mutants check simulate figures scale-out bench screenshots translations format lock docs audit sbom package release clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: $(VENV)/run.stamp  ## Start the demo: the BFF and a sandbox that stands in for Medblocks; no key needed
	$(BIN)/python -m bff demo $(ARGS)

# A file's tests stay together, for they share servers; tests/conftest.py orders them and says how many processes.
# Python keeps its bytecode even where the environment says not to: the tests start many processes.
PYTEST_OPTIONS := --numprocesses auto --dist loadfile --no-loadscope-reorder
test test-slow test-next: export PYTHONDONTWRITEBYTECODE =

test: $(VENV)/dev.stamp  ## Run the tests, in about 70 seconds, without the slow ones
	$(BIN)/pytest $(PYTEST_OPTIONS) -m "not slow"

test-slow: $(VENV)/dev.stamp  ## Run the slow tests: every state of the pages under axe, every server, processes, schemathesis
	$(BIN)/pytest $(PYTEST_OPTIONS) -m slow

fuzz: $(VENV)/dev.stamp  ## Feed the parser of requests with 200 times as many random requests as the tests do
	FUZZ=200 $(BIN)/pytest tests/server/test_http_parser.py -k "split or damaged or random"

# Includes pre-releases. Runs no tests if the pinned versions are the newest ones.
test-next: $(VENV)/dev.stamp  ## Run all tests with the newest Flask and Werkzeug
	test -d .venv-next || cp -r $(VENV) .venv-next
	.venv-next/bin/python -m pip install --quiet --disable-pip-version-check --pre --upgrade flask werkzeug
	@.venv-next/bin/python -m pip freeze | grep -iE '^(flask|werkzeug)=='
	@if [ "$$(.venv-next/bin/python -m pip freeze | grep -iE '^(flask|werkzeug)==')" = \
		"$$($(BIN)/python -m pip freeze | grep -iE '^(flask|werkzeug)==')" ]; \
	then echo 'These are the pinned versions: there is nothing newer to test.'; \
	else .venv-next/bin/python -m pytest $(PYTEST_OPTIONS); fi

# Leaves out tests with time limits, since measuring slows everything down. The two variables are for the processes that
# the tests start.
coverage: $(VENV)/dev.stamp  ## Run the tests without time limits, and report line and branch coverage
	COVERAGE_PROCESS_START=$(CURDIR)/pyproject.toml COVERAGE_FILE=$(CURDIR)/.coverage \
		$(BIN)/pytest --cov $(PYTEST_OPTIONS) --ignore tests/benchmarks/test_simulation.py \
		--ignore tests/journeys/test_outage.py --ignore tests/journeys/test_wire_faults.py

mutants: $(VENV)/dev.stamp  ## Run mutation tests of the access code, and list the mutants that survive (takes an hour)
	rm -rf mutants
	$(BIN)/mutmut run --max-children 4
	$(BIN)/mutmut results

check: $(VENV)/dev.stamp  ## Check lint, formatting, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

simulate: $(VENV)/dev.stamp  ## Create 4,000 patients at each level of faults, and count false responses
	$(BIN)/python -m benchmarks.simulation --creates 4000

figures: $(VENV)/dev.stamp  ## Measure faults, an outage, slow clients and overload on this machine, and print the figures
	-$(BIN)/python -m benchmarks.faults
	-$(BIN)/python -m benchmarks.outage
	-$(BIN)/python -m benchmarks.slow_clients
	-$(BIN)/python -m benchmarks.overload

scale-out: $(VENV)/dev.stamp  ## Run three servers behind nginx while parts of it end and start, and count what is lost
	$(BIN)/python -m benchmarks.scale_out $(ARGS)

bench: $(VENV)/dev.stamp  ## Compare with Hono, Express, FastAPI, Flask and nginx (QUICK=1 for a short run, ONLY=ours,hono for some)
	$(BIN)/python -m benchmarks.bench $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

screenshots: $(VENV)/dev.stamp  ## Take screenshots of each state of the pages, into screenshots/
	$(BIN)/python -m tests.screenshots

translations: $(VENV)/dev.stamp  ## Add new texts to the catalogs in bff/translations
	$(BIN)/python -m tests.catalogs

format: $(VENV)/dev.stamp  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

LOCK = $(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-header --no-emit-index-url --no-strip-extras

lock: $(VENV)/dev.stamp  ## Update the locked versions, within what pyproject.toml allows
	$(BIN)/python -m pip install --quiet uv
	$(LOCK) pyproject.toml -o requirements.txt
	$(LOCK) -c requirements.txt --extra otel pyproject.toml -o requirements-otel.txt
	$(LOCK) -c requirements-otel.txt --extra dev --extra otel pyproject.toml -o requirements-dev.txt
	$(LOCK) -c requirements-dev.txt --extra tools pyproject.toml -o requirements-tools.txt
	echo hatchling | $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-header --no-emit-index-url --python-version 3.11 -c requirements-dev.txt - -o deploy/requirements-build.txt

docs: .venv-tools/tools.stamp  ## Build the documentation site into site/; warnings are errors
	$(TOOLS)/python -m sphinx -c docs -b html -d .doctrees -W -n --keep-going -q . site
	@echo 'Open site/index.html.'

audit: .venv-tools/tools.stamp  ## Look for known vulnerabilities in the locked versions
	$(TOOLS)/python -m tools.audit

sbom: .venv-tools/tools.stamp  ## Write a CycloneDX SBOM of the locked versions into dist/
	$(TOOLS)/python -m tools.release sbom

package: .venv-tools/tools.stamp  ## Build wheel, sdist, pins and SBOM into dist/, check them, and try them in an empty environment
	$(TOOLS)/python -m tools.release package

release: .venv-tools/tools.stamp  ## The same for a release: the changelog must have the version; publishes and tags nothing
	$(TOOLS)/python -m tools.release release

clean:  ## Remove everything that the other targets create
	rm -rf .venv .venv-* .doctrees site .coverage .mypy_cache .pytest_cache .ruff_cache .schemathesis .hypothesis .import_linter_cache dist mutants screenshots bench benchmarks/peers/node_modules examples/vite-react/node_modules examples/vite-react/dist

$(VENV)/run.stamp: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "medblocks-bff needs Python 3.11 or newer. Choose one: make PYTHON=python3.12 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo 'Installing into $(VENV) …'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.txt
	@touch $@

# The build backend is among the pinned versions too, so installing the project fetches nothing else.
$(VENV)/dev.stamp: requirements-dev.txt pyproject.toml $(VENV)/run.stamp
	@echo 'Installing the development tools into $(VENV) …'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv-tools/tools.stamp: requirements-tools.txt
	@test -x $(TOOLS)/python || $(PYTHON) -m venv .venv-tools
	@echo 'Installing the tools for documentation and releases into .venv-tools …'
	@$(TOOLS)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-tools.txt
	@touch $@
