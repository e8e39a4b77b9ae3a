// What sessions of the mix `operate` were granted and operators changed, what happened meanwhile,
// and what of it breaks a promise.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "history/event.h"

namespace numpool_test::operate {

enum class Scope : std::uint8_t { kSession, kTransaction, kToken };

// How the lease ended, as far as its holder knows.
enum class End : std::uint8_t {
  kOpen,      // not at all yet
  kReleased,  // he asked for it, from `end_asked` on: a release, COMMIT, ROLLBACK, a goodbye
  kLost,      // he was told at `end_told` that he has it no more, and had not asked for that
  kSevered,   // he cut his connection at `end_asked`
  kGone,      // his connection went, as he saw at `end_told`
  kLeft,      // a token's, which he left to its time
};

// A number that somebody was told to have.
struct Grant {
  int pool = 0;
  int index = 0;
  std::int64_t fence = 0;
  Scope scope = Scope::kSession;
  int pid = 0;         // of the session
  Time connected = 0;  // when that asked for its connection
  Time asked = 0, told = 0;
  Time seen = 0;       // a call that was asked then has found it still there
  Time over = kNever;  // of a token: its time lasts until then at least
  End end = End::kOpen;
  Time end_asked = kNever, end_told = kNever;
};

enum class Act : std::uint8_t {
  kEndLease,
  kService,
  kDrain,
  kConfigure,
  kResize,
  kSetOwner,
  kGrant,  // `on` false: revoke
  kResetCounters,
};

// Who acts. Red and blue each own pools, chief is a member of both, and guest uses a pool while he
// is granted it.
enum class Role : std::uint8_t { kSuperuser, kChief, kRed, kBlue, kUser, kGuest, kStranger };
std::string name_of(Role role);

// Of what a call did: it stands, it was rolled back, or what became of its transaction was not
// told.
enum class Fate : std::uint8_t { kStands, kUndone, kUnknown };

struct Settings {
  Time cooldown = 0, death_delay = 0, max_hold = 0;  // 0: none
};

// One call of an operator. It takes effect at a moment of its transaction's end.
struct Change {
  Act act = Act::kService;
  int pool = 0;
  int index = -1;          // of kEndLease and kService
  std::int64_t fence = 0;  // of kEndLease: 0 if it named none
  bool on = false;         // in service; drained; granted
  Settings settings;
  int size = 0;
  Role to = Role::kRed;  // of kSetOwner
  Role by = Role::kSuperuser;
  Time asked = 0, told = 0;  // told: or when the connection was seen to be gone
  bool answered = true;
  std::string state;  // SQLSTATE, "" if it worked
  bool answer = true;
  Time end_asked = 0, end_told = 0;
  Fate fate = Fate::kStands;
};

// The server went, at a moment after `asked`; who connected after `down` did so to the new one,
// whose memory was made after `dead`, and which was there at `over`.
struct Crash {
  Time asked = 0, down = 0, dead = 0, over = 0;
};

struct Termination {
  int pid = 0;
  Time asked = 0, told = 0;
};

// A call for which a role has to be a user of the pool.
struct Use {
  int pool = 0;
  Role by = Role::kUser;
  Time asked = 0, told = 0;
  bool refused = false;
};

// numpool_wait_idle() was true.
struct Idle {
  int pool = 0;
  Time asked = 0, told = 0;
};

struct History {
  std::vector<Grant> grants;
  std::vector<Change> changes;  // with those that set the pools up
  std::vector<Crash> crashes;
  std::vector<Termination> terminations;
  std::vector<Use> uses;
  std::vector<Idle> idles;
};

// One of them in words, for a log.
std::string describe(const Grant& grant);
std::string describe(const Change& change);
std::string describe(const Crash& crash);

// How often a rule had something to judge, and how near it came to breaking.
struct Judged {
  std::int64_t count = 0;
  Time closest = kNever;
};

struct Verdict {
  std::vector<std::string> violations;  // the first few of each kind, in words
  std::map<std::string, Judged> judged;
};

// The names of all rules.
std::vector<std::string> rules();

// A lease is ended that long after max_hold at the latest, however busy the machine is.
constexpr Time kHoldSlack = 3000000000;

Verdict judge(History history);

}  // namespace numpool_test::operate
