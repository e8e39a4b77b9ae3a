#include "io_books.hpp"

#include <algorithm>
#include <utility>

#include "lease_record.hpp"
#include "io_wait.hpp"

namespace numpool::detail {

void ticket_book::add(std::int64_t ticket, std::shared_ptr<wait_operation> wait) {
  waits_[ticket] = std::move(wait);
}

std::shared_ptr<wait_operation> ticket_book::take(std::int64_t ticket) {
  const auto found = waits_.find(ticket);
  if (found == waits_.end()) return nullptr;
  auto wait = std::move(found->second);
  waits_.erase(found);
  return wait;
}

std::vector<std::shared_ptr<wait_operation>> ticket_book::take_all() {
  std::vector<std::pair<std::int64_t, std::shared_ptr<wait_operation>>> sorted(waits_.begin(),
                                                                               waits_.end());
  waits_.clear();
  std::sort(sorted.begin(), sorted.end(),
            [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::shared_ptr<wait_operation>> out;
  out.reserve(sorted.size());
  for (auto& entry : sorted) out.push_back(std::move(entry.second));
  return out;
}

void lease_book::add(std::shared_ptr<lease_record> record) {
  const std::int64_t fence = record->fence();
  records_.emplace(fence, std::move(record));
}

void lease_book::remove(const lease_record& record) {
  const auto [first, last] = records_.equal_range(record.fence());
  for (auto at = first; at != last; ++at) {
    if (at->second.get() != &record) continue;
    records_.erase(at);
    return;
  }
}

std::shared_ptr<lease_record> lease_book::find(const notification& what) const {
  if (!what.fence || !what.index || !what.pool) return nullptr;
  const auto [first, last] = records_.equal_range(*what.fence);
  std::shared_ptr<lease_record> match;
  for (auto at = first; at != last; ++at) {
    if (at->second->index() != *what.index) continue;
    if (!match || at->second->pool() == *what.pool) match = at->second;
  }
  return match;
}

std::vector<std::shared_ptr<lease_record>> lease_book::take_all() {
  std::vector<std::shared_ptr<lease_record>> out;
  out.reserve(records_.size());
  for (auto& entry : records_) out.push_back(std::move(entry.second));
  records_.clear();
  std::sort(out.begin(), out.end(),
            [](const auto& a, const auto& b) { return a->fence() < b->fence(); });
  return out;
}

}  // namespace numpool::detail
