#include "fault_list.h"

#include <algorithm>
#include <iterator>

namespace numpool_test {

namespace {

constexpr std::size_t kMostOfAKind = 5;

// In the order of Broken.
const char* const kNames[] = {
    "two holders",    "a fence twice",    "fences against time",   "queue order",
    "overtaken",      "an idle number",   "numbers do not add up", "a lease without end",
    "dropped in use", "left over at end", "an impossible answer",  "seen by a worker"};
static_assert(std::size(kNames) == static_cast<std::size_t>(Broken::kSeen) + 1);

}  // namespace

const char* name_of(Broken what) {
  return kNames[static_cast<std::size_t>(what)];
}

std::string text_of(const History& history, const Lease& lease) {
  const auto time = [](Time t) { return t == kNever ? std::string("never") : std::to_string(t); };
  const std::size_t log = static_cast<std::size_t>(lease.log);
  return "pool " + std::to_string(lease.pool) + " index " + std::to_string(lease.index) +
         " fence " + std::to_string(lease.fence) + " pid " + std::to_string(lease.pid) +
         (lease.ticket != 0 ? " ticket " + std::to_string(lease.ticket) : "") + " asked " +
         time(lease.asked) + " told " + time(lease.told) + " end asked " + time(lease.end_asked) +
         (log < history.logs.size() ? " in " + history.logs[log] : "");
}

std::string text_of(const Queue& queue) {
  std::string text = "queue from " + std::to_string(queue.asked) + " to " +
                     std::to_string(queue.told) + ", pid:ticket";
  for (const auto& [pid, ticket] : queue.waiters)
    text += " " + std::to_string(pid) + ":" + std::to_string(ticket);
  return text;
}

void FaultList::add(Broken what, const std::string& detail, Time span) {
  std::vector<Fault>& all = by_kind_[what];
  all.push_back({what, detail, span});
  std::stable_sort(all.begin(), all.end(),
                   [](const Fault& a, const Fault& b) { return a.span < b.span; });
  if (all.size() > kMostOfAKind) all.pop_back();
}

void FaultList::add(Broken what, const History& history, const Lease& a, const Lease& b,
                    const std::string& evidence) {
  std::string detail = text_of(history, a) + " / " + text_of(history, b);
  if (!evidence.empty()) detail += " / " + evidence;
  add(what, detail, std::max(a.told, b.told) - std::min(a.asked, b.asked));
}

std::vector<Fault> FaultList::shortest_first() const {
  std::vector<Fault> faults;
  for (const auto& [what, all] : by_kind_) faults.insert(faults.end(), all.begin(), all.end());
  return faults;
}

}  // namespace numpool_test
