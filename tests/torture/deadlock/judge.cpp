// Whether everybody who was told of a deadlock was in one, by what all contenders wrote down: at
// one moment each process of the circle waited for what the victim was told, and had what the one
// before it waited for.
#include <algorithm>
#include <cstdio>
#include <optional>

#include "torture/deadlock/contention.h"

namespace numpool_test {

namespace {

// A line of DETAIL.
struct Link {
  int pid = 0;
  int next = 0;
  int pool = -1;   // -1: it waits for a lock
  int index = -1;  // held by `next`; -1: `next` is ahead in the queue
};

std::optional<Link> read_link(const std::string& line) {
  Link link;
  char name[64];
  if (std::sscanf(line.c_str(),
                  "Process %d waits for a number of pool \"dl%d\"; number %d is held "
                  "by process %d.",
                  &link.pid, &link.pool, &link.index, &link.next) == 4)
    return link;
  link.index = -1;
  if (std::sscanf(line.c_str(), "Process %d waits for a number of pool \"dl%d\" behind process %d.",
                  &link.pid, &link.pool, &link.next) == 3)
    return link;
  link.pool = -1;
  const std::size_t blocked = line.find("; blocked by process ");
  if (blocked == std::string::npos ||
      std::sscanf(line.c_str(), "Process %d waits for %60s on", &link.pid, name) != 2 ||
      std::sscanf(line.c_str() + blocked, "; blocked by process %d.", &link.next) != 1)
    return std::nullopt;
  return link;
}

std::vector<Link> read_circle(const std::string& detail) {
  std::vector<Link> circle;
  for (std::size_t at = 0; at <= detail.size();) {
    const std::size_t end = std::min(detail.find('\n', at), detail.size());
    const auto link = read_link(detail.substr(at, end - at));
    if (!link) return {};
    circle.push_back(*link);
    at = end + 1;
  }
  return circle;
}

const Contender* contender_of(const std::vector<Contender>& all, int pid) {
  for (const Contender& one : all)
    if (one.pid == pid) return &one;
  return nullptr;
}

// The attempt that was under way at that moment, if any was.
const Attempt* attempt_at(const Contender& contender, std::int64_t moment) {
  auto after = std::upper_bound(
      contender.attempts.begin(), contender.attempts.end(), moment,
      [](std::int64_t time, const Attempt& attempt) { return time < attempt.begin; });
  if (after == contender.attempts.begin()) return nullptr;
  const Attempt& attempt = *--after;
  return moment <= attempt.end ? &attempt : nullptr;
}

bool held_at(const Contender& contender, int pool, int index, std::int64_t moment) {
  // Of the open transaction, so it is among the last few before.
  int looked_at = 0;
  for (auto at = contender.attempts.rbegin(); at != contender.attempts.rend(); ++at) {
    if (at->end > moment) continue;
    if (++looked_at > 20) return false;
    if (at->wanted.kind == Resource::kPool && at->wanted.which == pool && at->index == index)
      return at->released_at == 0 || at->released_at >= moment;
  }
  return false;
}

bool bears_out(const std::vector<Contender>& all, const Link& link, std::int64_t moment) {
  const Contender* waiter = contender_of(all, link.pid);
  const Contender* next = contender_of(all, link.next);
  if (waiter == nullptr || next == nullptr) return false;
  const Attempt* attempt = attempt_at(*waiter, moment);
  if (attempt == nullptr || (attempt->wanted.kind == Resource::kPool) != (link.pool >= 0))
    return false;
  if (link.pool < 0) return true;
  if (attempt->has_timeout || attempt->wanted.which != link.pool) return false;
  if (link.index >= 0) return held_at(*next, link.pool, link.index, moment);
  const Attempt* ahead = attempt_at(*next, moment);
  return ahead != nullptr && ahead->wanted.kind == Resource::kPool &&
         ahead->wanted.which == link.pool && !ahead->has_timeout;
}

// Whether there was a moment of which all of it is true.
bool was_true(const std::vector<Contender>& all, const Attempt& victim,
              const std::vector<Link>& circle) {
  std::vector<std::int64_t> moments = {victim.begin};
  for (const Link& link : circle) {
    const Contender* contender = contender_of(all, link.pid);
    if (contender == nullptr) return false;
    for (auto at = contender->attempts.rbegin(); at != contender->attempts.rend(); ++at) {
      if (at->end < victim.begin) break;
      if (at->begin >= victim.begin && at->begin <= victim.end) moments.push_back(at->begin);
    }
  }
  return std::any_of(moments.begin(), moments.end(), [&](std::int64_t moment) {
    return std::all_of(circle.begin(), circle.end(),
                       [&](const Link& link) { return bears_out(all, link, moment); });
  });
}

std::string complaint(const Contender& contender, const Attempt& attempt, const char* what) {
  return std::string(what) + ": process " + std::to_string(contender.pid) + ", " +
         std::to_string((attempt.end - attempt.begin) / 1000) + " us, " + attempt.sqlstate + "\n" +
         attempt.detail;
}

}  // namespace

std::vector<std::string> judge_contention(const std::vector<Contender>& contenders,
                                          std::int64_t longest, std::int64_t* victims) {
  std::vector<std::string> wrong;
  for (const Contender& contender : contenders) {
    for (const Attempt& attempt : contender.attempts) {
      if (attempt.end - attempt.begin > longest)
        wrong.push_back(complaint(contender, attempt, "a wait did not end"));
      // PostgreSQL's own victims are of circles of locks alone.
      if (attempt.sqlstate != "40P01" || attempt.wanted.kind != Resource::kPool) continue;
      ++*victims;
      const std::vector<Link> circle = read_circle(attempt.detail);
      bool closed =
          !circle.empty() && circle[0].pid == contender.pid && circle.back().next == contender.pid;
      for (std::size_t i = 1; closed && i < circle.size(); ++i)
        closed = circle[i - 1].next == circle[i].pid;
      if (attempt.has_timeout)
        wrong.push_back(complaint(contender, attempt, "a victim with a timeout of its own"));
      else if (!closed)
        wrong.push_back(complaint(contender, attempt, "no circle"));
      else if (!was_true(contenders, attempt, circle))
        wrong.push_back(complaint(contender, attempt, "a circle that was not there"));
    }
  }
  return wrong;
}

}  // namespace numpool_test
