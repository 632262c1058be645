# Secretaria. "make" lists the targets, "make test" passes every test,
# "make check" is what CI runs.

GO ?= go
# Packages for test, and for bench.
PKGS ?= ./...
BENCH_PKGS ?= ./internal/bench/...
# How long each fuzz target runs.
FUZZTIME ?= 10s
# How many lives simulate plays, the seed of the first, and how many takeovers it races.
SEEDS ?= 2000
FIRST ?= 1
RACES ?= 10000
# How many mutants of each target mutate tries, the seed by which they are drawn, and the targets (all).
MUTANTS ?= 60
MUTANTS_SEED ?= 1
MUTANTS_OF ?=
# Arguments for run and demo.
ARGS ?=

# What check asks for, cheapest first.
CHECKS = format-check tidy-check compile vet lint simulate obedient test

# Vet, lint and the build run without cgo, like the product, so that they share
# one set of compiled dependencies; only the race detector needs another.
PURE = CGO_ENABLED=0
# The version is given to the linker below. Go's own stamp would only make a
# build fail where git does not trust the checkout, as in many CI containers.
NOVCS = -buildvcs=false

.PHONY: help build run demo test simulate obedient crash check format-check vet lint tidy-check compile format fuzz mutate bench dashboards clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

build: ## bin/secretaria, static and stripped
	@version=$$(git describe --tags --always --dirty 2>/dev/null) || version=dev; \
	set -x; \
	$(PURE) $(GO) build $(NOVCS) -trimpath -ldflags "-s -w -X main.version=$$version" -o bin/secretaria ./cmd/secretaria

run: build ## build, then serve with the configuration of this directory
	./bin/secretaria serve $(ARGS)

demo: build ## build, then play a conversation with fake helpdesks; needs no configuration
	./bin/secretaria demo $(ARGS)

test: ## every test, with the race detector where a C compiler can be had
	GO="$(GO)" sh scripts/test $(PKGS)

simulate: ## SEEDS (2000) lives of the engine in which everything fails, RACES (10000) takeovers; docs/simulation.md
	$(PURE) $(GO) test $(NOVCS) -timeout 10m -v -run 'TestSeeds|TestSame|TestTakeover' ./internal/simulation -seeds $(SEEDS) -first $(FIRST) -races $(RACES)

obedient: ## every known attack, three times, with a model that obeys it
	$(PURE) $(GO) test $(NOVCS) -timeout 10m -v -run TestObedientModel ./internal/obedient

# docs/crash.md explains the CRASH_ variables; CRASH_SEED repeats a plan.
crash: ## the real binary killed CRASH_KILLS (1000) times; CRASH_MESSAGES, CRASH_CONVERSATIONS, CRASH_DATABASE, CRASH_SEED
	CRASH_MESSAGES="$${CRASH_MESSAGES:-10000}" CRASH_CONVERSATIONS="$${CRASH_CONVERSATIONS:-500}" CRASH_KILLS="$${CRASH_KILLS:-1000}" \
	$(PURE) $(GO) test $(NOVCS) -count=1 -timeout 6h -v -run TestCampaign ./internal/crash

check: ## everything CI asks for: format, tidy, compile, vet, lint, simulate, obedient, test
	@for part in $(CHECKS); do \
		start=$$(date +%s); \
		GNUMAKEFLAGS=--no-print-directory $(MAKE) "$$part" || exit 1; \
		echo "check: $$part ok after $$(($$(date +%s) - start)) s"; \
	done

format-check: ## no file that gofmt would change
	@unformatted=$$("$$($(GO) env GOROOT)/bin/gofmt" -l .) || exit 1; \
	if [ -n "$$unformatted" ]; then echo "not formatted (make format):" $$unformatted >&2; exit 1; fi

vet: ## go vet
	$(PURE) $(GO) vet $(NOVCS) ./...

# staticcheck passes where it finds nothing to check, for one when go.mod lacks what a test
# imports, so the go command is asked first.
lint: ## staticcheck, pinned in tools/go.mod, with the checks of staticcheck.conf
	@$(PURE) $(GO) list $(NOVCS) -test -deps ./... >/dev/null
	GOFLAGS="$$GOFLAGS $(NOVCS)" $(PURE) $(GO) tool -modfile=tools/go.mod staticcheck ./...

tidy-check: ## go.mod and go.sum say what the code needs
	$(GO) mod tidy -diff

compile: ## every package without cgo, as the product ships
	$(PURE) $(GO) build $(NOVCS) ./...

format: ## gofmt -w
	"$$($(GO) env GOROOT)/bin/gofmt" -w .

fuzz: ## every fuzz target for FUZZTIME (10s)
	GO="$(GO)" FUZZTIME="$(FUZZTIME)" sh scripts/fuzz

mutate: ## MUTANTS (60) broken versions of each verifier, of guard and of gate, of which tests must notice nine in ten; docs/mutation.md
	$(PURE) $(GO) test $(NOVCS) -count=1 -timeout 3h -v -run TestSurvivors ./internal/mutation -mutants $(MUTANTS) -seed $(MUTANTS_SEED) -target "$(MUTANTS_OF)"

# docs/benchmarks.md explains BENCH (full, short, smoke), BENCH_ONLY, BENCH_CACHE and BENCH_PAGE.
bench: ## measure the real binary; BENCH=short, BENCH_ONLY=section,…, BENCH_PKGS=… for the benchmarks of others
	BENCH="$(BENCH)" BENCH_CACHE="$(abspath $(BENCH_CACHE))" BENCH_PAGE="$(abspath $(BENCH_PAGE))" BENCH_BINARY="$(abspath $(BENCH_BINARY))" \
	$(GO) test $(NOVCS) -run '^$$' -bench . -timeout 45m $(if $(filter ./internal/bench/...,$(BENCH_PKGS)),,-benchmem) $(BENCH_PKGS)

test-n8n: ## both workflows on a real n8n, which is installed from npm: N8N_VERSION, N8N_CACHE, or N8N_BIN
	GO="$(GO)" sh scripts/test-n8n

dashboards: ## write deploy/grafana anew from internal/dashboard
	$(PURE) $(GO) test $(NOVCS) -count=1 -run TestCommitted ./internal/dashboard -update

clean: ## remove what build made
	rm -rf bin

# Where a worker beside a server on this machine answers health and metrics.
WORKER_PORT ?= 8081
COMPOSE = docker compose --env-file deploy/.env --file deploy/compose.yaml

.PHONY: dev worker test-n8n up down upgrade migrate staging

dev: ## serve, built and started anew whenever a source file or the configuration changes
	GO="$(GO)" sh scripts/dev $(ARGS)

worker: build ## build, then answer what web processes accept; needs DATABASE_URL=postgres://...
	./bin/secretaria serve --role worker --port $(WORKER_PORT) $(ARGS)

migrate: ## files of a new migration for both databases: make migrate NAME=add_labels
	@sh scripts/migrate "$(NAME)"

staging: ## the check before a release: stack up, migrate, tests of PKGS, health, metrics, a message to its delivery
	@GO="$(GO)" sh scripts/staging $(PKGS)

up: deploy/.env ## web, worker, PostgreSQL and Redis in containers, as deploy/compose.yaml has them
	$(COMPOSE) up --detach --build

down: deploy/.env ## stop the containers; the database stays
	$(COMPOSE) down

upgrade: deploy/.env ## build the checked-out version, migrate, and replace the containers
	$(COMPOSE) build --pull
	$(COMPOSE) up --detach --remove-orphans

deploy/.env:
	@echo "copy deploy/.env.example to deploy/.env and fill in POSTGRES_PASSWORD and an inbox" >&2; exit 1
