# The doctest programs, which tests/setup/check asks for, and the benchmark's own.

TEST_CXXFLAGS = -std=c++17 -g $(WARNINGS) -MMD -MP -Iextension -Itests
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

core_sources := $(wildcard tests/core/*.cpp extension/core/*.cpp) $(plain_main)
# What histories are made of and judged by, without a server.
worker_sources := $(wildcard tests/history/worker*.cpp) tests/history/watcher.cpp
judge_sources := $(filter-out %_test.cpp $(worker_sources),$(wildcard tests/history/*.cpp))
history_test_sources := $(wildcard tests/history/*_test.cpp) $(judge_sources) $(plain_main) \
	tests/support/folder.cpp tests/torture/edges/judge_test.cpp tests/torture/edges/judge.cpp \
	$(wildcard tests/torture/timed/judge*.cpp tests/torture/operate/judge*.cpp) $(wildcard tests/cluster/judge*.cpp)
server_sources := $(filter-out %_module.cpp,$(wildcard tests/server/*.cpp)) $(server_main) \
	$(judge_sources) $(worker_sources)
torture_sources := $(wildcard tests/torture/*.cpp) $(judge_sources) $(worker_sources) \
	$(filter-out %/run_tests.cpp,$(support_sources))
torture_deadlock_sources := $(wildcard tests/torture/deadlock/*.cpp) tests/torture/options.cpp \
	$(filter-out %/run_tests.cpp,$(support_sources))
torture_deadlock_objects := $(torture_deadlock_sources:%.cpp=$(BUILD)/tests/plain/%.o)
torture_operate_sources := $(filter-out %_test.cpp,$(wildcard tests/torture/operate/*.cpp)) \
	tests/torture/options.cpp tests/torture/server.cpp tests/torture/faults.cpp \
	$(filter-out %/run_tests.cpp,$(support_sources))
torture_operate_objects := $(torture_operate_sources:%.cpp=$(BUILD)/tests/plain/%.o)
points_sources := $(wildcard tests/points/*.cpp) $(server_main)
points_objects := $(points_sources:%.cpp=$(BUILD)/tests/plain/%.o)
core_objects := $(core_sources:%.cpp=$(BUILD)/tests/plain/%.o)
core_objects_sanitized := $(core_sources:%.cpp=$(BUILD)/tests/sanitized/%.o)
server_objects := $(server_sources:%.cpp=$(BUILD)/tests/plain/%.o)
history_test_objects := $(history_test_sources:%.cpp=$(BUILD)/tests/plain/%.o)
torture_objects := $(torture_sources:%.cpp=$(BUILD)/tests/plain/%.o)

$(BUILD)/tests/plain/%.o: %.cpp
	@mkdir -p $(@D)
	$(CXX) $(TEST_CXXFLAGS) -O2 $(if $(filter tests/server/% tests/points/%,$<),$(QUICK_FLAGS)) \
	  -isystem $(PG_INCLUDE) -c -o $@ $<

$(BUILD)/tests/sanitized/%.o: %.cpp
	@mkdir -p $(@D)
	$(CLANGXX) $(TEST_CXXFLAGS) -O1 $(SANITIZE) -c -o $@ $<

$(BUILD)/tests/core_tests: $(core_objects)
	$(CXX) -o $@ $^

$(BUILD)/tests/core_tests_sanitized: $(core_objects_sanitized)
	$(CLANGXX) $(SANITIZE) -o $@ $^

$(BUILD)/tests/server_tests: $(server_objects) | $(BUILD)/tests/hold_commit.so
	$(CXX) -o $@ $^ -L$(PG_LIBDIR) -lpq -pthread

# Modules that tests load into their sessions.
$(BUILD)/tests/hold_commit.so: tests/server/hold_commit_module.cpp
$(BUILD)/tests/use_up.so: tests/tap/use_up_module.cpp
$(BUILD)/tests/hold_commit.so $(BUILD)/tests/use_up.so:
	@mkdir -p $(@D)
	$(CXX) -std=c++17 -O2 -g -shared -fPIC -fno-exceptions -fno-rtti $(WARNINGS) -Wno-register \
	  -isystem $(shell $(PG_CONFIG) --includedir-server) -o $@ $<

$(BUILD)/tests/history_tests: $(history_test_objects)
	$(CXX) -o $@ $^

$(BUILD)/tests/torture: $(torture_objects)
	$(CXX) -o $@ $^ -L$(PG_LIBDIR) -lpq -pthread

$(BUILD)/tests/torture_deadlock: $(torture_deadlock_objects)
	$(CXX) -o $@ $^ -L$(PG_LIBDIR) -lpq -pthread

$(BUILD)/tests/torture_operate: $(torture_operate_objects)
	$(CXX) -o $@ $^ -L$(PG_LIBDIR) -lpq -pthread

$(BUILD)/tests/points_tests: $(points_objects)
	$(CXX) -o $@ $^ -L$(PG_LIBDIR) -lpq -pthread

# The server module with debug points in it, and a copy of build/pgroot that has it.
include extension/flags.mk

points_module_objects := $(patsubst %.cpp,$(BUILD)/points/%.o,\
	$(wildcard extension/*/*.cpp))

$(BUILD)/points/%.o: %.cpp extension/flags.mk
	@mkdir -p $(@D)
	$(CXX) $(MODULE_CXXFLAGS) -O1 -g -fPIC $(MODULE_CPPFLAGS) -DNUMPOOL_DEBUG_POINTS -MMD -MP -c -o $@ $<

$(BUILD)/points/numpool.so: $(points_module_objects)
	$(CC) -shared -o $@ $^

.PHONY: pgroot-points
pgroot-points: pgroot $(BUILD)/points/numpool.so  ## make build/pgroot-points, the same with debug points (for tests)
	@tests/setup/pgroot-points

bench_sources := $(filter-out %/core_bench.cpp %/client_bench.cpp,$(wildcard tests/bench/*.cpp))
bench_objects := $(bench_sources:%.cpp=$(BUILD)/tests/plain/%.o)
$(bench_objects): TEST_CXXFLAGS += -Iclient/include $(CLIENT_STATIC_FLAGS)

$(BUILD)/bench/driver: $(bench_objects) $(CLIENT_STATIC)
	@mkdir -p $(@D)
	$(CXX) -o $@ $^ $(CLIENT_LIBS) -lhiredis

$(BUILD)/bench/core: tests/bench/core_bench.cpp $(wildcard extension/core/*.cpp extension/core/*.h)
	@mkdir -p $(@D)
	$(CXX) -std=c++17 -g $(WARNINGS) -O2 -Iextension -o $@ $(filter %.cpp,$^) -lbenchmark -pthread

-include $(wildcard $(BUILD)/tests/*/tests/*/*.d $(BUILD)/tests/plain/tests/torture/*/*.d $(BUILD)/tests/*/extension/core/*.d \
	$(BUILD)/points/extension/*/*.d)

include tests/fuzz/build.mk

.PHONY: check-versions
check-versions:  ## build and test in root file systems with other PostgreSQLs (VERSIONS='15 17 18')
	@SUITES='$(SUITES)' tests/versions/run $(if $(QUICK),--quick) $(VERSIONS)

.PHONY: check-upgrade
check-upgrade:  ## carry timed leases from 15 to them by pg_upgrade (VERSIONS='17 18')
	@tests/versions/run --upgrade $(or $(VERSIONS),17 18)

.PHONY: deb
deb:  ## build the Debian packages in those, install, use and remove them; they are in build/deb/VERSION then
	@tests/versions/run --packages $(VERSIONS)

.PHONY: memory
memory: pgroot  ## see that memory stays flat over ten million leases in one session (a minute)
	@NUMPOOL_PAIRS=10000000 tests/setup/with-server --no-server -- tests/setup/run-tap \
	  tests/tap/flat_memory.pl
