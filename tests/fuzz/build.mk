# Fuzzers of what parses input (libFuzzer, clang), with ASan and UBSan. Part of the top Makefile.

SECONDS ?= 300

FUZZERS := notification duration connection http_request
FUZZ_FLAGS = -std=c++17 -g -O1 $(WARNINGS) -MMD -MP -fno-omit-frame-pointer \
	-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all \
	-Iclient -Iclient/src -Iclient/include -isystem $(PG_INCLUDE)
fuzz_programs := $(FUZZERS:%=$(BUILD)/fuzz/%_fuzz)

fuzz_object = $(BUILD)/fuzz/objects/$(1).o

$(BUILD)/fuzz/objects/%.o: %.cpp
	@mkdir -p $(@D)
	$(CLANGXX) $(FUZZ_FLAGS) -c -o $@ $<

$(BUILD)/fuzz/notification_fuzz: $(call fuzz_object,client/src/notification)
$(BUILD)/fuzz/duration_fuzz: $(call fuzz_object,client/cli/duration) \
	$(call fuzz_object,client/cli/text)
$(BUILD)/fuzz/http_request_fuzz: $(call fuzz_object,client/exporter/http_request)
$(BUILD)/fuzz/connection_fuzz: $(call fuzz_object,client/cli/connection) \
	$(call fuzz_object,client/cli/failure) $(call fuzz_object,client/cli/text) \
	$(call fuzz_object,client/src/pg_conninfo) $(call fuzz_object,client/src/error) \
	$(call fuzz_object,client/src/error_kinds)

$(fuzz_programs): $(BUILD)/fuzz/%_fuzz: $(BUILD)/fuzz/objects/tests/fuzz/%_fuzz.o
	$(CLANGXX) -fsanitize=fuzzer,address,undefined -o $@ $^ -L$(PG_LIBDIR) -lpq

.PHONY: fuzz fuzz-programs
fuzz-programs: $(fuzz_programs)

fuzz: fuzz-programs  ## fuzz all that parses input, each for SECONDS (300)
	@tests/fuzz/run $(SECONDS)

-include $(wildcard $(BUILD)/fuzz/objects/*/*/*.d)
