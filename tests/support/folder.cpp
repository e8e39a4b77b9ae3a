#include "support/folder.h"

#include <stdlib.h>

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace numpool_test {

std::string temporary_folder() {
  const char* folder = std::getenv("NUMPOOL_TMP");
  return folder != nullptr ? folder : std::filesystem::temp_directory_path().string();
}

std::string new_folder(const std::string& name) {
  std::string folder = temporary_folder() + "/numpool_" + name + ".XXXXXX";
  if (mkdtemp(folder.data()) == nullptr) throw std::runtime_error("cannot make " + folder);
  return folder;
}

}  // namespace numpool_test
