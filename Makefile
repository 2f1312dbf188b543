# Tasks of the project; `make` lists them.

SWIFT ?= swift
# A build folder outside the clone, where one is kept between runs.
SCRATCH := $(if $(MARTLET_SCRATCH),--scratch-path $(MARTLET_SCRATCH),)
RELEASE := -c release --static-swift-stdlib $(SCRATCH)
BIN = $(shell $(SWIFT) build $(RELEASE) --show-bin-path)
SWIFT_SOURCES := Package.swift Sources Tests

.DEFAULT_GOAL := help
.PHONY: help setup build run scan serve test conformance bench load faults browser lint format check bpf fuzz clean

help: ## list the tasks
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 24

setup: ## install the system packages that are missing
	@scripts/setup

build: setup ## build the program (release)
	$(SWIFT) build $(RELEASE) --product martlet

run: build ## start the hub on the current cluster, else on the example shop: posture, API, dashboard (PORT=8080)
	@$(BIN)/martlet serve --request-timeout 3 --otherwise Examples/shop $(if $(PORT),--port $(PORT))

scan: build ## scan the current cluster once if one answers, else the example shop
	@$(BIN)/martlet scan --cluster --request-timeout 3 --otherwise Examples/shop --fail-on never

serve: run ## the same as run

test: setup ## run every test
	@scripts/test $(SCRATCH)

conformance: setup ## run the suites (one: SUITE=pss; differences: VERBOSE=1)
	@$(SWIFT) build $(RELEASE) --product conformance
	@$(BIN)/conformance $(if $(SUITE),--suite $(SUITE)) $(if $(VERBOSE),--verbose) $(if $(FLOORS),--check-floors)

bench: setup ## run the benchmarks (one: BENCH=name)
	@$(SWIFT) build $(RELEASE) --product bench
	@$(SWIFT) build $(RELEASE) --product martlet
	@$(BIN)/bench $(if $(BENCH),--name $(BENCH))

load: setup ## put load on the admission server, the store and the sensor, and print figures (one: LOAD=name)
	@$(SWIFT) build $(RELEASE) --product load
	@$(SWIFT) build $(RELEASE) --product storeload
	@$(SWIFT) build $(RELEASE) --product sensorload
	@$(BIN)/load $(LOAD)
	@$(BIN)/storeload
	@$(BIN)/sensorload

faults: setup ## break hub and agent on purpose and count what is lost (one: FAULT=kill)
	@$(SWIFT) build $(RELEASE) --product martlet
	@python3 Tests/Faults/faults.py $(BIN)/martlet $(FAULT)

browser: setup ## walk every screen of the dashboard in a browser (PICTURES=folder)
	@$(SWIFT) build $(RELEASE) --product martlet
	@python3 Tests/Browser/walk.py $(BIN)/martlet $(if $(PICTURES),--screenshots $(PICTURES))

lint: ## check the format
	@$(SWIFT) format lint --strict --recursive $(SWIFT_SOURCES)

format: ## write the format
	@$(SWIFT) format --in-place --recursive $(SWIFT_SOURCES)

check: lint test ## what CI runs
	@$(MAKE) --no-print-directory conformance FLOORS=1

bpf: ## compile the sensor's kernel programs into the C bytes that are checked in
	@SWIFT=$(SWIFT) scripts/bpf

fuzz: ## fuzz the document reader (SECONDS=300)
	@Tests/Fuzz/run.sh $(or $(SECONDS),300)

clean: ## remove what was built
	rm -rf .build
