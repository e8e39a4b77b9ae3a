# The doctest programs, which tests/setup/check asks for, and the benchmark's own.

TEST_CXXFLAGS = -std=c++17 -g $(WARNINGS) -MMD -MP -Iextension -Itests
SANITIZE = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

core_sources := $(wildcard tests/core/*.cpp extension/core/*.cpp)
server_sources := $(wildcard tests/server/*.cpp)
core_objects := $(core_sources:%.cpp=$(BUILD)/tests/plain/%.o)
core_objects_sanitized := $(core_sources:%.cpp=$(BUILD)/tests/sanitized/%.o)
server_objects := $(server_sources:%.cpp=$(BUILD)/tests/plain/%.o)

$(BUILD)/tests/plain/%.o: %.cpp
	@mkdir -p $(@D)
	$(CXX) $(TEST_CXXFLAGS) -O2 -isystem $(PG_INCLUDE) -c -o $@ $<

$(BUILD)/tests/sanitized/%.o: %.cpp
	@mkdir -p $(@D)
	$(CLANGXX) $(TEST_CXXFLAGS) -O1 $(SANITIZE) -c -o $@ $<

$(BUILD)/tests/core_tests: $(core_objects)
	$(CXX) -o $@ $^

$(BUILD)/tests/core_tests_sanitized: $(core_objects_sanitized)
	$(CLANGXX) $(SANITIZE) -o $@ $^

$(BUILD)/tests/server_tests: $(server_objects) | $(BUILD)/tests/hold_commit.so
	$(CXX) -o $@ $^ -L$(PG_LIBDIR) -lpq -pthread

# A module that a test LOADs into its session.
$(BUILD)/tests/hold_commit.so: tests/module/hold_commit.cpp
	@mkdir -p $(@D)
	$(CXX) -std=c++17 -O2 -g -shared -fPIC -fno-exceptions -fno-rtti $(WARNINGS) -Wno-register \
	  -isystem $(shell $(PG_CONFIG) --includedir-server) -o $@ $<

$(BUILD)/bench/latency: $(BUILD)/tests/plain/tests/bench/latency.o
	@mkdir -p $(@D)
	$(CXX) -o $@ $^ -L$(PG_LIBDIR) -lpq

-include $(wildcard $(BUILD)/tests/*/tests/*/*.d $(BUILD)/tests/*/extension/core/*.d)
