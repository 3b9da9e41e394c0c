# Two commands are enough for a start: `make demo` and `make test`. Needs Python 3.11+ and make.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
NAME   ?= laptop
APPLY  ?=

export PATH := $(CURDIR)/$(BIN):$(PATH)
export DO_NOT_TRACK := 1
export DVC_NO_ANALYTICS := 1
export MLFLOW_DISABLE_TELEMETRY := true
export PREFECT_SERVER_ANALYTICS_ENABLED := false

.PHONY: demo test bench lint scale params ui server worker deploy setup clean

demo: setup  ## run the whole pipeline at demo scale on the built-in sample
	dvc repro
	@python -m tasks.report --where

test: setup  ## the fast tests: no network, no GPU
	python -m pytest --numprocesses 2

bench: setup  ## what is measured: ratios from one run each, printed; needs gdal-bin for the projection row
	python -m tests.benchmarks

lint: setup
	ruff check .
	ruff format --check .

scale: setup  ## show what an overlay of infra/scales would change (NAME=laptop), or write it (APPLY=1)
	python -m flows.scale $(NAME) $(if $(APPLY),--apply)

params: setup  ## every value of a dataset, its default and its meaning (DATASET=terrain STAGE=train)
	@python -m flows.params $(DATASET) $(if $(STAGE),--stage $(STAGE))

ui: setup  ## the MLflow pages of every run, on http://127.0.0.1:5000
	@echo 'the table of runs: http://127.0.0.1:5000/#/experiments/1/runs?workflowType=machine_learning'
	mlflow ui --backend-store-uri sqlite:///$(CURDIR)/mlflow.db

# Prefect on this machine alone; its database and settings stay in the checkout.
server worker deploy: export PREFECT_HOME := $(CURDIR)/.landloom/prefect
server worker deploy: export PREFECT_API_URL ?= http://127.0.0.1:4200/api

server: setup  ## the Prefect server and its pages, on http://127.0.0.1:4200
	prefect server start --host 127.0.0.1 --port 4200

worker: setup  ## runs what the server schedules, in this checkout
	prefect worker start --pool landloom --type process

deploy: setup  ## tell the server of the deployments in prefect.yaml: refresh, train, sweep, pipeline
	prefect work-pool inspect landloom >/dev/null 2>&1 || prefect work-pool create landloom --type process
	prefect --no-prompt deploy --all

setup: $(STAMP)

$(STAMP): requirements.lock
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Landloom needs Python 3.11 or newer; set PYTHON=…")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	@touch $@

clean:  ## forget the environment; data, models and runs stay
	rm -rf $(VENV)
