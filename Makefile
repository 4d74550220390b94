# Every verb needs Python 3.13 and a network for the first time, and nothing else: what they use is installed into
# .venv, .venv-sam and .venv-checkov from requirements/*.txt, whose every line carries a hash.
SHELL  := /bin/bash
.SHELLFLAGS := -o pipefail -c
BIN    := .venv/bin
# The Pythons of functions that are served, and the deployer's own.
VERSIONS := 3.12 3.13 3.14
OWN      := 3.13
OTHERS   := $(filter-out $(OWN),$(VERSIONS))
# A Python of this version on PATH, of pyenv or uv, or brought here by `make pythons`; nothing when there is none.
found     = $(shell for p in python$(1) $$HOME/.pyenv/versions/$(1)*/bin/python $$PYENV_ROOT/versions/$(1)*/bin/python \
	$${UV_PYTHON_INSTALL_DIR:-$${XDG_DATA_HOME:-$$HOME/.local/share}/uv/python}/cpython-$(1)*/bin/python$(1) build/brought/$(1)/usr/bin/python$(1); do \
	"$$p" -c 'import sys; sys.exit("%d.%d" % sys.version_info[:2] != "$(1)")' 2>/dev/null && { echo "$$p"; break; }; done)
ifndef PYTHON
PYTHON := $(call found,$(OWN))
endif
# uv from .venv, else from PATH (asked to answer: a pyenv shim may lead nowhere), else installed below: `sam build`
# works without .venv, and in a copy of the tree when it is told not to build in place.
UV     := $(or $(wildcard $(BIN)/uv),$(shell uv --version >/dev/null 2>&1 && command -v uv),build/uv/bin/uv)
LOCK    = $(CURDIR)/$(BIN)/uv pip compile -q --upgrade --generate-hashes --no-annotate --no-emit-index-url --no-emit-find-links --python-version $(OWN) --custom-compile-command 'make lock'

# What `make deploy` deploys. The packages hold native modules, so they are built for the architecture they run on, and the
# applications' for their runtime.
COMMA        := ,
STACK        ?= dropshift
APPLICATIONS ?= hello
PORT         ?= 4599
ARCHITECTURE ?= x86_64
RUNTIME      ?= python$(OWN)
export ARCHITECTURE
export SAM_CLI_TELEMETRY := 0
# Processes are started by the thousand here, and should not compile the same modules each time.
unexport PYTHONDONTWRITEBYTECODE

# The deployer's template, and that of an application.
TEMPLATES := template.yaml deployer/application.yaml

# Those of the bootstrap.
BOOTSTRAP := $(sort $(wildcard tests/end_to_end/test_bootstrap_*.py))
# Of these, those that the sandbox may change most, within minutes.
CONFINED_SOON := $(filter %demand.py %fidelity.py %frozen.py %identity.py %kinds.py %managed.py %restart.py,$(BOOTSTRAP))

.DEFAULT_GOAL := help
.PHONY: help test pythons emulator confined confined-all reliances faults demo local bench lint audit defects mutants live build deploy application lock clean
.DELETE_ON_ERROR:
.SECONDARY:

help:                        ## this list
	@awk -F ' *## ' '/^[a-z]+:.*## / {split($$1, verb, ":"); printf "make %-11s %s\n", verb[1], $$2}' Makefile

test: .venv/ready            ## every test: pure, workflow, end to end on the local AWS
	$(BIN)/python -m pytest -n 3 --dist loadfile --no-loadscope-reorder
	@$(MAKE) -s others

# What depends on it, on the other Pythons of functions that this machine has.
others: .venv/ready
	@for version in $(OTHERS); do if $(MAKE) -s build/runtimes/$$version/ready; \
		then echo "on python$$version" && RUNTIME_PYTHON=$$version $(BIN)/python -m pytest -n 3 -m every_python $(BOOTSTRAP) || exit 1; \
		else echo "skipped on python$$version"; fi; done
.PHONY: others

pythons: .venv/ready         ## bring the Pythons of functions that this machine lacks (Debian only), for the tests
	@for version in $(VERSIONS); do $(MAKE) -s build/runtimes/$$version/ready 2>/dev/null || \
		{ tests/get-python $$version build/brought/$$version && $(MAKE) -s build/runtimes/$$version/ready; } || exit 1; done

emulator: .venv/ready .venv-sam/ready ## applications under AWS's own Runtime Interface Emulator, native and dropped
	$(BIN)/python -m pytest -n 3 tests/emulator

confined: .venv/ready        ## the bootstrap's tests in a sandbox as narrow as Lambda's: user, files, memory, freezer (needs root)
	CONFINED=2 $(BIN)/python -m pytest -rs -n 3 --dist loadfile -k "not frozen[60]" $(CONFINED_SOON)

# 0.29 processors are what 512 MB of memory get: enough for the tests about frozen and used environments, in minutes.
confined-all: .venv/ready    ## the same, each of them, with 2 processors and with 1, and those of behaviour with 0.29
	for share in 2 1; do CONFINED=$$share $(BIN)/python -m pytest -rs -n 2 --dist loadfile $(BOOTSTRAP) || exit 1; done
	CONFINED=0.29 $(BIN)/python -m pytest -rs -n 2 --dist loadfile $(filter %frozen.py %kinds.py %restart.py %managed.py,$(BOOTSTRAP))

demo: .venv/ready            ## watch a large release go live, a bad one come back and a rollback by hand, all on this machine [RUNTIME=python3.14]
	$(BIN)/python -m tests.local.demo

local: .venv/ready           ## keep a local AWS with Dropshift running, to drop archives of your own [APPLICATIONS=hello,orders PORT=4599]
	$(BIN)/python -m tests.local --applications $(APPLICATIONS) --port $(PORT)

# eval "$(make -s local-env)" makes a shell find it, and know the command `dropshift`.
local-env: .venv/ready
	@$(BIN)/python -m tests.local --environment --port $(PORT)
.PHONY: local-env

pictures: .venv/ready        ## draw docs/pictures/ anew: the command line on the local AWS, and the chart of the benchmark
	$(BIN)/python -m tests.pictures

reliances: .venv/ready       ## write docs/aws.md's tables anew from tests/reliances
	$(BIN)/python -m tests.reliances

faults: .venv/ready          ## every fault at every call, races and floods; writes the figures of docs/reliability.md
	$(BIN)/python -m tests.faults
	$(BIN)/python -m tests.demand_faults --runs 500 --stops 40

bench: .venv/ready           ## measure cold starts [ARGUMENTS="--sets A --links 78-tls ...", --help lists them]
	$(BIN)/python -m tests.benchmarks $(ARGUMENTS)

bench-deploy: .venv/ready .venv-sam/ready ## measure deploys, from drop to live [ARGUMENTS="--sets A B S --rounds 5 ...", --help lists them]
	$(BIN)/python -m tests.benchmarks.deploys $(ARGUMENTS)

lint: .venv/ready            ## ruff, mypy and cfn-lint
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/cfn-lint $(TEMPLATES)

audit: .venv/ready .venv-checkov/ready ## hold the template against checkov: every finding has its reason
	$(BIN)/python -m tests.audit

defects: .venv/ready         ## break the product in every known way, one at a time: the tests must notice; writes its figure, too
	$(BIN)/python -m tests.defects

mutants: .venv/ready         ## change in every small way what decides and calls AWS, run the quick tests; writes its figures [ARGUMENTS="--sample 600 ..."]
	$(BIN)/python -m tests.mutants $(ARGUMENTS)

live: .venv/ready .venv-sam/ready ## deploy to your AWS account under a name of its own, use it, measure, remove it
	$(BIN)/python -m pytest -s --live tests/live

build: .venv-sam/ready       ## check both templates with `sam validate --lint`, and build the deployer's package with `sam build`
	@for template in $(TEMPLATES); do AWS_DEFAULT_REGION=$${AWS_DEFAULT_REGION:-eu-central-1} \
		.venv-sam/bin/sam validate --lint -t $$template --config-file "$(CURDIR)/samconfig.toml" || exit 1; done
	.venv-sam/bin/sam build

deploy: names-fit build      ## deploy to your AWS account [STACK=dropshift APPLICATIONS=hello,orders ARCHITECTURE=x86_64 PARAMETERS="RolloutMemory=10240"]
	.venv-sam/bin/sam deploy --stack-name $(STACK) --parameter-overrides Architecture=$(ARCHITECTURE) $(PARAMETERS)
	@for name in $(subst $(COMMA), ,$(APPLICATIONS)); do $(MAKE) --no-print-directory application APPLICATION=$$name || exit 1; done

# Its stack is its own, the deployer's stays as it is. SAM CLI leaves out PARAMETERS that a template has not.
application: APPLICATIONS = $(APPLICATION)
application: names-fit .venv-sam/ready ## deploy one application [APPLICATION=orders STACK=dropshift RUNTIME=python3.13 PARAMETERS="MemorySize=2048"]
	@test -n "$(APPLICATION)" || { echo "say which: make application APPLICATION=orders" >&2; exit 1; }
	@rm -rf build/application && $(MAKE) -s package-$(RUNTIME) ARTIFACTS_DIR="$(CURDIR)/build/application"
	.venv-sam/bin/sam deploy -t deployer/application.yaml --config-file "$(CURDIR)/samconfig.toml" --stack-name $(STACK)-app-$(APPLICATION) \
		--parameter-overrides Deployer=$(STACK) Application=$(APPLICATION) Runtime=$(RUNTIME) Architecture=$(ARCHITECTURE) $(PARAMETERS)

# Lambda allows a function's name 64 characters: <stack>-app-<application>. CloudFormation itself cannot measure one.
# Policies, rules and alarms know a stack's applications by `<stack>-app-`: another stack's names must not begin so.
names-fit:
	$(if $(findstring -app-,$(STACK)-),$(error $(STACK) holds "-app-" or ends in "-app", and other stacks would take its functions for their applications; choose another STACK))
	$(foreach name,$(subst $(COMMA), ,$(APPLICATIONS)),$(if $(shell name='$(STACK)$(name)' && test $${#name} -gt 59 && echo long),$(error $(STACK) and $(name) have at most 59 characters together; choose a shorter STACK or name)))
.PHONY: names-fit

lock: .venv/ready            ## renew the hash-pinned requirements
	cd requirements && $(LOCK) --override overrides.txt dev.in -o dev.txt && for p in sam demo checkov; do $(LOCK) $$p.in -o $$p.txt; done
	cd requirements && for p in deployer bootstrap runtime; do $(LOCK) -c dev.txt $$p.in -o $$p.txt; done # what is tested is what is shipped
	cd requirements && $(LOCK) --no-deps compilers.in -o compilers.txt

clean:                       ## remove everything that was made
	rm -rf .venv .venv-sam .venv-checkov build .cache .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis

# ---- Environments ----

python-found:
	@test -n "$(PYTHON)" || { echo "Python 3.13 was not found: not on PATH, nor where pyenv and uv keep theirs; this brings it:" >&2; \
		echo "  $$(command -v uv >/dev/null || echo 'curl -LsSf https://astral.sh/uv/install.sh | sh && ~/.local/bin/')uv python install 3.13" >&2; exit 1; }
.PHONY: python-found

.venv/ready: requirements/dev.txt | python-found
	@echo "creating .venv with $(PYTHON)"
	@$(PYTHON) -m venv --clear .venv && $(BIN)/python -m pip install -q uv && $(BIN)/uv pip install -q --compile-bytecode --require-hashes --no-deps --python $(BIN)/python -r requirements/dev.txt && touch $@

build/uv/bin/uv: | python-found
	@$(PYTHON) -m venv build/uv && build/uv/bin/python -m pip install -q uv

# aws-sam-cli and checkov pin other versions of botocore than ours: an environment each.
.venv-%/ready: requirements/%.txt | python-found $(UV)
	@echo "creating $(@D) with $(PYTHON)"
	@$(PYTHON) -m venv --clear $(@D) && $(UV) pip install -q --compile-bytecode --require-hashes --no-deps --python $(@D)/bin/python -r $< && touch $@

# A function's Python with AWS's runtime client, as in Lambda's /var/lang and /var/runtime, and nothing else: for the tests.
build/runtimes/%/ready: requirements/runtime.txt | $(UV)
	@test -n "$(call found,$*)" || { echo "no Python $* on this machine; \`make pythons\` brings it to a Debian one" >&2; exit 1; }
	@"$(call found,$*)" -m venv --clear --without-pip $(@D) && $(UV) pip install -q --compile-bytecode --require-hashes --no-deps --python $(@D)/bin/python -r $< && touch $@

# ---- Packages: `sam build` and the local AWS call build-<logical id> with ARTIFACTS_DIR ----

# Amazon Linux 2023, on which all of them run, has glibc 2.34.
PLATFORM := $(if $(filter arm64,$(ARCHITECTURE)),aarch64,x86_64)-manylinux_2_34
SITE     := build/site/$(ARCHITECTURE)
# For a version; `host` is this machine, whatever the packages are built for.
INSTALL   = $(UV) pip install -q --require-hashes --no-deps --only-binary :all: --python "$(PYTHON)" --python-version $(1) $(if $(filter host,$(2)),,--python-platform $(PLATFORM)) --target
# Bytecode that is never compared with its source: a function's /var/task is read-only and never changes.
COMPILE   = "$(PYTHON)" -m compileall -q -j 0 --invalidation-mode unchecked-hash
# Of the 430 services that botocore describes: those the deployer talks to, and xray, which its tracing looks up.
SERVICES := cloudwatch events kms lambda logs s3 sts xray
# What the deployer shares with the bootstrap.
SHARED   := $(addprefix bootstrap/,__init__.py index.py pointer.py)
# These, without what the interpreter leaves beside them, and without the command line.
COPY      = tar --exclude __pycache__ --exclude deployer/cli --exclude deployer/__main__.py -cf - $(1) | tar -xf - -C "$(ARTIFACTS_DIR)"

$(SITE)/deployer/ready: requirements/deployer.txt Makefile | python-found $(UV)
	@rm -rf $(@D) && $(call INSTALL,$(OWN)) $(@D) -r $<
	@cd $(@D) && rm -rf bin && find . -name '*.pyi' -delete && find . -path './botocore/data/*' -prune -type d $(SERVICES:%=! -name %) -exec rm -rf {} +
	@$(COMPILE) -s $(@D) -p /var/task $(@D) && touch $@

$(SITE)/zstd-%/ready: requirements/bootstrap.txt Makefile | python-found $(UV)
	@rm -rf $(@D) && $(call INSTALL,$*) $(@D) -r $< && touch $@

artifacts-asked-for:
	@test -n "$(ARTIFACTS_DIR)" || { echo "say where: make build-Controller ARTIFACTS_DIR=directory" >&2; exit 1; }
	@mkdir -p "$(ARTIFACTS_DIR)"
.PHONY: artifacts-asked-for

# A bare interpreter compiles for a version that is not its host's: the executable, its one module that compile() imports,
# and what it starts: the program that is its first argument.
PROGRAM = import sys\ndef run(_):\n    del sys.argv[0]\n    exec(open(sys.argv[0]).read(), {"__name__": "__main__"})\n
build/pythons/%/ready: requirements/compilers.txt Makefile | python-found $(UV)
	@rm -rf $(@D) && mkdir -p $(@D)/lib
	@$(call INSTALL,$(*F),$(*D)) $(@D)/wheel -r $<
	@mv $(@D)/wheel/freeze_core/bases/console-* $(@D)/python && mv $(@D)/wheel/freeze_core/lib/unicodedata.* $(@D)/lib && rm -rf $(@D)/wheel
	@printf '$(PROGRAM)' > $(@D)/lib/__init__python.py && touch $@

build-Controller build-Rollout: $(SITE)/deployer/ready | artifacts-asked-for
	@cp -R $(<D)/. "$(ARTIFACTS_DIR)" && rm -rf "$(ARTIFACTS_DIR)"/{ready,.lock,deployer,bootstrap}
	@$(call COPY,deployer $(SHARED))
	@$(COMPILE) -s "$(ARTIFACTS_DIR)" -p /var/task "$(ARTIFACTS_DIR)"/{deployer,bootstrap}
.PHONY: build-Controller build-Rollout

# Only the rollout compiles.
build-Rollout: rollouts-pythons
rollouts-pythons: $(OTHERS:%=build/pythons/$(ARCHITECTURE)/%/ready) | artifacts-asked-for
	@cd build/pythons/$(ARCHITECTURE) && mkdir -p "$(ARTIFACTS_DIR)/pythons" && tar --exclude ready --exclude __pycache__ -cf - $(OTHERS) | tar -xf - -C "$(ARTIFACTS_DIR)/pythons"
.PHONY: rollouts-pythons

# The bootstrap's package for a runtime. The module that its handler names lies at the root, for Python and for Node; all
# else goes by _dropshift: nothing of it can be mistaken for, or hide, a module of the application.
RUNTIMES := $(VERSIONS:%=python%) nodejs22.x nodejs24.x nodejs26.x
$(filter-out $(RUNTIMES:%=package-%),$(filter package-%,$(MAKECMDGOALS))):
	@echo "there is no package for $(@:package-%=%); choose one of: $(RUNTIMES)" >&2; exit 1

.SECONDEXPANSION:
# From 3.14 on the standard library has zstd.
BACKPORTED := 3.12 3.13
zstd        = $(if $(filter $(1),$(BACKPORTED)),$(SITE)/zstd-$(1)/)
compiler    = $(if $(filter $(1),$(OWN)),,build/pythons/host/$(1)/)
package-python%: $$(addsuffix ready,$$(call zstd,$$*) $$(call compiler,$$*)) | artifacts-asked-for python-found
	@"$(PYTHON)" bootstrap/package.py "$(ARTIFACTS_DIR)" $(addprefix --zstd ,$(addsuffix backports/zstd,$(call zstd,$*))) --compiler \
		$(or $(addsuffix python,$(call compiler,$*)),"$(PYTHON)" -I) deployer/bundle/compiler.py

package-nodejs%: | artifacts-asked-for python-found
	@"$(PYTHON)" bootstrap/package.py "$(ARTIFACTS_DIR)"
