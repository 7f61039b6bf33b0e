# The verbs of this project. Each installs what it needs first, where it may.
#
#   make run [ARGS='--config my.yaml']   build and run the collector; without ARGS: OTLP on 127.0.0.1:4317 and 4318
#   make test                            everything that must pass, unit and acceptance tests
#   make lint                            formatting, and the rules of the source tree
#   make soak                            the sanitizers over every test, the acceptance tests many times over, and the
#                                        long forms of the fault scripts: some hours
#   make bench                           what a span costs
#   make build, make install-deps        parts of the above

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := build

heirloom := .build/release/heirloom

.PHONY: run test build lint soak bench install-deps install-test-deps

# The shell that make starts becomes the collector, and make waits for it: SIGTERM to make is passed on to the collector,
# Ctrl-C reaches both, and the collector's failure is make's. Of a whole process group that is signalled at once (timeout,
# systemd) the collector hears twice, from the sender and from make.
run: build
	@exec $(heirloom) $(ARGS)

build: install-deps
	swift build -c release --product heirloom

test: install-deps install-test-deps
	scripts/test

lint:
	swift format lint --strict -r -p Package.swift $(wildcard Sources Tests Benchmarks)
	scripts/check-tree

soak: install-deps install-test-deps
	scripts/soak

bench: build install-test-deps
	Benchmarks/run $(ARGS)

install-deps:
	@scripts/install-deps

install-test-deps: install-deps
	@scripts/install-test-deps
