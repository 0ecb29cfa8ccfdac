# make results   run the default study, from nothing to results/table.csv
# make controls  run the controls study in its three pools (more than an hour on two cores), and write docs/controls.md
# make public    run the public study on the data in data/ (about 16 core-hours)
# make public-tables  make its tables and figures again from the stored predictions, and compare (minutes, no data)
# make test      run the tests
# make e2e       run the tests of the whole workflow on a small budget
# make chaos     inject faults, about two hours (CHAOS=chaos_short: a few minutes)
# make fuzz      give the readers damaged files
# make mutants   change the code in small ways, one at a time, and see whether its tests notice
# make audit     check the pinned packages for known vulnerabilities (needs a network)
# make lint      check style and types; make format: fix the style
# make lock      write the hashes of the pinned packages into the lock files (needs a network)
# make docs      write the generated pages and build the documentation into site/
# Each target creates .venv with the pinned versions if it is missing or older than the lock file; those for developers
# add the packages of requirements-dev.lock.

PYTHON ?= python3
CORES ?= all
CHAOS ?= chaos
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed
DEV := $(VENV)/.installed-dev

.PHONY: results controls public public-tables test e2e lint docs format chaos fuzz mutants audit lock

results: $(READY)
	$(BIN)/snakemake --cores $(CORES)

controls: $(READY)
	for percent in 0 25 50; do \
	  $(BIN)/snakemake results/controls-$$percent/claims.csv --cores $(CORES) --configfile config/controls.yaml --config \
	    results=results/controls-$$percent "datasets={pool: {simulate: {inconsistent: 0.$$percent}}}" || exit 1; \
	done
	$(BIN)/python benchmarks/controls.py results/controls-0 results/controls-25 results/controls-50 --out docs/controls.md

public: $(READY)
	$(BIN)/snakemake --cores $(CORES) --configfile docs/public-study/study.yaml

public-tables: $(READY)
	$(BIN)/python benchmarks/public_tables.py

test: $(DEV)
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal --durations=20

e2e: $(DEV)
	$(BIN)/python -m pytest -m e2e --durations=20

chaos: $(DEV)
	$(BIN)/python -m pytest -m "$(CHAOS)"

fuzz: $(DEV)
	$(BIN)/python -m tests.fuzz --cases 2000

mutants: $(DEV)
	$(BIN)/python -m tests.mutants

# If the service can't be reached, this prints that and fails; OFFLINE=allowed turns the failure off.
audit: $(DEV)
	@if $(BIN)/python -c 'import requests; requests.head("https://api.osv.dev", timeout=10)' 2> /dev/null; then \
	  $(BIN)/pip-audit --requirement requirements-cuda.lock --requirement requirements-dev.lock --no-deps \
	    --disable-pip --strict --vulnerability-service osv; \
	else \
	  echo "NOT AUDITED: api.osv.dev can't be reached from here."; test "$(OFFLINE)" = allowed; \
	fi

lock: $(DEV)
	$(BIN)/python requirements/lock.py requirements.lock requirements-cuda.lock requirements-dev.lock

lint: $(DEV)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy uscl
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

# The pages of the reference come from the models of a study's settings, the registries and the rules.
docs: $(DEV)
	$(BIN)/python -m uscl.study.reference
	$(BIN)/python -m docs_build --graph
	$(BIN)/python -m zensical build --clean --strict
	@echo "Read it: $(BIN)/python -m http.server --bind 127.0.0.1 --directory site"

format: $(DEV)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/snakefmt Snakefile workflow

# What they do is in the script, which can be cut off at any moment.
$(READY): requirements.lock
	@sh requirements/install.sh "$(PYTHON)"

$(DEV): requirements-dev.lock $(READY)
	@sh requirements/install.sh "$(PYTHON)" dev
