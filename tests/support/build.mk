# What the suites share. A program whose tests need a server has server_main, another one plain_main.
# Part of the top Makefile, read before those that use it; tests/build.mk says how it is compiled.

support_sources := $(filter-out %main.cpp,$(wildcard tests/support/*.cpp))
plain_main := tests/support/main.cpp tests/support/run_tests.cpp
plain_main_objects := $(plain_main:%.cpp=$(BUILD)/tests/plain/%.o)
server_main := tests/support/server_main.cpp $(support_sources)
server_main_objects := $(server_main:%.cpp=$(BUILD)/tests/plain/%.o)
