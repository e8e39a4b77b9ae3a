#include "account.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "support/clock.h"
#include "torture/server.h"

namespace numpool_test {

namespace {

constexpr Time kTimeToEnd = 1500000000;

struct Account {
  int index;
  std::int64_t fence;
  Time begin, end;
  bool told;  // to end
};

volatile sig_atomic_t told = 0;

// A new file in memory that others see.
Account* new_account() {
  const std::string path = environment(kAccountsVariable) + '/' + std::to_string(getpid());
  const int file = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600);
  if (file < 0 || ftruncate(file, sizeof(Account)) != 0) _exit(70);
  void* const memory = mmap(nullptr, sizeof(Account), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  if (memory == MAP_FAILED) _exit(70);
  return static_cast<Account*>(memory);
}

[[noreturn]] void work() {
  signal(SIGTERM, [](int) { told = 1; });
  Account* const account = new_account();
  account->index = std::atoi(environment("NUMPOOL_INDEX").c_str());
  account->fence = std::atoll(environment("NUMPOOL_FENCE").c_str());
  account->begin = account->end = now();
  Time end = kNever;
  while (account->end < end) {
    nap(2ms);
    account->end = now();
    if (told == 0 || end != kNever) continue;
    account->told = true;
    end = account->end + kTimeToEnd;
  }
  _exit(0);
}

}  // namespace

void play_command_role() {
  if (environment("NUMPOOL_TEST_ROLE") == kCommandRole) work();
}

std::vector<Grant> read_accounts(const std::string& folder) {
  std::vector<Grant> all;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    Account account = {};
    std::ifstream file(entry.path(), std::ios::binary);
    // One that was killed before it began has nothing to say.
    if (!file.read(reinterpret_cast<char*>(&account), sizeof account) || account.begin == 0)
      continue;
    Grant grant;
    grant.belief.index = account.index;
    grant.belief.fence = account.fence;
    grant.belief.begin = account.begin;
    grant.belief.end = account.end;
    grant.belief.lost = account.told;
    all.push_back(grant);
  }
  return all;
}

}  // namespace numpool_test
