# The client library, its examples and its tests. Part of the top Makefile.

# The library has a version of its own, in version.hpp, and an ABI version, which is the soname's.
client_macro = $(shell sed -n 's/^\#define $(1) *//p' client/include/numpool/version.hpp)
CLIENT_VERSION := $(call client_macro,NUMPOOL_VERSION_MAJOR).$(call client_macro,NUMPOOL_VERSION_MINOR).$(call client_macro,NUMPOOL_VERSION_PATCH)
CLIENT_SOVERSION := $(call client_macro,NUMPOOL_ABI_VERSION)
CLIENT_FLAGS = -std=c++17 $(WARNINGS) -MMD -MP -pthread -Iclient/include -isystem $(PG_INCLUDE)
# What the objects of the static library, and of all that is built with it, need: nothing exported.
CLIENT_STATIC_FLAGS = -DNUMPOOL_STATIC
CLIENT_LIBRARY_FLAGS = $(CLIENT_FLAGS) -fPIC -fvisibility=hidden -fvisibility-inlines-hidden
# The tests see the library's own headers, too.
CLIENT_TEST_FLAGS = $(CLIENT_FLAGS) -Iclient/src -Itests

client_sources := $(wildcard client/src/*.cpp)
client_headers := $(wildcard client/include/numpool/*.hpp)
client_objects := $(client_sources:%.cpp=$(BUILD)/%.o)
client_static_objects := $(client_sources:%.cpp=$(BUILD)/client/static/%.o)
client_tests := $(wildcard tests/client/*.cpp) tests/support/run_tests.cpp tests/support/clock.cpp
client_examples := $(patsubst client/examples/%.cpp,%,$(wildcard client/examples/*.cpp))
client_example_programs := $(client_examples:%=$(BUILD)/client/examples/%)

CLIENT_STATIC := $(BUILD)/client/libnumpool.a
CLIENT_SHARED := $(BUILD)/client/libnumpool.so.$(CLIENT_VERSION)
CLIENT_LIBS = -L$(PG_LIBDIR) -lpq -pthread

.PHONY: client install-client uninstall-client check-client client-tests client-examples
all: client
install: install-client
uninstall: uninstall-client

client: $(CLIENT_STATIC) $(CLIENT_SHARED)  ## build the client library only

$(BUILD)/client/src/%.o: client/src/%.cpp
	@mkdir -p $(@D)
	$(CXX) $(CLIENT_LIBRARY_FLAGS) $(CPPFLAGS) $(CXXFLAGS) -c -o $@ $<

$(BUILD)/client/static/%.o: %.cpp
	@mkdir -p $(@D)
	$(CXX) $(CLIENT_LIBRARY_FLAGS) $(CLIENT_STATIC_FLAGS) $(CPPFLAGS) $(CXXFLAGS) -c -o $@ $<

$(CLIENT_STATIC): $(client_static_objects)
	rm -f $@
	$(AR) rcs $@ $^

$(CLIENT_SHARED): $(client_objects)
	$(CXX) $(LDFLAGS) -shared -Wl,-soname,libnumpool.so.$(CLIENT_SOVERSION) -Wl,--no-undefined -o $@ $^ \
	  $(CLIENT_LIBS)
	ln -sf $(@F) $(BUILD)/client/libnumpool.so.$(CLIENT_SOVERSION)
	ln -sf $(@F) $(BUILD)/client/libnumpool.so

# Examples use the library as a user does: its public headers and the shared library.

client-examples: $(client_example_programs)

$(BUILD)/client/examples/%: client/examples/%.cpp $(CLIENT_SHARED) $(client_headers)
	@mkdir -p $(@D)
	$(CXX) -std=c++17 $(WARNINGS) $(CXXFLAGS) -Iclient/include -o $@ $< -L$(BUILD)/client -lnumpool \
	  -pthread -Wl,-rpath-link,$(PG_LIBDIR) -Wl,-rpath,'$$ORIGIN/..'

# Tests: the same program with the static library as it is installed, and with the library built like
# the tests themselves, with ASan and UBSan and with TSan.

client_sanitizers := asan tsan
client_sanitizer_flags_asan = -fsanitize=address,undefined -fno-sanitize-recover=all
client_sanitizer_flags_tsan = -fsanitize=thread

$(BUILD)/client/plain/%.o: %.cpp
	@mkdir -p $(@D)
	$(CXX) $(CLIENT_TEST_FLAGS) $(CLIENT_STATIC_FLAGS) $(QUICK_FLAGS) -c -o $@ $<

$(BUILD)/tests/client_tests_plain: $(client_tests:%.cpp=$(BUILD)/client/plain/%.o) $(CLIENT_STATIC)
	@mkdir -p $(@D)
	$(CXX) $(LDFLAGS) -o $@ $^ $(CLIENT_LIBS)

# Lines are all that a report needs; full debug information takes half of the compiler's time.
define client_sanitizer
$(BUILD)/client/$(1)/%.o: %.cpp
	@mkdir -p $$(@D)
	$$(CXX) $$(CLIENT_TEST_FLAGS) $$(CLIENT_STATIC_FLAGS) -O1 -g1 -fno-omit-frame-pointer \
	  $$(client_sanitizer_flags_$(1)) $$(if $$(filter tests/%,$$<),$$(QUICK_FLAGS)) -c -o $$@ $$<

$(BUILD)/tests/client_tests_$(1): $(client_sources:%.cpp=$(BUILD)/client/$(1)/%.o) \
		$(client_tests:%.cpp=$(BUILD)/client/$(1)/%.o)
	@mkdir -p $$(@D)
	$$(CXX) $$(client_sanitizer_flags_$(1)) -o $$@ $$^ $$(CLIENT_LIBS)
endef
$(foreach sanitizer,$(client_sanitizers),$(eval $(call client_sanitizer,$(sanitizer))))

$(BUILD)/tests/client_bench: tests/bench/client_bench.cpp $(CLIENT_STATIC)
	@mkdir -p $(@D)
	$(CXX) $(CLIENT_TEST_FLAGS) $(CLIENT_STATIC_FLAGS) -O2 -g -o $@ $< $(CLIENT_STATIC) $(CLIENT_LIBS)

$(BUILD)/tests/failover_client: tests/tap/failover_client.cpp $(CLIENT_STATIC)
	@mkdir -p $(@D)
	$(CXX) $(CLIENT_TEST_FLAGS) $(CLIENT_STATIC_FLAGS) -O2 -g -o $@ $< $(CLIENT_STATIC) $(CLIENT_LIBS)

$(BUILD)/demo/client_worker: tests/demo/client_worker.cpp $(CLIENT_STATIC)
	@mkdir -p $(@D)
	$(CXX) $(CLIENT_FLAGS) $(CLIENT_STATIC_FLAGS) -O2 -g -o $@ $< $(CLIENT_STATIC) $(CLIENT_LIBS)

check-client: pgroot  ## test the client library
	@tests/setup/check client

client-tests: client client-examples cli $(patsubst %,$(BUILD)/tests/client_tests_%,plain $(client_sanitizers))

# Installation.

CLIENT_INCLUDEDIR = $(PREFIX)/include/numpool
CLIENT_LIBDIR = $(LIBDIR)

# The package files say where things are by PREFIX, or by the way from where they are themselves.
client_package = sed -e 's|@PREFIX@|$(PREFIX)|g' \
	-e 's|@LIBDIR@|$(patsubst $(PREFIX)/%,$${prefix}/%,$(LIBDIR))|g' \
	-e "s|@PREFIX_FROM_HERE@|$$(realpath -m --relative-to='$(LIBDIR)/cmake/numpool' '$(PREFIX)')|g" \
	-e 's|@VERSION@|$(CLIENT_VERSION)|g' \
	-e 's|@SOVERSION@|$(CLIENT_SOVERSION)|g'

install-client: client  ## install the client library only
	install -d '$(DESTDIR)$(CLIENT_INCLUDEDIR)' '$(DESTDIR)$(CLIENT_LIBDIR)/pkgconfig' \
	  '$(DESTDIR)$(CLIENT_LIBDIR)/cmake/numpool'
	install -m 644 $(client_headers) '$(DESTDIR)$(CLIENT_INCLUDEDIR)'
	install -m 644 $(CLIENT_STATIC) '$(DESTDIR)$(CLIENT_LIBDIR)'
	install -m 755 $(CLIENT_SHARED) '$(DESTDIR)$(CLIENT_LIBDIR)'
	ln -sf $(notdir $(CLIENT_SHARED)) '$(DESTDIR)$(CLIENT_LIBDIR)/libnumpool.so.$(CLIENT_SOVERSION)'
	ln -sf $(notdir $(CLIENT_SHARED)) '$(DESTDIR)$(CLIENT_LIBDIR)/libnumpool.so'
	$(client_package) client/numpool.pc.in >'$(DESTDIR)$(CLIENT_LIBDIR)/pkgconfig/numpool.pc'
	for file in numpoolConfig numpoolConfigVersion; do \
	  $(client_package) client/cmake/$$file.cmake.in \
	    >'$(DESTDIR)$(CLIENT_LIBDIR)/cmake/numpool/'$$file.cmake || exit; done

uninstall-client:
	rm -rf '$(DESTDIR)$(CLIENT_INCLUDEDIR)' '$(DESTDIR)$(CLIENT_LIBDIR)/cmake/numpool'
	rm -f '$(DESTDIR)$(CLIENT_LIBDIR)'/libnumpool.* '$(DESTDIR)$(CLIENT_LIBDIR)/pkgconfig/numpool.pc'

-include $(wildcard $(BUILD)/client/src/*.d $(BUILD)/client/*/client/src/*.d)
-include $(wildcard $(BUILD)/client/*/tests/*/*.d $(BUILD)/tests/*.d $(BUILD)/demo/*.d)
