# Every target makes .venv first: nothing has to be installed before but make, git and Python.
SHELL := /bin/bash
.DEFAULT_GOAL := help
BIN := .venv/bin

.PHONY: help demo test check bench fmt clean setup

help: ## show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' Makefile

demo: ## a git ref becomes supervised services: a demonstration in ten seconds
	@scripts/bootstrap.sh runtime
	@$(BIN)/odbctl demo

test: setup ## format, lint, types, import contracts, tests: what CI runs
	@scripts/check.sh

check: test ## the same as test

bench: setup ## measure against the references, as ratios in one run
	@$(BIN)/python -m benchmarks

fmt: setup ## format the code and mend what the linter can mend
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format .

setup: ## make .venv with everything that a developer needs
	@scripts/bootstrap.sh dev

clean: ## remove .venv, caches and build results
	@rm -rf .venv .venv.lock dist build .hypothesis .import_linter_cache
	@rm -rf .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
