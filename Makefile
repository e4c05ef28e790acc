# GNU make 4.3 or newer, bash, Go and git. `make` lists the targets.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Each module is built as its own go.mod says, with the versions its users get;
# go.work, which would raise them all to the highest, is for editors.
export GOWORK := off
MODULES := . otel bus/postgres bus/redis ext/tasks/aws ext/tasks/river cmd/mcpengine examples test test/toy

# name:module:package of each binary.
BINARIES := \
	weather:examples:./weather \
	board:examples:./board \
	authboard:examples:./authboard \
	approval:examples:./approval \
	conformance-server:test:./conformance/server \
	conformance-client:test:./conformance/client \
	mcpengine:cmd/mcpengine:.

ACTIONLINT_VERSION := v1.7.12
GOLANGCI_LINT_VERSION := v2.15.0
GOTESTSUM_VERSION := v1.13.0
GOVULNCHECK_VERSION := v1.9.0
GORELEASER_VERSION := v2.15.1
CYCLONEDX_VERSION := v1.10.0

# The version is in the file name, so that a new pin is a new file.
TOOLS := $(CURDIR)/.tools/bin
ACTIONLINT := $(TOOLS)/actionlint-$(ACTIONLINT_VERSION)
GOLANGCI_LINT := $(TOOLS)/golangci-lint-$(GOLANGCI_LINT_VERSION)
GOTESTSUM := $(TOOLS)/gotestsum-$(GOTESTSUM_VERSION)
GOVULNCHECK := $(TOOLS)/govulncheck-$(GOVULNCHECK_VERSION)
GORELEASER := $(TOOLS)/goreleaser-$(GORELEASER_VERSION)
CYCLONEDX := $(TOOLS)/cyclonedx-gomod-$(CYCLONEDX_VERSION)

# How long `make fuzz` gives each target.
FUZZTIME ?= 30s

# Runs $(1) in each module.
in-each-module = for module in $(MODULES); do (cd "$$module" && $(1)); done

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: check
check: lint test ## What a commit must pass: lint and test

.PHONY: build
build: ## Build the binaries into bin
	@for binary in $(BINARIES); do \
		IFS=: read -r name module package <<<"$$binary"; \
		echo "bin/$$name"; \
		(cd "$$module" && CGO_ENABLED=0 go build -trimpath -o "$(CURDIR)/bin/$$name" "$$package"); \
	done

.PHONY: manual
manual: ## Write the pages of the manual and the completion scripts into bin/manual
	@cd cmd/mcpengine && CGO_ENABLED=0 go build -trimpath -o "$(CURDIR)/bin/mcpengine" .
	@bin/mcpengine manual bin/manual

.PHONY: zip
zip: build ## Package the weather server for AWS Lambda, for arm64 and amd64
	@for arch in arm64 amd64; do \
		bin/mcpengine package ./examples/weather --arch "$$arch" -o "bin/weather-$$arch.zip"; \
	done

.PHONY: try
try: ## See it work: a real client calls the weather server
	@cd examples && CGO_ENABLED=0 go build -trimpath -o "$(CURDIR)/bin/weather" ./weather
	@cd test && go run ./call get_weather '{"city":"Tokyo"}' "$(CURDIR)/bin/weather"

# What the tests need beyond Go, each installed only when it is missing.
TEST_DEPS := \
	apps-deps \
	bridge-deps \
	conformance-deps \
	helm-deps \
	interop-deps \
	keycloak-deps \
	lambda-deps \
	mcpb-deps \
	nginx-deps \
	oidc-deps \
	postgres-deps \
	prometheus-deps \
	python-deps \
	redis-deps \
	shells-deps \
	terraform-deps \
	wrangler-deps

# The modules whose tests take longest, which begin first.
LONGEST := test cmd/mcpengine

# A program with the race detector sleeps for a second when it ends, unless it is
# told not to. Each package's tests are such a program, and the command that they
# run hundreds of times is another.
test: export GORACE := atexit_sleep_ms=0

# The installations wait for the network and compiling does not, so they run side
# by side. Each prints its lines when it has ended.
.PHONY: test
test: export PATH := $(CURDIR)/.tools/python/bin:$(PATH)
test: announce ## Test every module under the race detector (CI=true: a skip is a failure)
	@$(MAKE) --no-print-directory --jobs=4 --output-sync=target $(TEST_DEPS) $(GOTESTSUM) test-compile
	@go test -race -tags mcpengine_no_handshake .
	@scripts/test $(GOTESTSUM) $(LONGEST) $(filter-out $(LONGEST),$(MODULES))

# Compiles what `make test` tests, and links nothing. The tests report errors.
.PHONY: test-compile
test-compile:
	@scripts/test-compile $(MODULES)

.PHONY: announce
announce:
	@scripts/announce

.PHONY: lint
lint: lint-format lint-go lint-cross lint-modules lint-workflows lint-vulns ## Check format, code, every platform, modules, workflows and known vulnerabilities

.PHONY: lint-format
lint-format: $(GOLANGCI_LINT)
	@echo "lint: gofumpt"
	@$(call in-each-module,$(GOLANGCI_LINT) fmt --diff)

.PHONY: lint-go
lint-go: $(GOLANGCI_LINT)
	@echo "lint: golangci-lint"
	@$(call in-each-module,$(GOLANGCI_LINT) run)

# Vets the tests too, so that they compile where nobody runs them.
.PHONY: lint-cross
lint-cross:
	@for os in linux darwin windows; do for arch in amd64 arm64; do \
		echo "lint: go build and go vet for $$os/$$arch"; \
		export GOOS=$$os GOARCH=$$arch CGO_ENABLED=0; \
		$(call in-each-module,go build -o /dev/null ./... && go vet ./...); \
	done; done

.PHONY: lint-modules
lint-modules:
	@echo "lint: go mod tidy and go mod verify"
	@$(call in-each-module,go mod tidy -diff && go mod verify >/dev/null)

.PHONY: lint-workflows
lint-workflows: $(ACTIONLINT)
	@echo "lint: actionlint"
	@$(ACTIONLINT) .github/workflows/*.yml

.PHONY: lint-vulns
lint-vulns: $(GOVULNCHECK)
	@echo "lint: govulncheck"
	@scripts/vulncheck $(GOVULNCHECK) $(MODULES)

.PHONY: fmt
fmt: $(GOLANGCI_LINT) ## Format the code with gofumpt
	@$(call in-each-module,$(GOLANGCI_LINT) fmt)

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME (default 30s)
	@FUZZTIME=$(FUZZTIME) scripts/fuzz $(MODULES)

# These run on the Node.js that the conformance suite comes with.
apps-deps bridge-deps interop-deps mcpb-deps oidc-deps: | conformance-deps

# Tests that need a peer skip themselves, and say so, when it cannot be had.
.PHONY: conformance-deps
conformance-deps:
	@scripts/install-conformance || echo "conformance: the suite is not installed; its tests will be skipped" >&2

.PHONY: interop-deps
interop-deps:
	@scripts/install-peers || echo "interop: the clients of the TypeScript SDK are not installed; their tests will be skipped" >&2
	@scripts/install-python-peers || echo "interop: the Python SDKs are not installed; their tests will be skipped" >&2

.PHONY: oidc-deps
oidc-deps:
	@scripts/install-oidc || echo "oidctest: the OpenID provider is not installed; its tests will be skipped" >&2

.PHONY: keycloak-deps
keycloak-deps:
	@scripts/install-keycloak || echo "keycloaktest: Keycloak is not installed; its tests will be skipped" >&2

.PHONY: lambda-deps
lambda-deps:
	@scripts/install-lambda-rie || echo "locallambda: the runtime interface emulator of AWS is not installed; its test will be skipped" >&2

.PHONY: python-deps
python-deps:
	@scripts/install-python || echo "deploy: moto and cfn-lint are not installed; their tests will be skipped" >&2

.PHONY: postgres-deps
postgres-deps:
	@scripts/install-postgres || echo "examples: PostgreSQL is not installed; tests of the board with it will be skipped" >&2

# Its script uses the pip of .tools/python where there is one.
.PHONY: terraform-deps
terraform-deps: | python-deps
	@scripts/install-aws-provider || echo "iac: the schema of the AWS provider is not installed; its tests will be skipped" >&2

.PHONY: wrangler-deps
wrangler-deps:
	@scripts/install-wrangler || echo "iac: the schema of wrangler.jsonc is not there; its test will be skipped" >&2

.PHONY: redis-deps
redis-deps:
	@scripts/install-redis || echo "bus/redis: Redis is not installed; its tests will be skipped" >&2

.PHONY: shells-deps
shells-deps:
	@scripts/install-shells || echo "mcpengine: zsh, fish or mandoc is not installed; tests of completion and of the manual will be skipped" >&2

.PHONY: nginx-deps
nginx-deps:
	@scripts/install-nginx || echo "e2e: nginx is not installed; the test of rolling restarts will be skipped" >&2

.PHONY: helm-deps
helm-deps:
	@scripts/install-helm || echo "iac: Helm is not installed; tests of the chart will be skipped" >&2

.PHONY: apps-deps
apps-deps:
	@scripts/install-apps || echo "apps: the bridge of MCP Apps or Chromium is not installed; tests of views in a browser will be skipped" >&2

.PHONY: mcpb-deps
mcpb-deps:
	@scripts/install-mcpb || echo "mcpb: the tool for MCP bundles is not installed; its test will be skipped" >&2

.PHONY: prometheus-deps
prometheus-deps:
	@scripts/install-prometheus || echo "otel: Prometheus is not installed; the tests of deploy/observe will be skipped" >&2

.PHONY: site-deps
site-deps:
	@scripts/install-site

.PHONY: site
site: site-deps ## Build the documentation site into bin/site, and check its links
	@cd test && go run ./site

.PHONY: site-check
site-check: site ## Build the site, and look at every page in Chromium
	@.tools/apps/node test/site/browser.mjs

.PHONY: site-serve
site-serve: site-deps ## Build the site and serve it at http://localhost:1313
	@cd test && go run ./site -serve

.PHONY: tutorial
tutorial: postgres-deps ## Follow the tutorial of the site from its text, in an empty folder
	@cd cmd/mcpengine && go test -tags tutorial -count=1 -timeout 30m -v -run '^TestTutorial$$' .

.PHONY: tutorial-clean
tutorial-clean: postgres-deps ## Follow the tutorial on a new system, without caches (Linux, root, debootstrap)
	@scripts/tutorial-clean

.PHONY: terraform
terraform: ## Validate and test the Terraform configurations, with terraform or tofu and its registry
	@mkdir -p .tools
	@cd test && go test -count=1 -v -run '^TestTerraform' ./iac | tee "$(CURDIR)/.tools/terraform.log"
	@! grep -- '--- SKIP' .tools/terraform.log

.PHONY: conformance
conformance: build ## Run the official MCP conformance suite
	@scripts/install-conformance
	@go build -C test -o $(CURDIR)/bin/conformance-run ./conformance/run && bin/conformance-run

.PHONY: bundles
bundles: ## Make MCP bundles for every platform, and check them with the official tool
	@scripts/install-mcpb
	@cd test && MCPENGINE_BUNDLES=all go test -count=1 -v ./mcpb

# Checks .goreleaser.yaml, makes a release twice and compares the bytes, runs what
# can be run here of it, and installs a tagged release from files.
.PHONY: release-check
release-check: $(GORELEASER) $(CYCLONEDX) ## Make a release twice, compare the two, and install the library and the CLI from its tags
	@scripts/release-check $(GORELEASER) $(CYCLONEDX)
	@cd cmd/mcpengine && go test -count=1 -v -run '^TestRelease' .

.PHONY: release-snapshot
release-snapshot: $(GORELEASER) $(CYCLONEDX) ## Make every file of a release into dist, without publishing or signing it
	@scripts/release-build $(GORELEASER) $(CYCLONEDX) --snapshot --skip=sign,docker

.PHONY: release
release: $(GORELEASER) $(CYCLONEDX) ## Publish the release of the tag that is checked out
	@GORELEASER_CURRENT_TAG=$$(git tag --points-at HEAD --list 'v*') \
		scripts/release-build $(GORELEASER) $(CYCLONEDX)

.PHONY: bridge-deps
bridge-deps:
	@scripts/install-bridges || echo "bench: the bridges are not installed; they will be left out" >&2

.PHONY: fastmcp-tasks-deps
fastmcp-tasks-deps:
	@scripts/install-fastmcp-tasks || echo "bench: FastMCP's tasks are not installed; they will be left out" >&2

.PHONY: bench
bench: bridge-deps bench-tasks ## Measure against a plain server and the other Go SDKs
	@cd test && go run ./bench
	@printf '\nverifying an access token: the first time at most 1.3 times its signature check\n'
	@go test -run '^$$' -bench '^BenchmarkVerify$$' ./auth

.PHONY: bench-tasks
bench-tasks: postgres-deps redis-deps fastmcp-tasks-deps ## Measure a durable tool beside a plain job of River and FastMCP's tasks on Redis
	@cd ext/tasks/river && BENCH_TASKS=2000 go test -tags bench -count=1 -timeout 30m -v -run '^TestOverhead$$' .

# How many restarts `make chaos` makes, how many processes it kills, and how many
# saves it makes under mcpengine dev.
RESTARTS ?= 50
KILLS ?= 1000
SAVES ?= 100

.PHONY: chaos
chaos: nginx-deps postgres-deps python-deps redis-deps ## Restart replicas RESTARTS times (50) and kill their bus, kill workers of tasks KILLS times (1000), save SAVES times (100) under mcpengine dev: nothing is lost
	@cd test && MCPENGINE_RESTARTS=$(RESTARTS) MCPENGINE_DRAIN_DELAY=5s MCPENGINE_QUESTIONS=1000 MCPENGINE_OUTAGES=10 \
		go test -race -count=1 -timeout 60m -v -run '^(TestRollingRestarts|TestFleet)$$' ./e2e
	@cd ext/tasks/aws && PATH="$(CURDIR)/.tools/python/bin:$$PATH" CHAOS_KILLS=$(KILLS) go test -count=1 -timeout 120m -v -run '^TestKill$$' .
	@cd ext/tasks/river && CHAOS_KILLS=$(KILLS) go test -count=1 -timeout 120m -v -run '^TestKill$$' .
	@cd cmd/mcpengine && MCPENGINE_SAVES=$(SAVES) go test -count=1 -timeout 60m -v -run '^TestSaves$$' ./internal/dev

.PHONY: clean
clean: ## Remove what make built and fetched
	rm -rf bin .tools

# Each tool is built in a folder of its own and moved when done: an interrupted
# install leaves no tool.
define install-tool
	@echo "installing $(notdir $@)"
	@mkdir -p $(TOOLS)
	@dir=$$(mktemp -d "$(TOOLS)/install-XXXXXX") && trap 'rm -rf "$$dir"' EXIT && \
		GOBIN="$$dir" go install $(1) && mv "$$dir"/* $@
endef

$(ACTIONLINT):
	$(call install-tool,github.com/rhysd/actionlint/cmd/actionlint@$(ACTIONLINT_VERSION))

$(GOLANGCI_LINT):
	$(call install-tool,github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_LINT_VERSION))

$(GOTESTSUM):
	$(call install-tool,gotest.tools/gotestsum@$(GOTESTSUM_VERSION))

$(GORELEASER):
	$(call install-tool,github.com/goreleaser/goreleaser/v2@$(GORELEASER_VERSION))

$(CYCLONEDX):
	$(call install-tool,github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod@$(CYCLONEDX_VERSION))

$(GOVULNCHECK):
	$(call install-tool,golang.org/x/vuln/cmd/govulncheck@$(GOVULNCHECK_VERSION))
