#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <numpool/timed_lease.hpp>

#include "io_operation.hpp"

namespace numpool::detail {

class timed_record;

/// The timed leases of a client, and when each is to be looked at. The I/O thread's.
class timed_book {
 public:
  timed_book();
  ~timed_book();
  timed_book(const timed_book&) = delete;
  timed_book& operator=(const timed_book&) = delete;

  void add(std::shared_ptr<timed_record> record);
  /// Readable when some are due. A timer of its own, as poll() does not count the time for which
  /// the machine sleeps.
  int fd() const { return fd_; }
  void do_what_is_due(io_loop& io);
  /// The connection is a new one. The server behind it may be another than before, where a lease
  /// has a new fence, and a time that began with that server and not with the last renewal.
  void renew_all();
  /// Empties the book.
  std::vector<std::shared_ptr<timed_record>> take_all();

 private:
  /// Between two looks at one lease.
  static constexpr std::chrono::milliseconds kShortest{1};

  void set_timer();

  const int fd_;
  std::multimap<boottime_clock::time_point, std::shared_ptr<timed_record>> due_;
};

/// Gives back whatever a token has. Who sends it does not care for the answer.
class token_release : public operation, public std::enable_shared_from_this<token_release> {
 public:
  explicit token_release(std::string token) : token_(std::move(token)) {}

  request message() override;
  void succeed(io_loop&, const result&) override {}
  void fail(io_loop& io, const error& why) override;
  bool disconnected(io_loop&, const error&, bool) override { return true; }
  const std::string* gives_back() const override { return &token_; }

 private:
  const std::string token_;
  int attempts_left_ = 100;
};

/// Has a record that a caller made looked after from now on.
class timed_beginning : public operation {
 public:
  explicit timed_beginning(std::shared_ptr<timed_record> record) : record_(std::move(record)) {}

  bool wanted(io_loop& io) override;
  request message() override;
  void succeed(io_loop&, const result&) override {}
  void fail(io_loop&, const error&) override {}
  bool disconnected(io_loop&, const error&, bool) override { return false; }

 private:
  std::shared_ptr<timed_record> record_;
};

}  // namespace numpool::detail
