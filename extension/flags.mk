# The flags of the server module, for every build of it; needs PG_CONFIG. WERROR=1, which `make
# check` sets, makes an error of each warning: a user's compiler may know warnings that ours does not.

# The major versions of PostgreSQL that numpool is for, oldest first. The scripts read this line, and
# extension/pg/pg.h and debian/pgversions say the same.
SUPPORTED_VERSIONS := 15 16 17 18 19

# PostgreSQL's headers are system headers: the strict warnings are for our own code.
# PostgreSQL 15 leaves PGDLLEXPORT empty, so hidden visibility needs it said here.
MODULE_CPPFLAGS = -Iextension -isystem $(shell $(PG_CONFIG) --includedir-server) \
	-DPGDLLEXPORT='__attribute__((visibility("default")))'
MODULE_CXXFLAGS = -std=c++17 -fno-exceptions -fno-rtti -fno-threadsafe-statics -fvisibility=hidden \
	-Wall -Wextra $(if $(WERROR),-Werror) -Wno-register $(CLANG_CXXFLAGS)
# PGXS passes the warnings that the compiler of PostgreSQL knows.
CLANG_CXXFLAGS = $(if $(findstring clang,$(shell $(CXX) --version 2>/dev/null)),-Wno-unknown-warning-option)
