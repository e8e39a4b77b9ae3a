# The trials of a cluster.  Part of the top Makefile; client/cli/build.mk is read first.

cluster_sources := $(filter-out %_test.cpp,$(wildcard tests/cluster/*.cpp)) tests/torture/edges/judge.cpp \
	tests/torture/edges/pulse.cpp tests/torture/server.cpp $(filter-out %/run_tests.cpp,$(support_sources))
cluster_objects := $(cluster_sources:%.cpp=$(BUILD)/edges/%.o)

$(BUILD)/tests/cluster: $(cluster_objects) $(CLI_LIBRARY)
	@mkdir -p $(@D)
	$(CXX) -o $@ $^ -L$(PG_LIBDIR) -lpq -pthread

.PHONY: check-cluster cluster-tests
check-cluster:  ## failovers of Patroni's clusters, on Debian 13 (half an hour; as root or with sudo)
	@tests/cluster/run $(OPTIONS)

cluster-tests: pgroot cli $(BUILD)/tests/cluster

-include $(wildcard $(BUILD)/edges/tests/cluster/*.d)
