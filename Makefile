# Two commands do everything: `make lab` opens the course, `make test` proves it.
# Both create .venv on first use and cost a second when it is there already.

PYTHON ?= python3
PY := .venv/bin/python
READY := .venv/.ready
NOTEBOOK_ENV := OMP_NUM_THREADS=1 COURSE_PROFILE=quick COURSE_WIDGETS=0 PYTHONHASHSEED=0
PYTEST := $(NOTEBOOK_ENV) $(PY) -m pytest
UNIT := $(PYTEST) tests -n 2 --dist worksteal -p no:nbval -o addopts="--import-mode=importlib --strict-markers -ra" -q
NBVAL := $(PYTEST) -n 2 --dist loadfile -q
# JupyterLab refuses to start as root (in a container, say) unless told to.
LAB_FLAGS := $(if $(filter 0,$(shell id -u)),--allow-root)
NEEDED_MB := 4000
# Packages that the tests compare with and the course does without.
PEERS_ENV := .venv-peers
PEERS_PY := $(PEERS_ENV)/bin/python
PEERS_READY := $(PEERS_ENV)/.ready
PEERS_PIP := $(PEERS_PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt
PEERS_REPORT := $(PEERS_ENV)/report.xml

.DEFAULT_GOAL := help
.PHONY: help lab test peers quick chapter render exercises lint clean

help: ## show this list
	@awk -F':.*## ' '/^[a-z]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(READY): pyproject.toml constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) was not found. Install Python 3.11 or newer, or say which one: make PYTHON=python3.12 ..."; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "This course needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -c 'import platform; print(platform.python_version())'). Say which one to use: make PYTHON=python3.12 ..."; exit 1; }
	@test -d .venv || $(PYTHON) -c 'import shutil, sys; free = shutil.disk_usage(".").free >> 20; sys.exit(free < $(NEEDED_MB) and f"The environment needs about $(NEEDED_MB) MB of disk; only {free} MB are free here.")'
	@$(PYTHON) -m venv .venv || { echo "Could not create .venv. On Debian and Ubuntu: apt install python3-venv."; exit 1; }
	@echo "Setting up .venv (a few minutes the first time) ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt torch || { echo "Installing torch failed; see pip's message above (network, disk, or Python version)."; exit 1; }
	@$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[test]" || { echo "Installing the course failed; see pip's message above (network, disk, or Python version)."; exit 1; }
	@$(PY) -m pip install --quiet --disable-pip-version-check -c constraints.txt --no-deps ISLP pygsp causaldata pydmd deeptime || { echo "Installing ISLP, pygsp, causaldata (data sets), pydmd or deeptime (peers in tests) failed; see pip's message above."; exit 1; }
	@.venv/bin/jupyter labextension disable --level=sys_prefix @jupyter/nbgrader >/dev/null 2>&1 || true # the tests need it, learners do not
	@touch $@

lab: $(READY) ## set up and open JupyterLab on the map of the course
	$(PY) -m jupyterlab $(LAB_FLAGS) --ServerApp.root_dir="$(CURDIR)" course/00_start_here.ipynb

test: $(READY) ## set up and prove everything: lint, contracts, unit tests, every notebook
	@$(MAKE) --no-print-directory lint
	$(UNIT)
	$(NBVAL) course exercises solutions

$(PEERS_READY): pyproject.toml constraints.txt
	@$(PYTHON) -m venv $(PEERS_ENV) || { echo "Could not create $(PEERS_ENV). On Debian and Ubuntu: apt install python3-venv."; exit 1; }
	@echo "Setting up $(PEERS_ENV) (five minutes the first time, about 2.7 GB) ..."
	@$(PEERS_PIP) torch && $(PEERS_PIP) -e ".[peers]" && $(PEERS_PIP) --no-deps causalml xgboost || { echo "Installing the peers failed; see pip's message above (network, disk, or Python version)."; exit 1; }
	@touch $@

peers: $(PEERS_READY) ## compare with EconML and CausalML, in an environment of their own
	$(NOTEBOOK_ENV) $(PEERS_PY) -m pytest tests/causal/test_r_learner_peers.py -o addopts="--import-mode=importlib --strict-markers -ra" -q --junitxml=$(PEERS_REPORT)
	@! grep -q '<skipped' $(PEERS_REPORT) || { echo "A comparison was skipped: a peer is missing. Set up anew: rm -r $(PEERS_ENV)"; exit 1; }

quick: $(READY) ## unit tests only
	$(UNIT)

chapter: $(READY) ## one chapter's tests and notebooks: make chapter N=3
	@case "$(N)" in [1-9]|[1-9][0-9]) ;; *) echo 'Which chapter? For example: make chapter N=3'; exit 1;; esac
	$(UNIT) -m ch$$(printf '%02d' $(N))
	$(NBVAL) $$(ls -d course/ch$$(printf '%02d' $(N))_* exercises/ch$$(printf '%02d' $(N))_* solutions/ch$$(printf '%02d' $(N))_* 2>/dev/null)

render: $(READY) ## run every notebook again and store its normalised outputs
	$(NOTEBOOK_ENV) $(PY) -m corelib.notebook render
	$(PY) -m corelib.notebook ledger

exercises: $(READY) ## write exercises/ from solutions/
	$(PY) -m corelib.grading build

lint: $(READY) ## style, import contracts, stale files
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports
	$(PY) -m corelib.notebook render --check
	$(PY) -m corelib.notebook ledger --check
	$(PY) -m corelib.grading build --check

clean: ## remove the environments and every cache
	rm -rf .venv .venv-peers build dist *.egg-info .pytest_cache .ruff_cache .hypothesis .import_linter_cache .grimp_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
