# make run, make test, make check, make bench: each sets up what it needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
UV     := $(BIN)/uv

.PHONY: run install test test-peers check bench lock client clean help

help:
	@echo "make run         set everything up, answer a demo call, stay up"
	@echo "make install     the command trunkline in .venv, and nothing else"
	@echo "make test        the whole suite (ARGS=\"…\" goes to pytest)"
	@echo "make test-peers  install the outside SIP peers of the suite (apt, root or sudo)"
	@echo "make check       lint, types, import rules"
	@echo "make client      the dashboard's client, generated anew (npm)"
	@echo "make bench       the benchmarks (FULL=1 adds the long ones)"

# uv is quick but knows nothing of pip's configuration (a mirror, a proxy's certificate): then pip does it itself.
define install
@echo "installing $(1)"
@$(UV) pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r $(1) \
	|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1)
@$(UV) pip install --quiet --python $(BIN)/python --no-deps -e . \
	|| $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
endef

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed: make PYTHON=python3.12 …" if sys.version_info < (3, 11) else 0)'
	@echo "making $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/uv.txt

$(VENV)/.run: requirements/run.txt pyproject.toml | $(UV)
	$(call install,requirements/run.txt)
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(UV)
	$(call install,requirements/dev.txt)
	@touch $@ $(VENV)/.run

install: $(VENV)/.run

run: $(VENV)/.run
	@$(BIN)/trunkline models pull
	@$(BIN)/trunkline serve --demo

# Bytecode is kept whatever the environment says: the suite starts hundreds of Pythons.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/.dev
	@$(BIN)/trunkline models pull vad turn stt-tiny.en embed-minilm
	$(BIN)/python -m pytest -n 4 --dist worksteal --reruns 1 --max-suite-reruns 3 --rerun-show-tracebacks $(ARGS)

test-peers:
	@bash tests/interop/install-peers.sh

check: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry src

bench: $(VENV)/.dev
	@$(BIN)/trunkline models pull
	$(BIN)/python -m benchmarks $(if $(FULL),--full)

# The locked requirements, with hashes, for every platform.
COMPILE := $(UV) pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11
lock: $(UV)
	$(COMPILE) pyproject.toml -o requirements/run.txt
	$(COMPILE) pyproject.toml --extra dev -o requirements/dev.txt
	echo 'uv==0.13.9' | $(COMPILE) - -o requirements/uv.txt

# The dashboard's typed client, from the API's own description (Node >= 20).
client: $(VENV)/.dev
	$(BIN)/python -m trunkline.roles.description > dashboard/openapi.json
	cd dashboard && npm ci --no-audit --no-fund && npm run client && npm run types
	sha256sum < dashboard/openapi.json | cut -c 1-64 > dashboard/src/client/openapi.sha256

clean:
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
