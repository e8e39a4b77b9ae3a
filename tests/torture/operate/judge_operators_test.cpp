// The same for what operators do: ends by force, service, drains, sizes and rights.
#include <doctest/doctest.h>

#include "torture/operate/given.h"

using namespace numpool_test::operate;
using numpool_test::Time;

TEST_CASE("operate: whoever loses a lease loses it to something") {
  const std::vector<Grant> grants = {lost(grant(0, 1), 50_ms)};
  const char* const rule = "lost without a cause";
  CHECK(finds({grants}, rule));
  CHECK(finds({{gone(grant(0, 1), 50_ms)}}, rule));
  CHECK(finds({grants, {always(0, 0, 60_ms)}}, rule));
  CHECK(finds({grants, {undone(end_lease(30_ms, 1))}}, rule));
  CHECK(finds({grants, {committed(end_lease(30_ms, 1), 53_ms)}}, rule));
  CHECK(finds({grants, {}, {}, {{kPid, 30_ms, 31_ms}}}, rule));
  CHECK(finds({{of_token(grants[0], 60_ms)}}, rule));
  CHECK(finds({{of_token(grants[0], 1000_ms)}, {}, {}, {{kPid + 1, 30_ms, 31_ms}}}, rule));
  CHECK(sound({grants, {always(0, 0, 50_ms)}}));
  CHECK(sound({grants, {end_lease(30_ms, 1)}}));
  CHECK(sound({grants, {end_lease(30_ms, 0)}}));
  CHECK(sound({grants, {committed(end_lease(30_ms, 0), 51_ms)}}));
  CHECK(sound({grants, {unknown(end_lease(30_ms, 1))}}));
  CHECK(sound({{of_token(grants[0], 50_ms)}}));
  CHECK(sound({{gone(grant(0, 1), 50_ms)}, {}, {}, {{kPid + 1, 30_ms, 31_ms}}}));
  CHECK(sound({{gone(grant(0, 1), 50_ms)}, {}, {{30_ms, 35_ms, 40_ms, 60_ms}}}));
}

TEST_CASE("operate: the end of another's lease ends no stranger's") {
  const char* const rule = "a stranger's lease goes on";
  const Grant first = released(grant(0, 1), 10_ms);
  const Grant stranger = grant(20_ms, 2);
  // Noted while the first had the number, with its fence or without, and committed afterwards.
  for (const std::int64_t fence : {1, 0}) {
    const Change end = committed(end_lease(4_ms, fence), 30_ms);
    CHECK(finds({{first, lost(stranger, 50_ms)}, {end}}, rule));
    const Given goes_on = {{first, released(stranger, 50_ms)}, {end}};
    CHECK(sound(goes_on));
    CHECK(judged(goes_on, rule));
  }
  CHECK(finds({{first, lost(stranger, 50_ms)}, {end_lease(30_ms, 1, false)}}, rule));
  CHECK(sound({{first, lost(stranger, 50_ms)}, {committed(end_lease(21_ms, 0), 30_ms)}}));
}

TEST_CASE("operate: a lease that was ended does not go on") {
  const char* const rule = "ended, and goes on";
  const auto seen_at = [](Time time) {
    Grant made = grant(0, 1);
    made.seen = time;
    return std::vector<Grant>{made};
  };
  CHECK(finds({seen_at(33_ms), {end_lease(30_ms, 1)}}, rule));
  CHECK(finds({seen_at(33_ms), {end_lease(30_ms, 0)}}, rule));
  CHECK(sound({seen_at(32_ms), {end_lease(30_ms, 1)}}));
  CHECK(sound({seen_at(33_ms), {undone(end_lease(30_ms, 1))}}));
  CHECK(sound({seen_at(33_ms), {unknown(end_lease(30_ms, 1))}}));
  CHECK(sound({seen_at(33_ms), {committed(end_lease(30_ms, 1), 32_ms)}}));
  // The user of a token keeps it until he is done.
  const Change other = undone(committed(end_lease(20_ms, 0), 40_ms));
  std::vector<Grant> of_tokens = seen_at(42_ms);
  of_tokens[0] = of_token(of_tokens[0], 1000_ms);
  CHECK(sound({of_tokens, {end_lease(30_ms, 1), other}}));
  CHECK(finds({seen_at(42_ms), {end_lease(30_ms, 1), other}}, rule));
  CHECK(finds({of_tokens, {end_lease(30_ms, 1), undone(end_lease(20_ms, 0))}}, rule));
  of_tokens[0].seen = 43_ms;
  CHECK(finds({of_tokens, {end_lease(30_ms, 1), other}}, rule));
  CHECK(sound({seen_at(33_ms), {end_lease(1_ms, 0)}}));  // it may have been another's
}

TEST_CASE("operate: an end finds the lease that is there, and no other") {
  const std::vector<Grant> grants = {released(grant(0, 1), 50_ms)};
  const char* const none = "said to have no such lease";
  CHECK(finds({grants, {end_lease(30_ms, 1, false)}}, none));
  CHECK(finds({grants, {end_lease(30_ms, 0, false)}}, none));
  CHECK(sound({grants, {end_lease(49_ms, 1, false)}}));
  CHECK(sound({grants, {end_lease(1_ms, 1, false)}}));
  const std::vector<Grant> two = {released(grant(0, 1), 10_ms), released(grant(20_ms, 2), 50_ms)};
  const char* const old = "ended by an old fence";
  CHECK(finds({two, {end_lease(30_ms, 1)}}, old));
  CHECK(sound({two, {end_lease(30_ms, 1, false)}}));
  CHECK(judged({two, {end_lease(30_ms, 1, false)}}, old));
  CHECK(sound({two, {end_lease(21_ms, 1)}}));
}

TEST_CASE("operate: out of service") {
  const char* const rule = "given while out of service";
  const std::vector<Grant> grants = {grant(50_ms, 1)};
  CHECK(finds({grants, {service(40_ms, false)}}, rule));
  CHECK(judged({{}, {service(40_ms, false)}}, rule));
  CHECK(sound({grants, {service(49_ms, false)}}));
  CHECK(sound({{grant(50_ms, 1, 1)}, {service(40_ms, false)}}));
  CHECK(sound({grants, {undone(service(40_ms, false))}}));
  CHECK(sound({grants, {unknown(service(40_ms, false))}}));
  CHECK(sound({grants, {service(10_ms, false), service(51_ms, true)}}));
  CHECK(finds({grants, {service(10_ms, false), service(53_ms, true)}}, rule));
  CHECK(sound({grants, {service(10_ms, false), service(11_ms, true)}}));
  CHECK(sound({grants, {service(10_ms, false), unknown(service(20_ms, true))}}));
  CHECK(finds({grants, {service(10_ms, false), undone(service(20_ms, true))}}, rule));
  CHECK(finds({grants, {service(10_ms, true), service(20_ms, false)}}, rule));
  // What the crash kept from being told is done when the server is there again.
  CHECK(sound({{grant(95_ms, 1)},
               {service(10_ms, false), unknown(service(49_ms, true))},
               {{48_ms, 60_ms, 70_ms, 90_ms}}}));
}

TEST_CASE("operate: drained") {
  const char* const rule = "given while drained";
  // Who has waited since before the drain is served while others say that it is in force.
  Grant waiter = grant(10_ms, 2);
  waiter.told = 60_ms;
  CHECK(sound({{waiter}, {drain(40_ms, true)}}));
  Grant other = grant(43_ms, 1);
  other.pool = 1;
  CHECK(finds({{other, waiter}, {drain(40_ms, true)}}, rule));
  CHECK(judged({{}, {drain(40_ms, true)}}, rule));
  CHECK(sound({{other, waiter}, {drain(40_ms, true), drain(59_ms, false)}}));
  CHECK(sound({{other, waiter}, {drain(42_ms, true)}}));
}

TEST_CASE("operate: size") {
  const char* const rule = "given above the size";
  const std::vector<Grant> grants = {grant(50_ms, 1, 4)};
  CHECK(finds({grants, {initially(resize(0, 4))}}, rule));
  CHECK(sound({grants, {initially(resize(0, 5))}}));
  CHECK(sound({grants, {initially(resize(0, 5)), resize(49_ms, 4)}}));
  CHECK(finds({grants, {initially(resize(0, 5)), resize(40_ms, 4)}}, rule));
}

TEST_CASE("operate: idle") {
  const char* const rule = "told idle while somebody held";
  const std::vector<Grant> grants = {released(grant(0, 1), 50_ms)};
  CHECK(finds({grants, {}, {}, {}, {}, {{0, 10_ms, 49_ms}}}, rule));
  CHECK(sound({grants, {}, {}, {}, {}, {{0, 10_ms, 50_ms}}}));
  CHECK(sound({grants, {}, {}, {}, {}, {{0, 2_ms, 49_ms}}}));
  CHECK(sound({grants, {}, {}, {}, {}, {{1, 10_ms, 49_ms}}}));
}

TEST_CASE("operate: who may operate") {
  const Change red = initially(owner(0, Role::kRed));
  const char* const no_right = "operated without the right to";
  const char* const no_reason = "refused who may operate";
  const Change call = end_lease(50_ms, 7, false);
  for (const Role role : {Role::kSuperuser, Role::kChief, Role::kRed}) {
    CHECK(sound({{}, {red, by(role, call)}}));
    CHECK(finds({{}, {red, by(role, call, "42501")}}, no_reason));
  }
  for (const Role role : {Role::kBlue, Role::kUser, Role::kGuest, Role::kStranger}) {
    CHECK(finds({{}, {red, by(role, call)}}, no_right));
    CHECK(sound({{}, {red, by(role, call, "42501")}}));
  }
  // While the owner changes, either may be.
  const Change blue = owner(49_ms, Role::kBlue);
  for (const Role role : {Role::kRed, Role::kBlue}) {
    CHECK(sound({{}, {red, blue, by(role, call)}}));
    CHECK(sound({{}, {red, blue, by(role, call, "42501")}}));
  }
  CHECK(finds({{}, {red, owner(40_ms, Role::kBlue), by(Role::kRed, call)}}, no_right));
  CHECK(finds({{}, {red, owner(40_ms, Role::kBlue), by(Role::kBlue, call, "42501")}}, no_reason));
  CHECK(finds({{}, {red, undone(owner(40_ms, Role::kBlue)), by(Role::kBlue, call)}}, no_right));
  // To give a pool away one has to be able to become the other.
  CHECK(finds({{}, {red, owner(50_ms, Role::kBlue, Role::kRed)}}, no_right));
  CHECK(sound({{}, {red, by(Role::kRed, owner(50_ms, Role::kBlue), "42501")}}));
  CHECK(sound({{}, {red, by(Role::kRed, call, "22023")}}));
}

TEST_CASE("operate: who may use") {
  const char* const no_right = "used without the right to";
  const char* const no_reason = "refused who may use";
  const auto use = [](Role role, bool refused) {
    return std::vector<Use>{{0, role, 50_ms, 52_ms, refused}};
  };
  const std::vector<Change> yes = {initially(guest(0, true))}, no = {initially(guest(0, false))};
  CHECK(finds({{}, yes, {}, {}, use(Role::kStranger, false)}, no_right));
  CHECK(sound({{}, yes, {}, {}, use(Role::kStranger, true)}));
  CHECK(finds({{}, no, {}, {}, use(Role::kUser, true)}, no_reason));
  CHECK(finds({{}, no, {}, {}, use(Role::kGuest, false)}, no_right));
  CHECK(finds({{}, yes, {}, {}, use(Role::kGuest, true)}, no_reason));
  for (const bool refused : {false, true}) {
    CHECK(sound({{}, {yes[0], guest(49_ms, false)}, {}, {}, use(Role::kGuest, refused)}));
    CHECK(sound({{}, {yes[0], unknown(guest(9_ms, false))}, {}, {}, use(Role::kGuest, refused)}));
  }
}
