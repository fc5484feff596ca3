# make run      serve the sample articles, or ARTICLES=DIR, at http://127.0.0.1:8080 (PORT=…)
#               and publish what changes in the folder; ONCE=1 publishes, checks and ends
# make demo     a newsroom's day in a minute, with the clock moved: every step looked at on the site
# make preview FILE=articles/x.json   show an article as it will be, and anew at each change
# make test     all tests; COV=1 measures what they cover
# make audit-pages ARTICLES=DIR   publish a folder of articles and judge every page of it
# make page-figures             judge the sample pages anew and write the tables of docs/pages.md
# make verify STACK=broadsheet   compare a deployed site with its sources; REPAIR=1 repairs it
# make rebuild STACK=broadsheet  make every page of a deployed site anew
# make simulate N=1000 SEED=0   random histories with faults and interleavings, checked
# make simulate-crashes         every crash point of every kind of publish
# make simulate-mutations       break the code on purpose: the simulation must notice
# make bench-search N=10000     search beside Pagefind: bytes and time of a query, cost of an update
# make bench N=10000            all figures of docs/performance.md: the five benchmarks below, and more
# make bench-beside N=10000     one article more, beside Hugo, Eleventy and Pelican
# make bench-bulk N=10000       articles a second a core, and a rebuild beside Hugo
# make bench-libraries          the libraries that were tried for each job, beside those that are used
# make load N=1000              so many uploads at once: in virtual time, with an outage, for real
# make fuzz MINUTES=10 SEED=0   the parsers, the sanitiser and the renderer on mutated input
# make check    formatting, lint, types, template
# make audit    known vulnerabilities of all that is pinned; REQUIRED=1 fails where none can be read
# make build    what `sam deploy` uploads; ARCH=x86_64 for the other architecture
# make lock     renew uv.lock and the layer's requirements after a change of pyproject.toml

SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run demo preview verify rebuild test audit-pages page-figures simulate simulate-crashes \
	simulate-mutations load bench bench-search bench-beside bench-bulk bench-libraries fuzz \
	check audit format build lock clean

PYTHON := $(shell for p in python3.13 python3.12 python3.11 python3.14 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
UV_VERSION := 0.13.9
UV := $(CURDIR)/.tools/bin/uv
EXPORT = $(UV) export --quiet --locked --no-emit-project --no-header --no-annotate
# The interpreter that is there is the one to use: nothing is downloaded but packages.
export UV_PYTHON_DOWNLOADS := never
export SAM_CLI_TELEMETRY := 0
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PATH := $(CURDIR)/.tools/bin:$(PATH)

# What judges pages in a browser. Without npm these tests say so and are skipped.
BROWSING := $(if $(shell command -v npm),tests/browser/node_modules/ready)

ELEVENTY := benchmarks/generators/eleventy/node_modules

# One more than there are processors, as some tests wait for what they have started.
WORKERS ?= $(shell echo $$(($$($(PYTHON) -c 'import os; print(os.cpu_count() or 1)') + 1)))

ARTICLES ?=
PORT ?= 8080
ARCH ?= arm64
STACK ?= broadsheet
N ?= 1000
SEED ?= 0
MINUTES ?= 10

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

run: .venv/ready
	@.venv/bin/python -m local.run --port $(PORT) $(if $(ARTICLES),--articles "$(ARTICLES)") $(if $(ONCE),--once)

demo: .venv/ready
	@.venv/bin/python -m local.demo $(if $(filter-out 8080,$(PORT)),--port $(PORT))

preview: .venv/ready
	@.venv/bin/broadsheet preview $(if $(FILE),"$(FILE)",--help) $(if $(filter-out 8080,$(PORT)),--port $(PORT))

verify: .venv/ready
	@.venv/bin/broadsheet --stack $(STACK) verify $(if $(REPAIR),--repair)

rebuild: .venv/ready
	@.venv/bin/broadsheet --stack $(STACK) rebuild

test: .venv/ready .venv-sam/ready .venv-ministack/ready .venv-audit/ready .venv-libraries/ready | $(BROWSING)
	.venv/bin/python -m pytest --numprocesses $(WORKERS) --dist loadgroup $(if $(COV),--cov --cov-report=term) $(ARGS)

audit-pages: .venv/ready | $(BROWSING)
	@.venv/bin/python -m tests.browser $(ARTICLES)

page-figures: .venv/ready | $(BROWSING)
	@.venv/bin/python -m tests.browser --figures

simulate: .venv/ready
	@.venv/bin/python -m tests.simulation $(N) $(SEED)

simulate-crashes: .venv/ready
	@.venv/bin/python -m tests.simulation --crashes

simulate-mutations: .venv/ready
	@.venv/bin/python -m tests.simulation --mutations

load: .venv/ready
	@.venv/bin/python -m benchmarks.load $(N)

bench-search: .venv/ready .venv-search/ready | $(BROWSING)
	@.venv/bin/python -m benchmarks.search $(N)

# All of them, whatever becomes of the one before; what misses an aim of its own is named in the end.
bench: .venv/ready .venv-sam/ready .venv-bench/ready .venv-sync/ready $(ELEVENTY)/ready
	@missed=; for part in archive "burst 1000" "beside $(N)" "bulk $(N)" "cold 5"; do \
		echo "python -m benchmarks.$$part"; .venv/bin/python -m benchmarks.$$part || missed="$$missed$${part%% *} "; \
	done; test -z "$$missed" || { echo "Aims missed: $$missed"; exit 1; }

bench-beside: .venv/ready .venv-bench/ready .venv-sync/ready $(ELEVENTY)/ready
	@.venv/bin/python -m benchmarks.beside $(N)

bench-bulk: .venv/ready .venv-bench/ready
	@.venv/bin/python -m benchmarks.bulk $(N)

bench-libraries: .venv/ready .venv-libraries/ready
	@.venv/bin/python -m benchmarks.libraries

fuzz: .venv/ready
	@.venv/bin/python -m tests.fuzz $(MINUTES) $(SEED)

check: .venv/ready .venv-sam/ready
	.venv/bin/ruff format --check .
	.venv/bin/ruff check .
	.venv/bin/mypy
	$(EXPORT) --only-group layer | diff layers/broadsheet/requirements.txt -
	$(EXPORT) --only-group crt | diff layers/broadsheet/requirements-crt.txt -
	@echo "requirements.txt and requirements-crt.txt of the layer agree with uv.lock"
	.venv/bin/cfn-lint template.yaml
	.venv-sam/bin/sam validate --lint --region eu-west-1

audit: .venv/ready .venv-audit/ready
	@mkdir -p build/audit
	@$(EXPORT) --no-hashes --output-file build/audit/default.txt >/dev/null
	@for group in audit bench crt libraries ministack sam search sync; do \
		$(EXPORT) --no-hashes --only-group $$group --output-file build/audit/$$group.txt >/dev/null || exit; \
	done
	@echo uv==$(UV_VERSION) >build/audit/uv.txt
	@.venv/bin/python -m local.audit $(if $(REQUIRED),--required) build/audit/*.txt

format: .venv/ready
	.venv/bin/ruff format .
	.venv/bin/ruff check --fix .

build: .venv-sam/ready
	.venv-sam/bin/sam build --parameter-overrides Arch=$(ARCH)

lock: $(UV)
	$(UV) lock --python $(PYTHON)
	$(EXPORT) --only-group layer --output-file layers/broadsheet/requirements.txt
	$(EXPORT) --only-group crt --output-file layers/broadsheet/requirements-crt.txt

clean:
	rm -rf .venv .venv-* .tools .aws-sam build tests/browser/node_modules $(ELEVENTY)

$(UV):
	@test -n "$(PYTHON)" || { echo "Broadsheet needs Python 3.11 or newer"; exit 1; }
	@echo "Setting up the tools in .tools"
	@$(PYTHON) -m venv .tools && .tools/bin/pip install --quiet uv==$(UV_VERSION)

.venv/ready: uv.lock pyproject.toml | $(UV)
	@echo "Setting up .venv from uv.lock"
	@UV_PROJECT_ENVIRONMENT=.venv $(UV) sync --quiet --locked --python $(PYTHON)
	@# Off the path, as on Lambda: see layers/broadsheet/Makefile.
	@$(UV) pip install --quiet --python .venv/bin/python --target .venv/crt --no-deps \
		--require-hashes --requirement layers/broadsheet/requirements-crt.txt
	@touch $@

.venv-%/ready: uv.lock pyproject.toml | $(UV)
	@echo "Setting up .venv-$* from uv.lock"
	@UV_PROJECT_ENVIRONMENT=.venv-$* $(UV) sync --quiet --locked --only-group $* --python $(PYTHON)
	@touch $@

tests/browser/node_modules/ready: tests/browser/package-lock.json tests/browser/.npmrc
	@echo "Setting up tests/browser/node_modules from its package-lock.json"
	@cd tests/browser && npm ci --no-progress --loglevel=error
	@touch $@

$(ELEVENTY)/ready: $(ELEVENTY:node_modules=package-lock.json) $(ELEVENTY:node_modules=.npmrc)
	@echo "Setting up $(ELEVENTY) from its package-lock.json"
	@cd $(dir $(@D)) && npm ci --no-progress --loglevel=error
	@touch $@
