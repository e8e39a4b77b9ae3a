# The tests behind PgBouncer.  Part of the top Makefile; client/cli/build.mk is read first.

pooler_test_sources := $(wildcard tests/poolers/*.cpp)
# They drive the command and the server as the command's own tests do.
pooler_test_objects := $(pooler_test_sources:%.cpp=$(BUILD)/%.o) \
	$(BUILD)/tests/cli/program.o $(server_main_objects)

$(BUILD)/tests/poolers/%.o: tests/poolers/%.cpp
	@mkdir -p $(@D)
	$(CXX) $(CLI_CXXFLAGS) $(QUICK_FLAGS) -pthread -Itests -Itests/cli -c -o $@ $<

$(BUILD)/tests/pooler_tests: $(pooler_test_objects) $(CLI_LIBRARY)
	$(CXX) -o $@ $^ -L$(PG_LIBDIR) -lpq -pthread

.PHONY: check-poolers pooler-tests
check-poolers: pgroot  ## test what works behind PgBouncer
	@tests/setup/check poolers

pooler-tests: cli $(BUILD)/tests/pooler_tests

# The torture's mix at the client's end.
edges_sources := $(filter-out %_test.cpp,$(wildcard tests/torture/edges/*.cpp)) tests/poolers/pooler.cpp \
	tests/torture/options.cpp tests/torture/server.cpp \
	$(filter-out %/run_tests.cpp,$(support_sources))
edges_objects := $(edges_sources:%.cpp=$(BUILD)/edges/%.o)

$(BUILD)/edges/%.o: %.cpp
	@mkdir -p $(@D)
	$(CXX) $(CLI_CXXFLAGS) -O2 -pthread -Iextension -Itests -c -o $@ $<

$(BUILD)/tests/torture_edges: $(edges_objects) $(CLI_LIBRARY)
	@mkdir -p $(@D)
	$(CXX) -o $@ $^ -L$(PG_LIBDIR) -lpq -pthread

# And the one of timed leases, which go through a pooler.
timed_sources := $(filter-out %_test.cpp,$(wildcard tests/torture/timed/*.cpp)) tests/poolers/pooler.cpp \
	tests/torture/options.cpp tests/torture/pair.cpp tests/torture/server.cpp tests/torture/faults.cpp \
	$(filter-out %/run_tests.cpp,$(support_sources))
timed_objects := $(timed_sources:%.cpp=$(BUILD)/tests/plain/%.o)

$(BUILD)/tests/torture_timed: $(timed_objects)
	$(CXX) -o $@ $^ -L$(PG_LIBDIR) -lpq -pthread

-include $(wildcard $(BUILD)/edges/tests/*/*.d $(BUILD)/edges/tests/torture/edges/*.d)
-include $(wildcard $(BUILD)/tests/poolers/*.d)
