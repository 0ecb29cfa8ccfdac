# make results   the default study, from nothing to results/table.csv
# make test      the tests (make e2e: the whole workflow at a small budget; make learning: what the weight net learns;
#                make lint: style and types; make docs: config/README.md)
# make chaos     fault injection, about two hours (CHAOS=chaos_short: some minutes)
# make fuzz      damaged files for the readers; make audit: known vulnerabilities of the pinned packages (needs a network)
# Each creates .venv with the pinned versions if it is missing or older than the lock file.

PYTHON ?= python3
CORES ?= all
CHAOS ?= chaos
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.installed

.PHONY: results test e2e learning lint docs format chaos fuzz audit

results: $(READY)
	$(BIN)/snakemake --cores $(CORES)

test: $(READY)
	$(BIN)/python -m pytest --numprocesses 2 --dist worksteal --durations=20

e2e: $(READY)
	$(BIN)/python -m pytest -m e2e --durations=20

learning: $(READY)
	$(BIN)/python -m pytest -m learning

chaos: $(READY)
	$(BIN)/python -m pytest -m "$(CHAOS)"

fuzz: $(READY)
	$(BIN)/python -m tests.fuzz --cases 2000

# Never passed over in silence where the service is out of reach; OFFLINE=allowed lets that be no failure.
audit: $(READY)
	@if $(BIN)/python -c 'import requests; requests.head("https://api.osv.dev", timeout=10)' 2> /dev/null; then \
	  $(BIN)/pip-audit --requirement requirements.lock --no-deps --disable-pip --strict --vulnerability-service osv; \
	else \
	  echo "NOT AUDITED: api.osv.dev can't be reached from here."; test "$(OFFLINE)" = allowed; \
	fi

lint: $(READY)
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy uscl
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint

# config/README.md and the JSON schema, from the models of a study.
docs: $(READY)
	$(BIN)/python -m uscl.study.reference

format: $(READY)
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/snakefmt Snakefile workflow

# Compiled at once, on all cores: every job imports torch. (Some packages carry files that don't compile.) The stamp comes
# last: an installation that was cut off is done again from nothing.
$(READY): requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11) and "The pinned versions are for Python 3.11, this is " + sys.version.split()[0] + ": make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/pip install --disable-pip-version-check --no-compile --quiet --requirement requirements.lock
	$(BIN)/python -m compileall -qq -j 0 $(VENV)/lib > /dev/null || true
	touch $@
