// Tests that drive build/numpool beside a private server; tests/setup/with-server runs them.
#define DOCTEST_CONFIG_IMPLEMENT_WITH_MAIN
#include <doctest/doctest.h>
