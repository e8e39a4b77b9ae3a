# The command numpool. Needs the client library: client/build.mk is read first.

CLI_LIBRARY := $(BUILD)/client/libnumpool.a
CLI_CXXFLAGS = -std=c++17 $(WARNINGS) $(CPPFLAGS) $(CXXFLAGS) $(CLIENT_STATIC_FLAGS) -MMD -MP \
	-Iclient/include -Iclient/src -Iclient/cli \
	-isystem $(PG_INCLUDE)

cli_sources := $(wildcard client/cli/*.cpp client/cli/run/*.cpp)
cli_objects := $(cli_sources:%.cpp=$(BUILD)/%.o)
# All but main(), for the unit tests.
cli_parts := $(filter-out %/main.o,$(cli_objects))

.PHONY: cli install-cli uninstall-cli check-cli cli-tests
all: cli
install: install-cli
uninstall: uninstall-cli

cli: $(BUILD)/numpool  ## build the command only

$(BUILD)/client/cli/%.o: client/cli/%.cpp
	@mkdir -p $(@D)
	$(CXX) $(CLI_CXXFLAGS) -pthread -c -o $@ $<

$(BUILD)/numpool: $(cli_objects) $(CLI_LIBRARY)
	$(CXX) $(LDFLAGS) -o $@ $^ -L$(PG_LIBDIR) -lpq -pthread

install-cli: cli
	install -D -m 755 $(BUILD)/numpool $(DESTDIR)$(PREFIX)/bin/numpool
	install -D -m 644 client/man/numpool.1 $(DESTDIR)$(PREFIX)/share/man/man1/numpool.1
	install -D -m 644 client/completion/numpool \
	  $(DESTDIR)$(PREFIX)/share/bash-completion/completions/numpool

uninstall-cli:
	rm -f $(DESTDIR)$(PREFIX)/bin/numpool $(DESTDIR)$(PREFIX)/share/man/man1/numpool.1 \
	  $(DESTDIR)$(PREFIX)/share/bash-completion/completions/numpool

# The unit tests need no server; the others drive the program and run beside a private one.
cli_unit_sources := $(wildcard tests/cli/unit/*.cpp)
cli_test_sources := $(wildcard tests/cli/*.cpp)
cli_unit_objects := $(cli_unit_sources:%.cpp=$(BUILD)/%.o)
cli_test_objects := $(cli_test_sources:%.cpp=$(BUILD)/%.o)

$(BUILD)/tests/cli/%.o: tests/cli/%.cpp
	@mkdir -p $(@D)
	$(CXX) $(CLI_CXXFLAGS) $(QUICK_FLAGS) -pthread -Iclient -Itests -Itests/cli -c -o $@ $<

$(BUILD)/tests/cli_unit_tests: $(cli_unit_objects) $(plain_main_objects) $(cli_parts) $(CLI_LIBRARY)
	$(CXX) -o $@ $^ -L$(PG_LIBDIR) -lpq -pthread

$(BUILD)/tests/cli_tests: $(cli_test_objects) $(server_main_objects)
	$(CXX) -o $@ $^ -L$(PG_LIBDIR) -lpq -pthread

check-cli: pgroot  ## test the command
	@tests/setup/check cli

cli-tests: cli $(BUILD)/tests/cli_unit_tests $(BUILD)/tests/cli_tests

-include $(wildcard $(BUILD)/client/cli/*.d $(BUILD)/client/cli/run/*.d \
	$(BUILD)/tests/cli/*.d $(BUILD)/tests/cli/unit/*.d)
