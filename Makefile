# Sottovoce: every task of the project. `make help` lists them.
# A fresh machine needs Python >= 3.11, make and the package registry, for `make test` tmux and openssl too; all else
# is set up here.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --quiet --disable-pip-version-check
LINTED := $(wildcard src tests docs bench fuzz interop)
CORE   := crypto mls opaque link
APART  := vectors interop end_to_end

WITH_NODE := PATH="$(CURDIR)/$(BIN):$$PATH"

# Sixty clients that each compile the sources anew would measure the compiler.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help venv dev demo test lint types layers unit interop end-to-end bench-mls bench bench-app soak fuzz pictures lock clean

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Sottovoce needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 ..." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "python3 -m venv failed; on Debian: apt-get install python3-venv" >&2; exit 1; }

$(VENV)/.runtime: requirements/runtime.txt pyproject.toml | $(BIN)/python
	@echo "setting up $(VENV)"
	@$(PIP) install --require-hashes -r requirements/runtime.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.runtime
	@echo "setting up the development tools"
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

# The machine's Node where it is new enough, else the one these lines put beside Python in .venv.
interop/node_modules/.stamp: interop/package.json interop/package-lock.json interop/.npmrc | $(VENV)/.dev
	@echo "setting up interop/node_modules"
	@$(WITH_NODE); node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null || \
	  $(PIP) install --require-hashes -r requirements/node.txt || \
	  { echo "make test needs Node 20 or newer with npm; on Debian: apt-get install nodejs npm" >&2; exit 1; }
	@$(WITH_NODE); cd interop && npm ci --silent
	@touch $@

$(VENV)/.interop: requirements/interop.txt $(VENV)/.dev
	@$(PIP) install --require-hashes -r requirements/interop.txt
	@touch $@

# Apart from the other tools: atheris has libFuzzer in it, and wheels for Linux on x86-64 only.
$(VENV)/.fuzz: requirements/fuzz.txt $(VENV)/.dev
	@echo "setting up atheris"
	@$(PIP) install --require-hashes -r requirements/fuzz.txt
	@touch $@

venv: $(VENV)/.runtime ## set up .venv with the sottovoce command in it, nothing else

dev: $(VENV)/.dev ## the same with the tools the checks need

demo: venv ## a real server, three real clients, an encrypted conversation
	@$(BIN)/sottovoce demo
	@echo 'The command is $(BIN)/sottovoce.'

test: lint types layers interop unit end-to-end ## every check: lint, types, layers, tests, coverage

lint: dev ## ruff
	@$(BIN)/ruff check --quiet $(LINTED)
	@$(BIN)/ruff format --check --quiet $(LINTED)

types: dev ## mypy, strict
	@$(BIN)/mypy

layers: dev ## import-linter: imports go down only
	@$(BIN)/lint-imports

# Counting branches makes Python half as fast, so only the core's own tests are counted.
unit: dev ## official vectors, unit tests, threats; branch coverage of the core by its own tests
	@$(BIN)/python -m pytest tests/vectors
	@$(BIN)/python -m pytest $(CORE:%=tests/%) -n 3 --cov --cov-report=
	@for room in $(CORE); do \
	  printf '%-7s branch coverage ' $$room; \
	  $(BIN)/coverage report --include="src/sottovoce/$$room/*" --fail-under=95 --format=total || exit 1; \
	done
	@$(BIN)/python -m pytest tests $(CORE:%=--ignore=tests/%) $(APART:%=--ignore=tests/%) -n 3

interop: $(VENV)/.interop interop/node_modules/.stamp ## with ts-mls and OPAQUE of other hands
	@$(BIN)/python -m pytest tests/interop -n 2 --dist worksteal

end-to-end: dev ## real processes, real TLS, real terminals
	@command -v tmux >/dev/null || { echo "make test needs tmux; on Debian: apt-get install tmux" >&2; exit 1; }
	@command -v openssl >/dev/null || { echo "make test needs openssl; on Debian: apt-get install openssl" >&2; exit 1; }
	@$(BIN)/python -m pytest tests/end_to_end

bench-mls: dev interop/node_modules/.stamp ## MLS here and in ts-mls in one run: ratios, memory, storage
	@$(WITH_NODE); $(BIN)/python -m bench $(if $(QUICK),--quick)

fuzz: $(VENV)/.fuzz ## a million inputs to the decoders under atheris (FUZZ="--runs N --seed N")
	@$(BIN)/python fuzz/run.py $(FUZZ)
	@SOTTOVOCE_EXAMPLES=300 $(BIN)/python -m pytest tests/mls/test_properties.py

bench: venv ## the server under load beside plain asyncio: throughput, latency, durability (BENCH="--quick --only W1,W3")
	@$(BIN)/python -m bench.server $(BENCH)

soak: venv ## ten minutes of churn on the server: 10,000 connections, 1,000 rooms
	@$(BIN)/python -m bench.server --soak --json build/soak-server.json $(BENCH)

bench-app: venv ## the terminal app: typing while messages pour in, 100,000 lines, the start (BENCH="--keys 200 --lines 5000")
	@$(BIN)/python -m bench.terminal_app $(BENCH)

pictures: dev ## draw the pictures and the recording from the running demo and the running app
	@$(BIN)/python docs/pictures/make.py
	@$(BIN)/python docs/pictures/app.py

clean: ## remove what the tasks made
	@rm -rf $(VENV) interop/node_modules build .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*

lock: dev ## resolve the requirement files anew, with hashes
	@$(BIN)/python -m pip --quiet install uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-header pyproject.toml requirements/build.in -o requirements/runtime.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-header --extra dev pyproject.toml requirements/build.in -c requirements/runtime.txt -o requirements/dev.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-header requirements/node.in -o requirements/node.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-header requirements/interop.in -o requirements/interop.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --no-header requirements/fuzz.in -c requirements/dev.txt -o requirements/fuzz.txt
	@cd interop && npm install --package-lock-only --silent
