# `make` alone tells what there is. Everything runs in .venv, which makes itself.
# With uv on the path it is used; `make UV= ...` goes without. `ARGS=` goes to the program that runs.

.DEFAULT_GOAL := help
.NOTPARALLEL:

PYTHON ?= python3
UV     := $(shell command -v uv 2>/dev/null)
VENV   := .venv
RUN    := $(VENV)/bin/python
ARGS   :=

STRANGER := cachekit==0.24.1

# What the service needs besides, to keep its cache where PLACES_CACHE says.
STORE := $(if $(filter redis% valkey%,$(PLACES_CACHE)),$(VENV)/.with-redis) \
         $(if $(filter memcached%,$(PLACES_CACHE)),$(VENV)/.with-memcached)

# Words after `bench` that are no goals are names of benchmarks, and nothing is made of them here.
GOALS := help install servers demo demo-outage serve test test-long mutants lint types api bench figures clean
NAMES := $(if $(filter bench,$(MAKECMDGOALS)),$(filter-out $(GOALS),$(MAKECMDGOALS)))

INSTALL := $(if $(UV),$(UV) pip install -q --python $(RUN),$(RUN) -m pip install -qq)

# Tests start many processes: what each would compile anew is kept, beside what is installed.
KEEPING := env -u PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX=$(CURDIR)/$(VENV)/pycache
SERVERS := sh tests/servers/install.sh $(VENV)/bin

export PYRIGHT_PYTHON_IGNORE_WARNINGS := 1

help: ## Tell what there is
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: $(VENV)/.with-dev ## Make .venv with everything that development needs
	@echo "$(VENV) is ready"

servers: $(VENV)/.with-dev ## Get what the tests need, redis-server and memcached, where it is not there
	@$(SERVERS)

demo: $(VENV)/.with-demo $(STORE) ## Measure a real service, without and with the cache
	@$(RUN) -m examples.places.demo $(ARGS)

demo-outage: $(VENV)/.with-demo $(VENV)/.with-redis ## Measure it while its Redis is killed, frozen and replaced
	@$(SERVERS) redis
	@$(RUN) -m examples.places.outage $(ARGS)

serve: $(VENV)/.with-demo $(STORE) ## Leave that service running, with its docs page
	@$(RUN) -m examples.places $(ARGS)

test: $(VENV)/.servers ## Run the tests, two files at a time
	@$(KEEPING) $(RUN) -m pytest -n 2 --dist loadfile $(ARGS)

test-long: $(VENV)/.servers ## Run the counts that take minutes
	@$(KEEPING) $(RUN) -m pytest -m long $(ARGS)

mutants: $(VENV)/.with-dev ## Show that the simulation fails without each guard
	@$(RUN) -m tests.simulation.mutants $(ARGS)

lint: $(VENV)/.with-dev ## Check style and formatting
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .

types: $(VENV)/.with-dev ## Check types, with mypy and pyright
	@$(RUN) -m mypy
	@$(RUN) -m pyright

api: $(VENV)/.with-dev ## Make docs/api.md from the docstrings
	@$(RUN) docs/make_api.py

bench: $(VENV)/.servers $(VENV)/stranger ## Measure all beside others, for over ten minutes; `make bench hit redis`: those
	@$(RUN) -m benchmarks $(NAMES) $(ARGS)

figures: $(VENV)/.servers $(VENV)/stranger ## Measure all anew for docs/benchmarks.md: half an hour
	@$(RUN) -m benchmarks --rounds 9 --json docs/benchmarks/results.json --plot docs/benchmarks
	@$(RUN) docs/make_benchmarks.py

clean: ## Remove what the others made, except .venv
	@rm -rf build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis examples/places/*.db
	@find . -path ./$(VENV) -prune -o -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: $(GOALS) $(NAMES)

ifneq ($(NAMES),)
$(NAMES): ; @:
endif

# .with-demo and .with-dev stand for an installed extra; pyproject.toml is all that they hang on,
# since the sources are used where they lie. The one for development holds the other.
$(VENV)/.with-%: pyproject.toml $(RUN)
	@echo "Installing cachekit with what '$*' needs into $(VENV)"
	@$(INSTALL) --editable '.[$*]'
	@touch $@ $(if $(filter dev,$*),$(foreach extra,demo redis memcached,$(VENV)/.with-$(extra)))

# A library that has our name on the package index, to be measured beside ours; without it a row is empty.
$(VENV)/stranger: $(VENV)/.with-dev
	@$(RUN) -m venv $@
	@$@/bin/python -m pip install -qq $(STRANGER) || { rm -rf $@; echo "$(STRANGER) is not measured"; }

# Looked for once: where no server can be had, `make test` does not try again each time.
$(VENV)/.servers: tests/servers/install.sh $(VENV)/.with-dev
	@$(SERVERS)
	@touch $@

$(RUN):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "cachekit needs Python 3.11 or newer; '$(PYTHON)' is: $$($(PYTHON) --version 2>&1)."; \
	  echo "Name another one: make PYTHON=python3.12 $(MAKECMDGOALS)"; \
	  exit 1; } >&2
	@echo "Making $(VENV) with $$($(PYTHON) --version)"
	@rm -rf $(VENV)
	@$(if $(UV),$(UV) venv --quiet --python "$$($(PYTHON) -c 'import sys; print(sys.executable)')" $(VENV), \
	  $(PYTHON) -m venv $(VENV)) || { \
	  rm -rf $(VENV); \
	  echo "$(PYTHON) cannot make a virtual environment. On Debian and Ubuntu:"; \
	  echo "apt-get install python3-venv. Or install uv: it needs nothing else."; \
	  exit 1; } >&2
