# Everything stands in .venv; nothing is installed elsewhere.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Processes that share the tests, a file at a time.
WORKERS ?= 2

.PHONY: run test check bench format clean

# --config-settings: an ordinary editable install hides the plug-in from twistd.
$(VENV)/ready: setup.cfg pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say PYTHON=python3.x")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check \
		--editable '.[test,check]' --config-settings editable_mode=compat
	@# A panel for the tests; the pycrypto that it asks for cannot be built any more.
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps dc09-spt==0.0.4
	@touch $@

run: $(VENV)/ready
	$(BIN)/twistd -n --pidfile= goip --demo

# COVERAGE=1 measures which lines ran; those of programs that end by a signal do not count.
test: $(VENV)/ready
	$(if $(COVERAGE),$(BIN)/coverage erase)
	$(BIN)/$(if $(COVERAGE),coverage run,python) -m pytest \
		-n $(WORKERS) --dist loadfile --no-loadscope-reorder $(PYTEST)
	$(if $(COVERAGE),$(BIN)/coverage combine --quiet && $(BIN)/coverage report)

check: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m tests.house.apidocs
	$(BIN)/python -m pytest tests/house

bench: $(VENV)/ready
	$(BIN)/python -m pytest bench
	$(BIN)/python -m bench $(BENCH)

format: $(VENV)/ready
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) build dist demo-state *.egg-info .coverage*
