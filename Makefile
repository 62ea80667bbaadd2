# hookloop. `make help` lists the targets.

STATICCHECK := go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOFUMPT     := go run mvdan.cc/gofumpt@v0.12.0

TEST_ARGS ?=
BENCH_ARGS ?=
VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GOFILES = $(shell git ls-files --cached --others --exclude-standard '*.go')

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/hookloop
	CGO_ENABLED=0 go build -trimpath -ldflags '-s -w -X hookloop/cli.release=$(VERSION)' -o bin/hookloop .

.PHONY: run
run: ## see the whole loop: hookloop demo
	go run . demo

.PHONY: test
test: ## run all tests, with the race detector
	go test -race $(TEST_ARGS) ./...

.PHONY: live
live: ## test against the providers' own Go libraries (a module of its own)
	cd cli/livetest && go vet ./... && go test -race $(TEST_ARGS) ./...

.PHONY: lint
lint: ## vet, staticcheck, and the format
	go vet ./...
	$(STATICCHECK) ./...
	@bad=$$($(GOFUMPT) -l $(GOFILES)) && test -z "$$bad" || { echo "not formatted, run make fmt: $$bad"; exit 1; }

.PHONY: fmt
fmt: ## format the code
	$(GOFUMPT) -w $(GOFILES)

.PHONY: bench
bench: ## compare direct, a bare proxy and hookloop side by side
	go test ./cli -run '^$$' -bench Loop -benchtime 1x -timeout 30m -count 1 $(BENCH_ARGS)

.PHONY: cover
cover: ## test coverage by function
	go test -coverprofile cover.out -coverpkg ./... ./...
	go tool cover -func cover.out | tail -n 1

.PHONY: cross
cross: ## build for linux, macOS and Windows
	@for os in linux darwin windows; do \
		echo "build $$os"; CGO_ENABLED=0 GOOS=$$os go build -o /dev/null . || exit 1; \
	done

.PHONY: ci
ci: lint test live cross ## what CI runs
