# Two commands do everything, set-up included: `make reproduce` and `make test`.
# PROFILE=smoke (minutes, default) | laptop (hours) | paper (a GPU); CORPUS=tunes; PROTOCOL=grouped;
# DEVICE=auto | cpu | gpu (the default of the profiles gpu and paper); PYTHON=python3.12 to choose one;
# BNET_DATA=folder of your corpora; BNET_PARTIAL=1 for an incomplete copy.

PROFILE  ?= smoke
CORPUS   ?= tunes
PROTOCOL ?= grouped
DEVICE   ?= $(if $(filter gpu paper,$(PROFILE)),gpu,auto)
KIT      ?= $(if $(REHEARSE),gpu-try,gpu-kit)
MINUTES  ?= 10
MEASURE  ?= 0.5
NETWORKS ?= bbnn,proposed,proposed-released
RESULTS  ?= reproduced
VENV     ?= .venv

BIN   := $(VENV)/bin
READY := $(VENV)/.ready
# for the tests of its lean step only, and beside the environment: Keras imports JAX wherever it is installed
JAX   := $(VENV)/jax
JAX_PINS = $(shell sed -n 's/^jax = \[\(.*\)\]/\1/p' pyproject.toml | tr -d '",')
export BNET_DATA BNET_PARTIAL
# the first Python 3.12 or 3.11 that really starts
PYTHON ?= $(shell for p in python3.12 python3.11 python3 python; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 12))' 2>/dev/null && echo $$p && break; done)

.PHONY: help reproduce test book pdf bench gpu gpu-kit lint format clean

help:
	@echo "make reproduce   corpus, features, training, pages and book (PROFILE=$(PROFILE)); your runs beside the book's"
	@echo "make test        all tests"
	@echo "make book        the book from the committed records: stale pages, strict build, checks"
	@echo "make pdf         the book as one PDF (wants Chromium), in book/_build/book.pdf"
	@echo "make bench       all benchmarks; ONLY=features,roofline some; QUICK=1 a try of each, to benchmarks/quick/"
	@echo "make gpu-kit     what a GPU machine without network needs, from BNET_DATA, into KIT=$(KIT)"
	@echo "make gpu         there: check, measure and train for MINUTES=$(MINUTES), a share of them MEASURE=$(MEASURE); REHEARSE=1: try it"
	@echo "                 with a tiny network, on any machine with JAX"
	@echo "make lint        style; make format mends it"
	@echo "make clean       remove what was built (not .venv, results or the feature cache)"

reproduce: $(READY)
	$(BIN)/bnet features --corpus $(CORPUS) --profile $(PROFILE)
	$(BIN)/bnet train --corpus $(CORPUS) --variant baselines,$(NETWORKS) --protocol $(PROTOCOL) \
		--profile $(PROFILE) --device $(DEVICE) --results $(RESULTS)
	$(BIN)/bnet evaluate --corpus $(CORPUS) --profile $(PROFILE) --results $(RESULTS)
	$(BIN)/bnet pages build
	@echo "your runs beside the book's: page 'Your run', book/_build/html/your-run.html"

test: $(READY) $(JAX)/.ready
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

book: $(READY)
	$(BIN)/bnet pages build

pdf: book
	$(BIN)/bnet pages pdf

bench: $(READY)
	$(BIN)/python benchmarks $(if $(QUICK),--quick) $(if $(ONLY),--only $(ONLY))

gpu-kit: $(READY)
	$(BIN)/python benchmarks/gpu_runs.py pack $(KIT)

# in the Python that has JAX with CUDA, not in .venv: the machine may have no network
GPU_PYTHON ?= python3
gpu:
	$(GPU_PYTHON) benchmarks/gpu_runs.py run $(KIT) --minutes $(MINUTES) --measure $(MEASURE) $(if $(REHEARSE),--rehearse)

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf book/_build book/_static/audio book/_static/listen benchmarks/quick $(RESULTS) .pytest_cache .ruff_cache *.egg-info
	find book -name '*.ipynb' -delete

$(READY): requirements.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or 3.12 with venv found. Install one (Debian, Ubuntu, WSL: apt install python3-venv), or name it: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(JAX)/.ready: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(JAX) $(JAX_PINS) || \
		echo "JAX is not to be had here: its tests are skipped" >&2
	@mkdir -p $(JAX)
	@touch $@
