// Short ways to write a history of the mix `operate`, for tests of its judge.
#pragma once

#include "torture/operate/history.h"

namespace numpool_test::operate {

inline constexpr Time operator""_ms(unsigned long long milliseconds) {
  return static_cast<Time>(milliseconds) * 1000000;
}

constexpr int kPid = 100;

// A statement takes two milliseconds, and a session is there from the start.
inline Grant grant(Time asked, std::int64_t fence, int index = 0) {
  Grant made;
  made.index = index;
  made.fence = fence;
  made.pid = kPid + static_cast<int>(fence);
  made.connected = 1;
  made.asked = asked;
  made.told = asked + 2_ms;
  return made;
}

inline Grant ended(Grant made, End how, Time asked) {
  made.end = how;
  made.end_asked = asked;
  made.end_told = asked + 2_ms;
  if (how == End::kReleased) made.seen = asked;
  return made;
}

inline Grant released(Grant made, Time asked) {
  return ended(made, End::kReleased, asked);
}
inline Grant lost(Grant made, Time asked) {
  return ended(made, End::kLost, asked);
}

inline Grant gone(Grant made, Time told) {
  made.end = End::kGone;
  made.end_told = told;
  return made;
}

inline Grant of_token(Grant made, Time ttl) {
  made.scope = Scope::kToken;
  made.over = made.asked + ttl;
  return made;
}

inline Change change(Act act, Time asked) {
  Change made;
  made.act = act;
  made.asked = made.end_asked = asked;
  made.told = made.end_told = asked + 2_ms;
  return made;
}

inline Change initially(Change made) {
  made.asked = made.told = made.end_asked = made.end_told = 0;
  return made;
}

// Of a transaction whose end was asked then.
inline Change committed(Change made, Time asked) {
  made.end_asked = asked;
  made.end_told = asked + 2_ms;
  return made;
}

inline Change undone(Change made) {
  made.fate = Fate::kUndone;
  return made;
}

inline Change unknown(Change made) {
  made.fate = Fate::kUnknown;
  return made;
}

inline Change settings(Time asked, Time cooldown, Time death_delay, Time max_hold = 0) {
  Change made = change(Act::kConfigure, asked);
  made.settings = {cooldown, death_delay, max_hold};
  return made;
}

inline Change always(Time cooldown, Time death_delay, Time max_hold = 0) {
  return initially(settings(0, cooldown, death_delay, max_hold));
}

inline Change end_lease(Time asked, std::int64_t fence, bool answer = true) {
  Change made = change(Act::kEndLease, asked);
  made.index = 0;
  made.fence = fence;
  made.answer = answer;
  return made;
}

inline Change service(Time asked, bool on) {
  Change made = change(Act::kService, asked);
  made.index = 0;
  made.on = on;
  return made;
}

inline Change drain(Time asked, bool on) {
  Change made = change(Act::kDrain, asked);
  made.on = on;
  return made;
}

inline Change resize(Time asked, int size) {
  Change made = change(Act::kResize, asked);
  made.size = size;
  return made;
}

inline Change owner(Time asked, Role to, Role by = Role::kSuperuser) {
  Change made = change(Act::kSetOwner, asked);
  made.to = to;
  made.by = by;
  return made;
}

inline Change by(Role role, Change made, const char* state = "") {
  made.by = role;
  made.state = state;
  if (*state != '\0') made.fate = Fate::kUndone;
  return made;
}

inline Change guest(Time asked, bool on) {
  Change made = change(Act::kGrant, asked);
  made.on = on;
  return made;
}

struct Given {
  std::vector<Grant> grants = {};
  std::vector<Change> changes = {};
  std::vector<Crash> crashes = {};
  std::vector<Termination> terminations = {};
  std::vector<Use> uses = {};
  std::vector<Idle> idles = {};
};

inline Verdict verdict_of(const Given& given) {
  return judge(
      {given.grants, given.changes, given.crashes, given.terminations, given.uses, given.idles});
}

inline bool finds(const Given& given, const std::string& rule) {
  const auto all = verdict_of(given).violations;
  return all.size() == 1 && all[0].find(rule + ":") == 0;
}

inline bool sound(const Given& given) {
  return verdict_of(given).violations.empty();
}

// It is not for want of something to judge.
inline bool judged(const Given& given, const std::string& rule) {
  return verdict_of(given).judged[rule].count > 0;
}

}  // namespace numpool_test::operate
