# Each target installs what it needs into .venv. A second run installs nothing.
PYTHON ?= python3
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run test test-slow fuzz test-next coverage mutants check simulate figures bench screenshots translations format lock clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

run: .venv/run.stamp  ## Start the demo: the BFF and a sandbox that stands in for Medblocks; no key needed
	$(BIN)/python -m bff demo $(ARGS)

# A file's tests stay together, for they share servers; tests/conftest.py orders them and says how many processes.
# Python keeps its bytecode even where the environment says not to: the tests start many processes.
PYTEST_OPTIONS := --numprocesses auto --dist loadfile --no-loadscope-reorder
test test-slow test-next: export PYTHONDONTWRITEBYTECODE =

test: .venv/dev.stamp  ## Run the tests, in about 100 seconds, without the slow ones
	$(BIN)/pytest $(PYTEST_OPTIONS) -m "not slow"

test-slow: .venv/dev.stamp  ## Run the slow tests: every state of the pages under axe, every server, processes, schemathesis
	$(BIN)/pytest $(PYTEST_OPTIONS) -m slow

fuzz: .venv/dev.stamp  ## Feed the parser of requests with 200 times as many random requests as the tests do
	FUZZ=200 $(BIN)/pytest tests/server/test_http_parser.py -k "split or damaged or random"

# Includes pre-releases. Runs no tests if the pinned versions are the newest ones.
test-next: .venv/dev.stamp  ## Run all tests with the newest Flask and Werkzeug
	test -d .venv-next || cp -r .venv .venv-next
	.venv-next/bin/python -m pip install --quiet --disable-pip-version-check --pre --upgrade flask werkzeug
	@.venv-next/bin/python -m pip freeze | grep -iE '^(flask|werkzeug)=='
	@if [ "$$(.venv-next/bin/python -m pip freeze | grep -iE '^(flask|werkzeug)==')" = \
		"$$($(BIN)/python -m pip freeze | grep -iE '^(flask|werkzeug)==')" ]; \
	then echo 'These are the pinned versions: there is nothing newer to test.'; \
	else .venv-next/bin/python -m pytest $(PYTEST_OPTIONS); fi

# Leaves out tests with time limits, since measuring slows everything down. The two variables are for the processes that
# the tests start.
coverage: .venv/dev.stamp  ## Run the tests without time limits, and report line and branch coverage
	COVERAGE_PROCESS_START=$(CURDIR)/pyproject.toml COVERAGE_FILE=$(CURDIR)/.coverage \
		$(BIN)/pytest --cov $(PYTEST_OPTIONS) --ignore tests/benchmarks/test_simulation.py \
		--ignore tests/journeys/test_outage.py --ignore tests/journeys/test_wire_faults.py

mutants: .venv/dev.stamp  ## Run mutation tests of the access code, and list the mutants that survive (takes an hour)
	rm -rf mutants
	$(BIN)/mutmut run --max-children 4
	$(BIN)/mutmut results

check: .venv/dev.stamp  ## Check lint, formatting, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

simulate: .venv/dev.stamp  ## Create 4,000 patients at each level of faults, and count false responses
	$(BIN)/python -m benchmarks.simulation --creates 4000

figures: .venv/dev.stamp  ## Measure faults, an outage, slow clients and overload on this machine, and print the figures
	-$(BIN)/python -m benchmarks.faults
	-$(BIN)/python -m benchmarks.outage
	-$(BIN)/python -m benchmarks.slow_clients
	-$(BIN)/python -m benchmarks.overload

bench: .venv/dev.stamp  ## Compare with Hono, Express, FastAPI, Flask and nginx (QUICK=1 for a short run, ONLY=ours,hono for some)
	$(BIN)/python -m benchmarks.bench $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

screenshots: .venv/dev.stamp  ## Take screenshots of each state of the pages, into screenshots/
	$(BIN)/python -m tests.screenshots

translations: .venv/dev.stamp  ## Add new texts to the catalogs in bff/translations
	$(BIN)/python -m tests.catalogs

format: .venv/dev.stamp  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

lock: .venv/dev.stamp  ## Update the locked versions, within what pyproject.toml allows
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-header --no-emit-index-url --no-strip-extras pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --generate-hashes --no-header --no-emit-index-url --no-strip-extras -c requirements.txt --extra dev pyproject.toml -o requirements-dev.txt

clean:  ## Remove everything that the other targets create
	rm -rf .venv .venv-next .coverage .mypy_cache .pytest_cache .ruff_cache .schemathesis .hypothesis .import_linter_cache dist mutants screenshots bench benchmarks/peers/node_modules

.venv/run.stamp: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "medblocks-bff needs Python 3.11 or newer. Choose one: make PYTHON=python3.12 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@echo 'Installing into .venv …'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.txt
	@touch $@

# The build backend is among the pinned versions too, so installing the project fetches nothing else.
.venv/dev.stamp: requirements-dev.txt pyproject.toml .venv/run.stamp
	@echo 'Installing the development tools into .venv …'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
