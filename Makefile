# Everything one does with the book. `make` alone lists the targets.
# Needs Python 3.11 or newer and, once, the package index. Windows: see README.md.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
COLAB_PYTHON ?= python3.13

# The book's own runs use the generated hazelnuts and the quick settings, whatever else is set,
# and leave no progress bars in the outputs.
BOOK_RUN := MVTEC_ROOT=generated ONE_BAD_NUT_PROFILE=quick ONE_BAD_NUT_CATEGORY=hazelnut \
	ONE_BAD_NUT_WEIGHTS=auto TQDM_DISABLE=1

# Tests run in as many processes as `make test PROCESSES=4` says, with one thread each: two threads of
# one small computation mostly wait for each other, two processes do not.
PROCESSES ?= 2
SIDE_BY_SIDE := --numprocesses $(PROCESSES)

# Of `make report`. Systems set LANGUAGE for their own messages too; such values mean nothing here.
ifeq ($(origin LANGUAGE),environment)
LANGUAGE := $(or $(filter zh-TW,$(LANGUAGE)),en)
endif
LANGUAGE ?= en

.DEFAULT_GOAL := help
.PHONY: help book test fuzz lint pytest nbval browser committed-book pdf links newest colab extras fresh-reader landing notebooks lab results long-tail paper-recipe segmentation detection report pretrain pretrain-segmenter pretrain-words lock repository clean

help:  ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' Makefile

$(INSTALLED): requirements.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "One Bad Nut needs Python 3.11 or newer: make PYTHON=python3.12 ...")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python --requirement requirements.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

book: $(INSTALLED)  ## Execute what has changed, on the generated data, and build the book
	$(BOOK_RUN) $(BIN)/python -m tools.build_book --execute

test: lint pytest nbval browser  ## Check style, helpers, every notebook's outputs, every page

fuzz: $(INSTALLED)  ## Read ten thousand damaged files of each kind: annotations, data, checkpoints, records
	ONE_BAD_NUT_DAMAGED=10000 $(BIN)/python -m pytest tests/annotations tests/data tests/networks \
		tests/experiments -k test_damaged --hypothesis-show-statistics

lint: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

pytest: $(INSTALLED)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --ignore=tests/browser $(SIDE_BY_SIDE) --dist worksteal

nbval: $(INSTALLED)
	$(BOOK_RUN) OMP_NUM_THREADS=1 $(BIN)/python -m pytest --nbval --nbval-current-env \
		--nbval-cell-timeout=7200 --nbval-kernel-startup-timeout=600 \
		--nbval-sanitize-with tests/nbval_sanitize.cfg -p tests.longest_first \
		$(SIDE_BY_SIDE) --dist loadfile --no-loadscope-reorder notebooks

browser: committed-book  ## Check every page of the book in Chromium; skipped where there is none
	$(BIN)/python -m pytest tests/browser -rs $(SIDE_BY_SIDE)

committed-book: $(INSTALLED)  ## Build the book from the committed outputs, executing nothing
	$(BIN)/python -m tools.build_book

pdf: committed-book  ## Print the whole book into _build/one-bad-nut.pdf, with Chromium
	$(BIN)/python -m tools.pdf

links: $(INSTALLED)  ## Ask every link of the book whether it still leads somewhere
	$(BIN)/python -m tools.build_book --builder linkcheck

# The notebooks' own assertions hold the results; the committed outputs stay as they are in git.
newest: $(INSTALLED)  ## Run all notebooks with the newest packages that pyproject.toml allows
	$(BIN)/uv pip install --python $(BIN)/python --upgrade --group book --group test --editable .
	$(BOOK_RUN) $(BIN)/python -m tools.run_notebooks

# The book itself, and what else it needs, is left to the notebooks' first cells, as on Colab.
colab:  ## Run all first cells and four whole chapters with the versions that Colab has
	$(COLAB_PYTHON) -m venv --clear _build/colab
	_build/colab/bin/python -m pip install --quiet --requirement tools/colab_versions.txt
	$(BOOK_RUN) _build/colab/bin/python -m tools.as_on_colab

extras: $(INSTALLED)  ## Install SAM's and YOLO-World's packages (ultralytics: AGPL-3.0), test both
	$(BIN)/uv pip install --quiet --python $(BIN)/python --editable '.[sam,detection]'
	$(BIN)/python -m pytest tests/segmentation/test_sam.py tests/detection/test_yolo_world.py -rs

fresh-reader: $(INSTALLED)  ## Time a fresh reader's path from clone to the first detector
	$(BIN)/python -m tools.fresh_reader

landing: $(INSTALLED)  ## Draw the pictures of the front page anew
	TQDM_DISABLE=1 $(BIN)/python -m tools.landing_picture

notebooks: $(INSTALLED)  ## Run the notebooks that have changed and keep their outputs in them
	$(BOOK_RUN) $(BIN)/python -m tools.run_notebooks

lab: $(INSTALLED)  ## Open the notebooks in JupyterLab
	$(BIN)/jupyter lab --notebook-dir=. notebooks

results: $(INSTALLED)  ## Run all detectors over all seeds; goes on where it stopped
	$(BIN)/python -m tools.results detectors

long-tail: $(INSTALLED)  ## Train every classifier of chapter 8; goes on where it stopped
	$(BIN)/python -m tools.results long-tail

paper-recipe: $(INSTALLED)  ## Train Balanced-MixUp as its authors do, for chapter 8: hours, or minutes with a GPU
	$(BIN)/python -m tools.results paper-recipe

segmentation: $(INSTALLED)  ## Train every segmenter of chapter 17 that has no record
	$(BIN)/python -m tools.results segmentation
	$(BIN)/python -m tools.results promptable

detection: $(INSTALLED)  ## Train every box detector of chapter 16 that has no record
	$(BIN)/python -m tools.results detection

report: $(INSTALLED)  ## Write the assignment's report from the records: LANGUAGE=en or zh-TW
	$(BIN)/python -m tools.report --language "$(LANGUAGE)" $(if $(ALLOW_STALE),--allow-stale)

pretrain: $(INSTALLED)  ## Train the formula backbone anew: an hour or more on two cores
	$(BIN)/python -m tools.pretrain_backbone

pretrain-segmenter: $(INSTALLED)  ## Train the promptable segmenter anew: an hour on one core
	$(BIN)/python -m tools.pretrain_segmenter

pretrain-words: $(INSTALLED)  ## Train the words of chapter 16's detector anew: a quarter of an hour on one core
	$(BIN)/python -m tools.pretrain_words

lock: $(INSTALLED)  ## Make requirements.txt anew from pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade \
		--no-header --no-annotate --no-emit-index-url --group book --group report --group test \
		--output-file requirements.txt pyproject.toml

repository: $(INSTALLED)  ## Point the whole book at another repository: make repository URL=...
	$(BIN)/python -m tools.set_repository $(URL)

clean:  ## Remove what was built and executed; environment and data stay
	rm -rf _build .pytest_cache .ruff_cache
