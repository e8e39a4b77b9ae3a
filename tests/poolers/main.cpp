// Tests behind PgBouncer, in front of a private server; tests/setup/with-server runs them.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
