# The front door: each target is a line or two over CMake and scripts/. `make help` lists them.
# PRESET=dev (clang, asan-ubsan, tsan, coverage) builds and tests in build-$(PRESET) instead of build.
PRESET ?= release
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
SCALE ?= full
BUILD = $(if $(filter release,$(PRESET)),build,build-$(PRESET))

.DEFAULT_GOAL := build
.NOTPARALLEL:
.PHONY: help deps configure build demo test lint fmt bench install clean

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

deps: ## install the Debian packages that are missing (packages.txt) and the tests' npm packages
	@scripts/dev/deps.sh build run test
	@scripts/dev/node.sh

configure: deps
	@cmake --preset $(PRESET) >/dev/null

build: configure ## build the tools: build/bin/snap and so on
	@cmake --build $(BUILD) --target tools -j $(JOBS)

demo: build ## back up, verify and restore a small made-up trading system
	@scripts/demo.sh

test: configure ## build everything and run every test
	@cmake --build $(BUILD) -j $(JOBS)
	@ctest --preset $(PRESET) -j $(JOBS)

lint: ## shellcheck, shfmt and the floors
	@scripts/dev/deps.sh test
	@scripts/dev/lint.sh
	@scripts/dev/check_floors.sh
	@scripts/dev/embed.sh --check

fmt: ## format C++ and shell in place
	@scripts/dev/deps.sh test dev
	@scripts/dev/fmt.sh

bench: build ## measure everything, beside other tools too; SCALE=small: a few minutes, only beside restic, borg, bup and zstd
	@scripts/dev/deps.sh bench store
	@cmake --build $(BUILD) --target bench_helpers
	@bench/all.sh $(SCALE)

install: build ## install below PREFIX (default /usr/local); DESTDIR is obeyed
	@cmake --install $(BUILD) --prefix $(PREFIX)

clean: ## remove every build tree
	@rm -rf build build-*
