// Folders for what a test writes.
#pragma once

#include <string>

namespace numpool_test {

// Where all temporary files of this run go: $NUMPOOL_TMP, or $TMPDIR outside of
// tests/setup/with-server.
std::string temporary_folder();

// A folder of its own in there. Whoever makes it removes it, if it shall not stay until the run's
// is removed.
std::string new_folder(const std::string& name);

}  // namespace numpool_test
