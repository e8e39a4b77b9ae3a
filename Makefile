# numpool: the extension, the client library and the command.  `make help` lists the targets.

.DEFAULT_GOAL := all
SHELL := /bin/bash

BUILD := build
DESTDIR ?=
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
CXXFLAGS ?= -O2 -g
# Of the tests' own files, whose speed matters to nobody: what the compiler is done with soonest.
QUICK_FLAGS = -O0 -g1
CLANGXX ?= clang++
# `make check` sets WERROR: only there is a warning an error.
WARNINGS := -Wall -Wextra $(if $(WERROR),-Werror)

# The newest supported PostgreSQL with development files, unless the caller names one.
ifeq ($(origin PG_CONFIG),undefined)
PG_CONFIG := $(shell tests/setup/find-pg-config)
endif

PG_INCLUDE = $(shell $(PG_CONFIG) --includedir)
PG_LIBDIR = $(shell $(PG_CONFIG) --libdir)

# As many jobs as cores, unless the caller has said how many.
jobs = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))

MODULE := $(MAKE) --no-print-directory -f extension/build.mk PG_CONFIG='$(PG_CONFIG)'

.PHONY: check-page all extension install uninstall clean help packages pgroot check demo bench bench-quick \
	torture format include-graph installcheck need-postgres docs dist check-drivers

all: extension  ## build everything: extension, client library, command

need-postgres:
	@[ -n "$(PG_CONFIG)" ] || { \
	  tests/setup/find-pg-config --why; \
	  echo "no supported PostgreSQL with development files; 'make packages' installs it" >&2; \
	  exit 1; }

extension: need-postgres  ## build the server module only
	+@$(MODULE) all

install: need-postgres  ## install everything (DESTDIR, PREFIX and LIBDIR are honoured)
	+@$(MODULE) install

uninstall: need-postgres  ## remove what install put in place
	+@$(MODULE) uninstall

installcheck: need-postgres  ## run the SQL tests against the running, installed server
	+@$(MODULE) installcheck

packages:  ## install the Debian packages that building and testing need
	@tests/setup/install-packages

pgroot: extension  ## make build/pgroot, a private copy of PostgreSQL with the extension in it
	@PG_CONFIG='$(PG_CONFIG)' tests/setup/pgroot

# Which suites need packages of their own. All of them run where none is named.
check: packages  ## build and run every test; the last line is "N passed, N failed"
	@$(if $(filter drivers,$(or $(SUITES),drivers)),tests/setup/install-packages drivers)
	@echo "building"
	+@$(MAKE) WERROR=1 -s $(jobs) --no-print-directory check-installed

.PHONY: check-installed demo-installed bench-packages bench-built torture-installed
# Each suite builds what it needs beside the server.
check-installed: $(if $(SUITES),,all) pgroot
	@tests/setup/check $(SUITES)

check-drivers: packages  ## try the recipes of client/drivers.md with every driver, also of Node.js, Java and Go
	@tests/setup/install-packages drivers heavy-drivers
	@echo "building"
	+@$(MAKE) -s $(jobs) --no-print-directory pgroot
	@tests/drivers/prepare
	@address=127.$$((RANDOM % 254 + 1)).$$((RANDOM % 254 + 1)).1; NUMPOOL_ADDRESS=$$address \
	  tests/setup/with-server -c listen_addresses=$$address -- tests/drivers/run --all

demo: packages  ## show the main job on a private throwaway server
	@echo "building"
	+@$(MAKE) -s $(jobs) --no-print-directory demo-installed

demo-installed: pgroot $(BUILD)/demo/client_worker
	@tests/setup/with-server -- tests/demo/run

bench: bench-packages  ## compare speed with every alternative; writes tests/bench/RESULTS.md (40 minutes)
	@echo "building"
	+@$(MAKE) -s $(jobs) --no-print-directory bench-built
	@tests/bench/run

bench-quick: bench-packages  ## the same in less than a minute, less exact; prints the verdicts only
	@echo "building"
	+@$(MAKE) -s $(jobs) --no-print-directory bench-built
	@tests/bench/run --quick

bench-packages:
	@tests/setup/install-packages bench

bench-built: pgroot $(BUILD)/bench/driver $(BUILD)/bench/core $(BUILD)/tests/client_bench

check-page: packages  ## see the exporter's page in a browser: pictures in build/page (installs chromium)
	@tests/setup/install-packages page
	@echo "building"
	+@$(MAKE) -s $(jobs) --no-print-directory pgroot exporter
	@tests/exporter/check-page

torture: packages  ## try to break every promise, SECONDS=60 (or more) for each mix of MIXES
	@echo "building"
	+@$(MAKE) -s $(jobs) --no-print-directory torture-installed

torture-installed: pgroot $(BUILD)/tests/torture $(BUILD)/tests/torture_edges \
		$(BUILD)/tests/torture_deadlock $(BUILD)/tests/torture_timed $(BUILD)/tests/torture_operate
	@tests/torture/run $(if $(SECONDS),--seconds $(SECONDS)) $(if $(SEED),--seed $(SEED)) $(MIXES)

format:  ## format every C++ file as .clang-format says
	@git ls-files '*.cpp' '*.h' '*.hpp' | xargs -r clang-format -i

include-graph:  ## print which module of the extension includes which, from the bottom up
	@tests/setup/check-layers --graph

docs:  ## make the reference of the client library, build/docs/index.html
	@tests/setup/install-packages docs
	@mkdir -p $(BUILD)
	doxygen client/Doxyfile

dist:  ## make build/numpool-VERSION.zip for PGXN, of what git has committed
	@tests/setup/make-dist

clean:  ## remove everything that was built (not the root file systems of check-versions)
	@if [ -n "$(PG_CONFIG)" ]; then $(MODULE) clean; fi
	if [ -d $(BUILD) ]; then find $(BUILD) -mindepth 1 -maxdepth 1 ! -name roots -exec rm -rf {} +; fi

help:  ## show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | \
	  sed -E 's/^([a-z-]+):.*## (.*)/\1\t\2/' | sort -u | \
	  while IFS=$$'\t' read -r target text; do printf '  %-16s %s\n' "$$target" "$$text"; done

include tests/support/build.mk
include client/build.mk
include client/cli/build.mk
include client/exporter/build.mk
include tests/build.mk
include tests/poolers/build.mk
include tests/cluster/build.mk
