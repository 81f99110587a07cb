# The short names of what people do here; cmake, ctest and deploy/dev do the work.
# Not here: how anything is compiled (CMakeLists.txt) or which packages it takes (deploy/dev/packages).
.PHONY: help run test soak fuzz-test dev release asan fuzz check format packages image clean
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory
PRESET ?= dev

help:
	@echo 'make run       build, start a private PostgreSQL, migrate, load the CSV, serve on http://127.0.0.1:8000'
	@echo '               (CSV_DATA_PATH=file-or-directory, HOST, PORT, WORKERS and every other setting pass through)'
	@echo 'make test      every test (PRESET=asan: under AddressSanitizer and UndefinedBehaviorSanitizer)'
	@echo 'make soak      races by the thousand: minutes, and no part of make test'
	@echo 'make fuzz-test every fuzz target for FUZZ_SECONDS (60)'
	@echo 'make check     formatting, clang-tidy, cppcheck, shellcheck; make format mends the formatting'
	@echo 'make dev, release, asan, fuzz     only build, into build/'
	@echo 'make packages  install what building and testing needs;  make image  docker build'
	@echo 'make clean     remove build/ and the private database'

run:
	@deploy/dev/packages build run
	@$(MAKE) release
	@deploy/dev/run build/release/digitalism

test:
	@deploy/dev/packages build run test
	@$(MAKE) $(PRESET)
	@ctest --preset $(PRESET) -j $(shell nproc)

soak:
	@deploy/dev/packages build run test
	@$(MAKE) release
	@DIGITALISM_BINARY=$(CURDIR)/build/release/digitalism PYTHONDONTWRITEBYTECODE=1 \
		/usr/bin/python3 -m pytest -q -s -p no:cacheprovider tests/soak

fuzz-test: export FUZZ_SECONDS ?= 60
fuzz-test: fuzz
	@cmake --preset fuzz >/dev/null
	@ctest --preset fuzz -j $(shell nproc)

dev release asan fuzz: %: build/%/build.ninja
	@cmake --build --preset $@

build/%/build.ninja: CMakePresets.json
	@deploy/dev/packages build $(if $(filter release,$*),,test) $(if $(filter fuzz,$*),check)
	@cmake --preset $* >/dev/null
	@touch $@

check: dev
	@deploy/dev/packages check
	@deploy/dev/check

format:
	@deploy/dev/packages check
	@git ls-files '*.c' '*.h' | xargs clang-format -i

packages:
	@deploy/dev/packages build run test check

image:
	docker build --network host -t digitalism .

clean:
	@deploy/dev/postgres stop .local/postgres
	@rm -rf build .local
