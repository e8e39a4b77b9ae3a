# The program numpool-exporter. Needs client/build.mk and client/cli/build.mk, which are read first.

EXPORTER_CXXFLAGS = $(CLI_CXXFLAGS) -Iclient/exporter -I$(BUILD)/client/exporter

exporter_sources := $(wildcard client/exporter/*.cpp)
exporter_objects := $(exporter_sources:%.cpp=$(BUILD)/%.o)
# Of the command: where the server is, what ends a program, JSON.
exporter_shared := $(patsubst %,$(BUILD)/client/cli/%.o,connection failure json text)
# Of the library: how to connect, what an error and the version are.
exporter_shared += $(patsubst %,$(BUILD)/client/static/client/src/%.o,error error_kinds version pg_conninfo \
	pg_connection pg_connecting pg_result)
# All but main(), for the unit tests.
exporter_parts := $(filter-out %/main.o,$(exporter_objects)) $(exporter_shared)

.PHONY: exporter install-exporter uninstall-exporter check-exporter exporter-tests
all: exporter
install: install-exporter
uninstall: uninstall-exporter

exporter: $(BUILD)/numpool-exporter  ## build the program numpool-exporter only

$(BUILD)/client/exporter/%.o: client/exporter/%.cpp
	@mkdir -p $(@D)
	$(CXX) $(EXPORTER_CXXFLAGS) -c -o $@ $<

# The page as a list of bytes.
$(BUILD)/client/exporter/page_bytes.inc: client/exporter/page.html
	@mkdir -p $(@D)
	od -v -An -td1 -w16 $< | sed -E 's/ +(-?[0-9]+)/\1,/g; $$ s/,$$//' >$@

$(BUILD)/client/exporter/page.o: $(BUILD)/client/exporter/page_bytes.inc

$(BUILD)/numpool-exporter: $(exporter_objects) $(exporter_shared)
	$(CXX) $(LDFLAGS) -o $@ $^ -L$(PG_LIBDIR) -lpq -pthread

install-exporter: exporter
	install -D -m 755 $(BUILD)/numpool-exporter $(DESTDIR)$(PREFIX)/bin/numpool-exporter
	install -D -m 644 client/man/numpool-exporter.1 $(DESTDIR)$(PREFIX)/share/man/man1/numpool-exporter.1
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/numpool/monitoring client/monitoring/numpool.rules.yml \
	  client/monitoring/numpool.dashboard.json

uninstall-exporter:
	rm -f $(DESTDIR)$(PREFIX)/bin/numpool-exporter $(DESTDIR)$(PREFIX)/share/man/man1/numpool-exporter.1
	rm -rf $(DESTDIR)$(PREFIX)/share/numpool/monitoring
	rmdir --ignore-fail-on-non-empty $(DESTDIR)$(PREFIX)/share/numpool 2>/dev/null || true

# The unit tests need no server; the others drive the program and run beside a private one.
exporter_unit_objects := $(patsubst %.cpp,$(BUILD)/%.o,$(wildcard tests/exporter/unit/*.cpp))
exporter_test_objects := $(patsubst %.cpp,$(BUILD)/%.o,$(wildcard tests/exporter/*.cpp))

$(BUILD)/tests/exporter/%.o: tests/exporter/%.cpp
	@mkdir -p $(@D)
	$(CXX) $(EXPORTER_CXXFLAGS) $(QUICK_FLAGS) -pthread -Iclient -Itests -Itests/exporter -c -o $@ $<

$(BUILD)/tests/exporter_unit_tests: $(exporter_unit_objects) $(plain_main_objects) $(exporter_parts)
	$(CXX) -o $@ $^ -L$(PG_LIBDIR) -lpq -pthread

$(BUILD)/tests/exporter_tests: $(exporter_test_objects) $(server_main_objects)
	$(CXX) -o $@ $^ -L$(PG_LIBDIR) -lpq -pthread

check-exporter: pgroot  ## test the exporter
	@tests/setup/check exporter

exporter-tests: exporter $(BUILD)/tests/exporter_unit_tests $(BUILD)/tests/exporter_tests

-include $(wildcard $(BUILD)/client/exporter/*.d $(BUILD)/tests/exporter/*.d \
	$(BUILD)/tests/exporter/unit/*.d)
