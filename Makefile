# Everything a developer does with inspan, one word each. `make` alone lists them.
# Each target makes ready what it needs; nothing outside this checkout is changed.

SHELL := /bin/sh
.SHELLFLAGS := -ec
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
OLDEST := .venv-3.11
# A stamp is newer than pyproject.toml where the packages in it are installed.
READY := $(VENV)/.ready
BENCH_READY := $(VENV)/.ready-bench
# Newer than that where the tests have been compiled: each worker would compile all of them itself.
COMPILED := $(VENV)/.compiled
SHORT := -m "not soak and not faces and not agents"
# Several workers, a file's tests on one; none where ARGS names a test (tests/conftest.py).
WORKERS := -n auto --dist loadfile --no-loadscope-reorder
# Agents take the processors while they start; each test has what it needs to itself.
AGENT_WORKERS := -n auto --dist load

.PHONY: help setup test check fix demo bench bench-state soak test-faces test-agents golden coverage docs picture smoke-311 clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## make .venv from the newest Python ≥ 3.11 and install what development needs

$(READY): pyproject.toml tools/setup
	@tools/setup $(VENV) newest --editable '.[dev]'
	@touch $@

$(COMPILED): $(READY)
	@$(BIN)/pytest $(SHORT) --collect-only --quiet --quiet > $@ || true # the tests tell what is wrong

test: $(READY) $(COMPILED) ## run the tests that take minutes (name what was left out)
	@mkdir -p .cache
	@echo "left out: the long legs (make soak), those that need tmux or a browser (make test-faces)"
	@echo "and those that drive real agents (make test-agents)"
	@$(BIN)/pytest $(SHORT) $(WORKERS) --junitxml=.cache/junit.xml $(ARGS)

check: $(READY) ## format, lint, types, layers, sizes, generated documents
	@echo "formatting"; $(BIN)/ruff format --check --quiet .
	@echo "lint"; $(BIN)/ruff check --quiet .
	@echo "types"; $(BIN)/mypy --no-error-summary
	@echo "layers"; mkdir -p .cache; $(BIN)/lint-imports > .cache/layers.txt 2>&1 \
		|| { cat .cache/layers.txt; exit 1; }
	@echo "sizes"; $(BIN)/python tools/sizes.py
	@echo "generated documents"; $(BIN)/python tools/diagram.py --check
	@$(BIN)/python tools/describe.py --check
	@$(BIN)/python tools/requirements.py --check
	@echo "all is well"

fix: $(READY) ## let ruff mend what it can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

demo: $(READY) ## watch real programs, and then a goal, run, fail, wait, and outlive a killed daemon
	@$(BIN)/inspan demo $(ARGS)
	@$(BIN)/inspan demo goal $(ARGS)

bench: $(BENCH_READY) ## measure inspan beside its alternatives, in one run
	@$(BIN)/python -m tools.bench $(ARGS)

bench-state: $(READY) ## measure the screen rules on the labelled recordings (ARGS=--write: into docs/)
	@$(BIN)/python -m tools.bench_state $(ARGS)

$(BENCH_READY): $(READY)
	@tools/setup $(VENV) newest --editable '.[dev,bench]'
	@touch $@

soak: $(READY) ## the long legs: crashes in numbers, a hundred sessions, ten thousand tasks, ten minutes of tui, properties
	@$(BIN)/pytest -m soak --timeout=1800 $(ARGS) || test $$? -eq 5 # ARGS may name no long leg
	@$(BIN)/pytest -m "hypothesis and not soak" --hypothesis-profile=roaming --timeout=1800 $(ARGS) \
		|| test $$? -eq 5 # ARGS may name no property

test-faces: $(READY) ## the legs that need tmux or a browser
	@command -v tmux > /dev/null || { echo "make test-faces needs tmux, which is not here" >&2; exit 1; }
	@command -v chromium > /dev/null || command -v google-chrome > /dev/null \
		|| { echo "make test-faces needs chromium, which is not here" >&2; exit 1; }
	@$(BIN)/pytest -m faces --timeout=300 $(ARGS)

test-agents: $(READY) ## install the real agents and drive them (AGENTS="claude codex": only those)
	@$(BIN)/python -m tests.agents.install $(AGENTS)
	@AGENTS="$(AGENTS)" $(BIN)/pytest -m agents $(AGENT_WORKERS) $(ARGS)

golden: $(READY) ## record tests/golden/agents anew from the real agents (ARGS="claude/stream codex")
	@$(BIN)/python -m tests.agents.record $(ARGS)

# One test after another: measuring takes the processors, and what has a time to keep would be late.
# Children that were killed leave files behind, and some tests run a copy that is gone by now.
# Interrupted, it reports what ran until then, and takes back what it has put beside the packages.
coverage: $(READY) ## run the tests under coverage, and say what no test reached
	@$(BIN)/coverage erase
	@$(BIN)/python -m tools.worker_lines begin
	@trap : INT; failed=0; $(BIN)/coverage run -m pytest $(SHORT) -q $(ARGS) || failed=$$?; \
	rm -f $(VENV)/lib/*/site-packages/subcover_*.pth; \
	$(BIN)/python -m tools.worker_lines end; \
	$(BIN)/coverage combine --quiet; \
	$(BIN)/coverage report --ignore-errors --skip-covered --show-missing; \
	echo "error branches that no test reached"; $(BIN)/python tools/error_branches.py; \
	exit $$failed

docs: $(READY) ## write the generated parts of docs/ anew, with the results of the last `make test`
	@$(BIN)/python tools/diagram.py
	@$(BIN)/python tools/describe.py
	@$(BIN)/python tools/requirements.py

picture: $(READY) ## draw all pictures of README and docs/ from what really runs; the page's where Chromium is
	@$(BIN)/python tools/picture.py
	@PYTHONPATH=. $(BIN)/python tools/tui_picture.py
	@if command -v chromium > /dev/null || command -v google-chrome > /dev/null; then \
		PYTHONPATH=. $(BIN)/python tools/page_picture.py; \
	else echo "Chromium is not here: docs/page*.png are as they were"; fi

smoke-311: ## install on Python 3.11, the oldest supported, and try it
	@tools/setup $(OLDEST) 3.11 .
	@$(OLDEST)/bin/python tools/smoke.py

clean: ## remove what the other targets made, the environments too
	@rm -rf $(VENV) $(OLDEST) .cache .coverage .coverage.* dist \
		.mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	@find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +
