# The flags of the server module, for every build of it; needs PG_CONFIG.

# The major versions of PostgreSQL that numpool is for, oldest first. The scripts read this line, and
# extension/pg/pg.h and debian/pgversions say the same.
SUPPORTED_VERSIONS := 15 16 17 18 19

# PostgreSQL's headers are system headers: the strict warnings are for our own code.
# PostgreSQL 15 leaves PGDLLEXPORT empty, so hidden visibility needs it said here.
MODULE_CPPFLAGS = -Iextension -isystem $(shell $(PG_CONFIG) --includedir-server) \
	-DPGDLLEXPORT='__attribute__((visibility("default")))'
MODULE_CXXFLAGS = -std=c++17 -fno-exceptions -fno-rtti -fno-threadsafe-statics -fvisibility=hidden \
	-Wall -Wextra -Werror -Wno-register
