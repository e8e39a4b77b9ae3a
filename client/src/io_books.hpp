#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "notification.hpp"

namespace numpool::detail {

class io_loop;
class lease_record;
class wait_operation;

/// The waits that have a ticket on the present connection. The I/O thread's.
class ticket_book {
 public:
  void add(std::int64_t ticket, std::shared_ptr<wait_operation> wait);
  std::shared_ptr<wait_operation> take(std::int64_t ticket);  ///< null if it is not known
  /// Empties the book; in the order of the tickets, which is that of the queue.
  std::vector<std::shared_ptr<wait_operation>> take_all();
  bool empty() const { return waits_.empty(); }

 private:
  std::unordered_map<std::int64_t, std::shared_ptr<wait_operation>> waits_;
};

/// The leases on the present connection that nobody began to release. The I/O thread's.
class lease_book {
 public:
  void add(std::shared_ptr<lease_record> record);
  void remove(const lease_record& record);
  /// The one that `what` speaks of, or null. The fence tells: only DROP EXTENSION can make one
  /// come again. The pool's name decides then, and no sooner, as it is not in UTF-8 here where the
  /// user asked for another client_encoding.
  std::shared_ptr<lease_record> find(const notification& what) const;
  std::vector<std::shared_ptr<lease_record>> take_all();

 private:
  /// By fence.
  std::unordered_multimap<std::int64_t, std::shared_ptr<lease_record>> records_;
};

}  // namespace numpool::detail
