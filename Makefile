# One spelling for people and for continuous integration. `make` alone prints this list.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# The parent commit, or, where the whole history is one commit, that commit itself.
BASE ?= $(shell git rev-parse --quiet --verify HEAD~1 >/dev/null || [ "$$(git rev-parse --is-shallow-repository)" = true ] && echo HEAD~1 || echo HEAD)

DEVICE ?= auto
SUITE ?= benchmarks/gpu.yml

.PHONY: help gate test fuzz lint e2e golden schemas gpu bench-profile bench-verdict bench-faults bench-dashboard bench-gates bench-bisect bench-explain bench-history bench-kernels bench-peers bench-plan bench-rendering bench-startup clean
help:            ## print this list
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/  —/'

gate: .venv/.ready        ## measure this tree against its parent commit and print the verdict
	$(BIN)/perfgate gate --base $(BASE)

test: .venv/.ready        ## run the tests, the fast ones first
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile \
	  tests/unit tests/fuzz tests/contract tests/golden tests/integration

fuzz: .venv/.ready        ## the same hostile inputs as in `make test`, 2,000 of each kind
	$(BIN)/python -m pytest tests/fuzz --hypothesis-profile=fuzz

lint: .venv/.lint         ## check style, types, spelling, workflows, action and Dockerfile
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/codespell README.md CONTRIBUTING.md CHANGELOG.md docs perfgate benchmarks tests host release entrypoint.py
	$(BIN)/zizmor --offline --no-progress --persona=auditor .github action.yml cuda host npu publish setup
	$(BIN)/actionlint .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions action.yml */action.yml .github/actions/*/action.yml
	$(BIN)/check-jsonschema --check-metaschema schemas/*.json
	$(BIN)/check-jsonschema --schemafile schemas/suite.json perfgate.yml benchmarks/*.yml
	$(BIN)/hadolint Dockerfile *.Dockerfile

e2e: .venv/.e2e           ## build the image, run the action under act against a fake GitHub
	$(BIN)/python -m pytest tests/e2e

golden: .venv/.ready      ## rewrite the golden files from what is rendered today
	$(BIN)/python -m pytest tests/golden --update-golden

schemas: .venv/.ready     ## write the JSON schemas of perfgate's files anew
	$(BIN)/perfgate schema --output-dir schemas

pictures: .venv/.e2e      ## draw the pictures in the documents again, with Chromium
	$(BIN)/python -m tests.pictures docs
	$(BIN)/python -m tests.dashboard_picture docs/dashboard.png

gpu: .venv/.ready         ## measure on an accelerator: DEVICE=auto SUITE=benchmarks/gpu.yml WRITE=docs/measurements.md
	$(BIN)/python -m benchmarks.gpu --device $(DEVICE) --suite $(SUITE) $(if $(WRITE),--write $(WRITE))

bench-profile: .venv/.ready ## what the stage recorder costs, beside its peers and its goals
	$(BIN)/python -m benchmarks.recorder

bench-verdict: .venv/.ready ## the rule's error rates beside its peers and its goals: QUICK=1 WRITE=docs/measurements.md
	$(BIN)/python -m benchmarks.verdict $(if $(QUICK),--quick) $(if $(WRITE),--write $(WRITE))

bench-peers: .venv/.bench ## what deciding from files costs, beside pyperf and google-benchmark's way
	$(BIN)/python -m benchmarks.compare

bench-gates: .venv/.ready ## real gates of wan-tiny, 20 unchanged, 20 slower, 20 slower in a stage: WRITE=docs/measurements.md KEEP=folder
	$(BIN)/python -m benchmarks.gates $(if $(WRITE),--write $(WRITE)) $(if $(KEEP),--keep $(KEEP))

bench-explain: .venv/.ready ## ten planted changes, and what perfgate explain calls their cause: WRITE=docs/measurements.md KEEP=folder
	$(BIN)/python -m benchmarks.explain $(if $(WRITE),--write $(WRITE)) $(if $(KEEP),--keep $(KEEP))

bench-bisect: .venv/.ready ## searches for a planted 5 % among 32 commits, simulated and real: REAL=3 WRITE=docs/measurements.md
	$(BIN)/python -m benchmarks.bisect $(if $(REAL),--real $(REAL)) $(if $(WRITE),--write $(WRITE))

bench-history: .venv/.ready ## level shifts in series over time, beside apache-otava and ruptures: QUICK=1 WRITE=docs/measurements.md
	$(BIN)/python -m benchmarks.history $(if $(QUICK),--quick) $(if $(WRITE),--write $(WRITE))

bench-kernels: .venv/.ready ## kernel variants beside their reference and their goals, on one CPU thread: DEVICE=cuda WRITE=docs/measurements.md KEEP=file
	$(BIN)/python -m benchmarks.kernels $(if $(filter-out auto,$(DEVICE)),--device $(DEVICE)) $(if $(WRITE),--write $(WRITE)) $(if $(KEEP),--keep $(KEEP))

bench-dashboard: .venv/.e2e ## the page of five years of nights, built and opened in Chromium: WRITE=docs/measurements.md
	$(BIN)/python -m benchmarks.dashboard $(if $(WRITE),--write $(WRITE))

bench-plan: .venv/.ready  ## a thousand cases over 64 runners: the longest shard, and what joining costs: WRITE=docs/measurements.md
	$(BIN)/python -m benchmarks.plan $(if $(WRITE),--write $(WRITE))

bench-rendering: .venv/.ready ## how long comment, summary and check take for 1,000 cases of 60 metrics
	$(BIN)/python -m benchmarks.rendering

bench-startup: .venv/.ready ## how long help and a comparison take to answer, beside a bare interpreter: WRITE=docs/measurements.md
	$(BIN)/python -m benchmarks.startup $(if $(WRITE),--write $(WRITE))

bench-faults: .venv/.ready ## every call of publish and propose with every fault: WRITE=docs/reliability.md
	$(BIN)/python -m benchmarks.faults $(if $(WRITE),--write $(WRITE))

clean:                    ## remove what the targets above made
	rm -rf .venv build dist perfgate-out

.venv/.ready: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(INSTALL) --editable '.[torch,test]'
	@touch $@

.venv/.lint: .venv/.ready
	$(INSTALL) --editable '.[lint]'
	@touch $@

.venv/.e2e: .venv/.ready
	$(INSTALL) --editable '.[e2e]'
	@touch $@

.venv/.bench: .venv/.ready
	$(INSTALL) --editable '.[bench]'
	@touch $@
