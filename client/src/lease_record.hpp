#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "holding.hpp"

namespace numpool::detail {

/// The state behind a lease.
class lease_record : public holding {
 public:
  /// `connection_number` numbers the connection that holds the lease.
  lease_record(std::shared_ptr<engine> owner, std::shared_ptr<const std::string> pool, int index,
               std::int64_t fence, std::uint64_t connection_number);

  std::int64_t fence() const override { return fence_; }
  bool held() const { return is(state::held); }
  bool lost() const { return is(state::lost); }

  bool wanted(io_loop& io) override;
  request message() override;
  void succeed(io_loop& io, const result& answer) override;
  void fail(io_loop& io, const error& why) override;
  bool disconnected(io_loop& io, const error& why, bool was_sent) override;
  void add_to(std::vector<binary_array>& arguments) override;
  void answered(io_loop&, const result&, int) override { finish(); }

 private:
  batch_kind own_kind() const override { return batch_kind::release; }

  const std::int64_t fence_;
  const std::uint64_t connection_number_;
  char index_text_[12];
  char fence_text_[24];
};

}  // namespace numpool::detail
