# The server module, built by PGXS. Run from the top of the tree:
#   make -f extension/build.mk [all | install | installcheck | clean]
# The top Makefile does that; it is kept apart because PGXS brings targets of its own.

PG_CONFIG ?= pg_config
# PGXS would take the folder of this file.
override srcdir := .

EXTENSION = numpool
MODULE_big = numpool
OBJS = $(patsubst %.cpp,%.o,$(wildcard extension/*/*.cpp))
DATA = $(wildcard extension/numpool--*.sql)
REGRESS = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))

# No bitcode for C++: nothing of it would ever be inlined into a query.
override with_llvm = no

include extension/flags.mk
PG_CPPFLAGS = $(MODULE_CPPFLAGS)
PG_CXXFLAGS = $(MODULE_CXXFLAGS)

PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

ifeq ($(filter $(MAJORVERSION),$(SUPPORTED_VERSIONS)),)
$(error numpool is for PostgreSQL $(SUPPORTED_VERSIONS), but $(PG_CONFIG) is of $(VERSION))
endif

# PGXS links with the C compiler's driver, so the C++ library is never linked: the module
# uses none of it (tests/setup/check-symbols makes sure).

# PGXS's own rule knows nothing of headers.
$(OBJS): %.o: %.cpp extension/build.mk extension/flags.mk
	$(CXX) $(CXXFLAGS) $(CPPFLAGS) -MMD -MP -c -o $@ $<

# Instead of "Nothing to be done".
all:
	@:

-include $(OBJS:.o=.d)
EXTRA_CLEAN = $(wildcard extension/*/*.d)
