# Start with `make demo` and `make test`. Both need git, make and Python 3.11+.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
# An environment works only where it was made: its scripts name its Python by the full path. One that was moved or copied,
# or whose Python is gone, is made again. A link is fine if the place that the scripts name leads to the same folder.
STALE  := $(shell [ ! -e $(STAMP) ] || { [ "$$(sed -n '1,2s|^[^/]*\(/.*\)/python.*|\1|p' $(BIN)/dvc 2>&1)" -ef $(BIN) ] && $(BIN)/python -c '' 2>&1; } || echo stale)
NAME   ?= laptop
APPLY  ?=
MINUTES ?= 9
SHIPPED := models/pretrained/terrain

export PATH := $(CURDIR)/$(BIN):$(PATH)
export DO_NOT_TRACK := 1
export DVC_NO_ANALYTICS := 1
export MLFLOW_DISABLE_TELEMETRY := true
export PREFECT_SERVER_ANALYTICS_ENABLED := false
export LOGNAME ?= $(shell id -un 2>/dev/null || echo user)# a container's user may have no name, and DVC asks for it

.PHONY: demo test bench gpu-check lint scale params ui server worker deploy setup again clean

demo: setup  ## run the whole pipeline at demo scale, on the built-in sample
	@git -c safe.directory='*' rev-parse HEAD >/dev/null || { echo 'a checkout of git is needed: clone it, or run git init, git add -A and git commit here'; exit 1; }
	@if [ -f $(SHIPPED)/config.json ]; then \
	  python -m tasks.generate terrain --model pretrained --out '$(CURDIR)/drawings/pretrained' --seed 11 --count 9 \
	  && echo 'overview.png there: nine terrains of the model that comes with the repository ($(SHIPPED)/README.md)' \
	  || echo 'the model that comes with the repository made no pictures; the demo goes on'; fi
	@echo 'from here on the demo trains its own: first the samples of the dataset terrain, then its report, then the other datasets'
	dvc repro generate@terrain
	@echo 'the first terrain of a model that the demo trained: $(CURDIR)/data/terrain/pictures/generate/overview.png (the rest goes on)'
	dvc repro report@terrain
	@echo 'the first report: $(CURDIR)/data/terrain/report/index.html (the other datasets go on)'
	dvc repro
	@python -m tasks.report --where

test: setup  ## the fast tests: no network, no GPU
	python -m pytest --numprocesses 4  # two more than the cores of a small machine: many tests wait for servers

bench: setup  ## measure speed and memory and print the table of docs/measured.md; the projection row needs gdal-bin
	python -m tests.benchmarks

gpu-check: setup  ## try this machine's GPU for MINUTES: its numbers, what makes it fast, and a training (docs/gpu.md)
	dvc repro --quiet shard@terrain
	python -m infra.gpu.check --minutes $(MINUTES)

lint: setup
	ruff check .
	ruff format --check .

scale: setup  ## show the changes of an overlay of infra/scales (NAME=laptop), or write them (APPLY=1)
	python -m flows.scale $(NAME) $(if $(APPLY),--apply)

params: setup  ## print every value of a dataset with its default and its meaning (DATASET=terrain STAGE=train)
	@python -m flows.params $(DATASET) $(if $(STAGE),--stage $(STAGE))

ui: setup  ## open MLflow's pages of all runs on http://127.0.0.1:5000, at tables that answer which training was best
	@python -m flows.ui

# Prefect for this machine alone; prefect.toml names its address and its folder in the checkout.
server worker deploy: export PREFECT_HOME := $(CURDIR)/.landloom/prefect

server: setup  ## start the Prefect server with its pages on http://127.0.0.1:4200
	@mkdir -p $(PREFECT_HOME)
	prefect server start --host 127.0.0.1 --port 4200

worker: setup  ## start a worker that runs scheduled flows in this checkout
	@python -m flows.ready
	prefect worker start --pool landloom --type process

deploy: setup  ## register the deployments of prefect.yaml: refresh, train, sweep, pipeline
	@python -m flows.ready
	@prefect work-pool inspect landloom >/dev/null 2>&1 || prefect work-pool create landloom --type process
	prefect --no-prompt deploy --all

setup: $(STAMP)

$(STAMP): requirements.lock $(if $(STALE),again)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Landloom needs Python 3.11 or newer; set PYTHON=…")'
	[ -L $(VENV) ] || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python infra/install.py requirements.lock
	@touch $@

again:
	@echo '$(VENV) was made in another place, or its Python is gone: it is made again'
	rm -rf $(VENV)  # of a link, the link alone

clean:  ## remove the environment; data, models and runs stay
	rm -rf $(VENV)
