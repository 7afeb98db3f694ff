# Everything a contributor runs. Each target installs what it needs, says what
# it does, and can be run again: what is there already is not done twice.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

# Minutes that `make fuzz` gives to each target.
MINUTES ?= 2
# What `make demo` and `make bench` hand on.
ARGS ?=
# Fuzz targets to run; all of them when empty.
TARGETS ?=

CACHE := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/idtrail
CARGO_DENY_VERSION := 0.20.2
CARGO_DENY := $(CACHE)/tools/cargo-deny-$(CARGO_DENY_VERSION)/bin/cargo-deny
VENV := .venv
export IDTRAIL_PYTHON := $(abspath $(VENV)/bin/python)

.PHONY: help
help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: prepare $(VENV)/bin/duckdb ## See it work on an invented company, e.g. ARGS="--events 50000 --no-serve".
	@scripts/demo $(ARGS)

.PHONY: run
run: prepare ## Build idtrail and start it embedded under ./idtrail-data; Ctrl-C stops it.
	@scripts/run

.PHONY: test
test: prepare $(VENV)/installed $(CARGO_DENY) promtool ## Set up and run every check: format, lints, licences, tests, docs.
	@scripts/need curl curl
	@scripts/need jq jq
	@CARGO_DENY=$(CARGO_DENY) scripts/test

.PHONY: bench
bench: prepare ## Build idtrail as it is shipped and measure it, e.g. ARGS="--runs 5".
	@scripts/bench $(ARGS)

.PHONY: soak
soak: prepare $(VENV)/installed ## Prove at length what the tests prove in short, and write docs/soak.md (four hours).
	@scripts/soak $(ARGS)

.PHONY: docs
docs: prepare $(VENV)/installed promtool ## Write what the documents take from the code: references, and what commands answer.
	@scripts/need curl curl
	@scripts/need jq jq
	@IDTRAIL_WRITE_DOCS=1 cargo test --quiet --workspace --test main -- --test-threads=1 tidy:: documents::

.PHONY: screens
screens: prepare promtool ## Make the pictures in docs/screens anew, from the program at work (minutes).
	@cargo build --quiet --locked --bin idtrail
	@scripts/need chromium chromium
	@scripts/need pngquant pngquant
	@scripts/screens $(or $(CARGO_TARGET_DIR),target)/debug/idtrail

.PHONY: fmt
fmt: prepare ## Format the code.
	@cargo fmt --all

.PHONY: fuzz
fuzz: prepare ## Fuzz every decoder, MINUTES (2) each, TARGETS (all) by name; what breaks one is left in fuzz/corpus.
	@scripts/need c++ g++
	@MINUTES=$(MINUTES) scripts/fuzz $(TARGETS)

.PHONY: prepare
prepare:
	@scripts/need cc gcc
	@scripts/need cargo

# Tries the alert rules.
.PHONY: promtool
promtool:
	@scripts/need promtool prometheus

# MiniStack stands in for AWS in the end-to-end tests; DuckDB and pyarrow read the lake.
$(VENV)/installed: tests/requirements.txt
	@scripts/need python3 python3
	@scripts/need ensurepip python3-venv
	@echo "==> python: $(VENV) with what $< names"
	@rm -rf $(VENV)
	@python3 -m venv $(VENV)
	@$(VENV)/bin/pip --quiet --disable-pip-version-check install --require-hashes --only-binary :all: --requirement $<
	@touch $@

# For people: DuckDB's program. The environment of the tests has it as well.
$(VENV)/bin/duckdb: scripts/duckdb.txt
	@scripts/need python3 python3
	@scripts/need ensurepip python3-venv
	@echo "==> python: DuckDB's program in $(VENV)/bin"
	@test -x $(VENV)/bin/pip || python3 -m venv $(VENV)
	@$(VENV)/bin/pip --quiet --disable-pip-version-check install --require-hashes --only-binary :all: --requirement $<
	@touch $@

# Without optimisation: it builds in half the time and runs for seconds.
$(CARGO_DENY):
	@echo "==> cargo-deny $(CARGO_DENY_VERSION): building it once, into $(CACHE)/tools (minutes)"
	@env --unset=CARGO_TARGET_DIR CARGO_PROFILE_DEV_DEBUG=0 \
		cargo install --quiet --debug --locked cargo-deny --version $(CARGO_DENY_VERSION) \
		--root $(CACHE)/tools/cargo-deny-$(CARGO_DENY_VERSION)
