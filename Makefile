# Lægeknap. `make help` says what there is. Everything below brings its own environment: tools/bootstrap.py.
PYTHON ?= python3
LANG_UI ?= en
DEMO_JSON ?=
DESTDIR ?=
N ?= 25
TESTS ?= tests
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -p no:cacheprovider
COMPILE := uv pip compile pyproject.toml --universal --generate-hashes --no-header --no-emit-index-url --no-emit-find-links --python-version 3.11

.DEFAULT_GOAL := help
.PHONY: install-station install-region soak bench-viewing bench-fleet-config bench-reconnect help demo demo-fleet test explore check lint format unit bench-call bench-echo bench-line lock clean ready-demo ready-check ready-test

help: ## this list
	@echo "Lægeknap. First: make demo (try it), make check (before a commit), make test (everything)."
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{printf "  make %-18s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))
	@echo "Options: LANG_UI=da (the demo in Danish), DEMO_JSON=path (its addresses for a script), N=10 (stations), PYTHON=python3.12, TESTS=path"

demo: ready-demo ## a region and a simulated station on this machine; Ctrl-C ends it
	@exec env LANG_UI='$(LANG_UI)' DEMO_JSON='$(DEMO_JSON)' $(BIN)/region demo

demo-fleet: ready-demo ## a region and N=25 stations: enrolled, configured, commanded, renewed, one revoked; a table
	@exec $(BIN)/region demo-fleet --stations '$(N)'

test: ready-test ## every test, with real servers and browsers (TESTS=tests/unit for a part)
	$(PYTEST) -q -n 2 -m 'not system and not rpi' $(TESTS) || [ $$? -eq 5 ] # 5: none of this kind among TESTS
	$(PYTEST) -m 'system and not rpi' $(TESTS) || [ $$? -eq 5 ]

check: ready-check lint unit ## format, lint, types, floors and the fast tests: under two minutes

lint: ready-check ## formatting, ruff, mypy, import floors
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/mypy --strict tools
	$(BIN)/lint-imports

unit: ready-check # hypothesis tries a sample here, another each time
	$(PYTEST) -q -n 2 --hypothesis-profile=sample -m 'not rpi and not system and not long' tests/unit tests/architecture tests/contract

explore: ready-check ## hypothesis looks for what no run has tried, ten times as long (TESTS=path for a part)
	$(PYTEST) -q -n 2 --timeout=1800 --hypothesis-profile=explore -m 'hypothesis and not rpi and not system' $(TESTS)

format: ready-check ## put the code in form
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format

bench-call: ready-test ## our station beside Chromium's: build/bench/call.json
	$(BIN)/python -m tests.bench.call

bench-line: ready-test ## bad lines, ours beside Chromium's: build/bench/line.json (CASES=loss5,cap300 SECONDS=15)
	$(BIN)/python -m tests.bench.line --cases='$(CASES)' $(if $(SECONDS),--seconds=$(SECONDS))

bench-echo: ready-test ## echo left in six rooms, over PipeWire: build/bench/echo.json
	$(BIN)/python -m tests.bench.echo

soak: ready-test ## an hour's call: flat memory, no drift? build/bench/soak.json (MINUTES=5 for a short one)
	$(BIN)/python -m tests.bench.soak $(if $(MINUTES),--minutes=$(MINUTES))

bench-viewing: ready-check ## what framing, light and lens cost: build/bench/viewing.json
	$(BIN)/python -m tests.bench.viewing

bench-fleet-config: ready-test ## 10,000 stations' config changed at once: build/bench/config.json (STATIONS=1000 for a short one)
	$(BIN)/python -m tests.bench.config $(if $(STATIONS),--stations=$(STATIONS))

bench-reconnect: ready-test ## the broker restarted under 1000 stations, how they return: build/bench/reconnect.json (STATIONS=200)
	$(BIN)/python -m tests.bench.reconnect $(if $(STATIONS),--stations=$(STATIONS))

install-station: ## (root) a station's units, users and rules to their places (DESTDIR=an image's root)
install-region: ## (root) a region's
install-station install-region:
	@$(PYTHON) tools/install.py $(@:install-%=%) --destdir='$(DESTDIR)'

lock: ## compile requirements/*.lock anew (needs uv)
	$(COMPILE) --extra station --extra sim -o requirements/station.lock
	$(COMPILE) --extra region -c requirements/station.lock -o requirements/region.lock
	$(COMPILE) --all-extras -c requirements/station.lock -c requirements/region.lock -o requirements/dev.lock

clean: ## take away what was built and installed here
	rm -rf .venv build *.egg-info tests/browser/node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

ready-demo ready-check ready-test:
	@$(PYTHON) tools/bootstrap.py $(@:ready-%=%)
