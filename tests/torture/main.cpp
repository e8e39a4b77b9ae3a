// Tries to break the promises: `torture --help`.
#include <cstdio>
#include <exception>
#include <filesystem>

#include "support/folder.h"
#include "torture/director.h"

using namespace numpool_test;

namespace {

// A folder of its own for the logs, where the caller wants none to keep.
std::string make_folder(const Options& options) {
  if (!options.history.empty()) {
    std::filesystem::create_directories(options.history);
    return options.history;
  }
  return new_folder("torture");
}

bool judge_again(const std::string& folder) {
  std::vector<std::string> logs;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() != ".log") logs.push_back(entry.path());
  History history;
  history.read(logs);
  std::printf("%s: %zu events, %zu leases\n", folder.c_str(), history.events,
              history.leases.size());
  return judge(history);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read_options(argc, argv);
  if (options.list) {
    for (const Mix& mix : mixes()) std::puts(mix.name.c_str());
    return 0;
  }
  if (!options.check.empty()) return judge_again(options.check) ? 0 : 1;
  const Mix* mix = find_mix(options.mix);
  if (mix == nullptr) {
    std::fprintf(stderr, "torture: there is no mix %s (--list prints them)\n", options.mix.c_str());
    return 2;
  }
  try {
    const std::string folder = make_folder(options);
    const bool sound = Director(*mix, options, folder).run();
    if (options.history.empty()) std::filesystem::remove_all(folder);
    return sound ? 0 : 1;
  } catch (const std::exception& error) {
    std::printf("  VIOLATION or no server: %s\n", error.what());
    return 1;
  }
}
