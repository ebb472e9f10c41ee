# What a contributor types most. CONTRIBUTING.md has the commands themselves. PYTHON=python3.12 make env: another Python.
PYTHON ?= python3
BIN ?= .venv/bin

.PHONY: env check fix docs test run demo

env:
	$(PYTHON) -m venv .venv && $(BIN)/pip install -q -c constraints.txt -e '.[test,lint]'

check:  ## lint, types, and whether what is generated is current: no test, half a minute
	bash .ci/check $(BIN)

fix:
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs:
	$(BIN)/python tests/tools/keys_table.py
	$(BIN)/python tests/tools/config_docs.py
	$(BIN)/python -m tests.tools.identity_docs
	$(BIN)/python -m tests.tools.architecture
	$(BIN)/python -m tests.tools.command_lines
	$(BIN)/python -m tests.tools.man_pages
	$(BIN)/python -m tests.tools.plugin_files

test:  ## the README's command
	sed -n '/<!-- test -->/,/<!-- \/test -->/p' README.md | grep -v -e '<!--' -e '```' | sh -e

run:
	$(BIN)/praxmonitor

demo:
	$(BIN)/praxmonitor demo
