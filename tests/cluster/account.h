// The command that `numpool run` runs in these tests, and the account that it keeps of its work.
#pragma once

#include <string>
#include <vector>

#include "cluster/grant.h"

namespace numpool_test {

constexpr char kCommandRole[] = "command";
constexpr char kAccountsVariable[] = "NUMPOOL_TEST_ACCOUNTS";

// Does not return if this process was started as the command. It says in a file of its own, every
// few milliseconds, that it is still at work, so that a SIGKILL ends the account where it ended the
// work; and it goes on for 1.5 s when it is told to end.
void play_command_role();

// What all commands said that kept their accounts in this folder.
std::vector<Grant> read_accounts(const std::string& folder);

}  // namespace numpool_test
