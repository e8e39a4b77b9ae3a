#include "lease_record.hpp"

#include <charconv>
#include <utility>

#include "io_batch.hpp"
#include "io_loop.hpp"

namespace numpool::detail {

namespace {

template <class Integer, std::size_t Size>
void print(Integer value, char (&out)[Size]) {
  *std::to_chars(out, out + Size - 1, value).ptr = '\0';
}

}  // namespace

lease_record::lease_record(std::shared_ptr<engine> owner, std::shared_ptr<const std::string> pool,
                           int index, std::int64_t fence, std::uint64_t connection_number)
    : holding(std::move(owner), std::move(pool), index),
      fence_(fence),
      connection_number_(connection_number) {
  print(index, index_text_);
  print(fence, fence_text_);
}

bool lease_record::wanted(io_loop& io) {
  io.leases().remove(*this);
  if (connection_number_ == io.connection_number()) return true;
  finish();  // the connection that held it is gone, and the lease with it
  return false;
}

request lease_record::message() {
  return {&kRelease, 3, {pool().c_str(), index_text_, fence_text_}};
}

void lease_record::succeed(io_loop&, const result&) {
  finish();
}

void lease_record::fail(io_loop& io, const error& why) {
  if (worth_repeating(why)) {
    io.send_again(shared_from_this());
  } else if (nothing_left(why)) {
    finish();
  } else {
    finish(why);
  }
}

void lease_record::add_to(std::vector<binary_array>& arguments) {
  arguments[0].add(pool());
  arguments[1].add(static_cast<std::int32_t>(index()));
  arguments[2].add(fence_);
}

bool lease_record::disconnected(io_loop&, const error&, bool) {
  finish();
  return false;
}

}  // namespace numpool::detail
