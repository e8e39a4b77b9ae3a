#include "io_batch.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "io_loop.hpp"

namespace numpool::detail {

namespace {

/// The column that has the error of an element, if it failed.
int error_column(batch_kind kind) {
  return kind == batch_kind::enqueue ? 3 : 1;
}

const statement& statement_of(batch_kind kind) {
  switch (kind) {
    case batch_kind::enqueue:
      return kEnqueueBatch;
    case batch_kind::release:
      return kReleaseBatch;
    default:
      return kCancelBatch;
  }
}

std::vector<binary_array> arguments_of(batch_kind kind) {
  using of = binary_array::of;
  switch (kind) {
    case batch_kind::enqueue:
      return {binary_array(of::text)};
    case batch_kind::release:
      return {binary_array(of::text), binary_array(of::int4), binary_array(of::int8)};
    default:
      return {binary_array(of::int8)};
  }
}

}  // namespace

/// One dimension, no NULL, the type, the number of elements, beginning with the first.
binary_array::binary_array(of type) {
  append(1, 4);
  append(0, 4);
  append(static_cast<std::uint32_t>(type), 4);
  append(0, 4);
  append(1, 4);
}

void binary_array::append(std::uint64_t value, int bytes) {
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8)
    bytes_ += static_cast<char>(value >> shift);
}

void binary_array::count_one(std::uint32_t length) {
  constexpr std::size_t kCountAt = 12;
  ++count_;
  for (int i = 0; i < 4; ++i)
    bytes_[kCountAt + static_cast<std::size_t>(i)] = static_cast<char>(count_ >> (24 - 8 * i));
  append(length, 4);
}

void binary_array::add(std::string_view text) {
  count_one(static_cast<std::uint32_t>(text.size()));
  bytes_ += text;
}

void binary_array::add(std::int32_t value) {
  count_one(4);
  append(static_cast<std::uint32_t>(value), 4);
}

void binary_array::add(std::int64_t value) {
  count_one(8);
  append(static_cast<std::uint64_t>(value), 8);
}

batch::batch(batch_kind kind, std::vector<std::shared_ptr<operation>> elements)
    : kind_(kind), elements_(std::move(elements)), arrays_(arguments_of(kind)) {
  for (const auto& each : elements_) each->add_to(arrays_);
}

request batch::message() {
  request out{&statement_of(kind_), 0, {}};
  for (const binary_array& array : arrays_) {
    const auto at = static_cast<std::size_t>(out.count++);
    out.values[at] = array.data();
    out.lengths[at] = array.size();
    out.binary[at] = 1;
  }
  return out;
}

void batch::succeed(io_loop& io, const result& answer) {
  const int column = error_column(kind_);
  for (std::size_t i = 0; i < elements_.size(); ++i) {
    const int row = static_cast<int>(i);
    if (field(answer, row, column)) {
      send_alone(io, std::move(elements_[i]));
    } else {
      elements_[i]->answered(io, answer, row);
    }
  }
}

/// What has failed as a whole has done nothing.
void batch::fail(io_loop& io, const error&) {
  for (auto& each : elements_) send_alone(io, std::move(each));
}

void batch::send_alone(io_loop& io, std::shared_ptr<operation> op) {
  op->keep_alone();
  io.send_again(std::move(op));
}

void batch::take_apart(std::vector<std::shared_ptr<operation>>& into) {
  into.insert(into.end(), std::make_move_iterator(elements_.begin()),
              std::make_move_iterator(elements_.end()));
  elements_.clear();
}

namespace {

using operations = std::vector<std::shared_ptr<operation>>;

/// Takes what goes out now out of a stretch of operations that may pass one another.
class gathering {
 public:
  gathering(io_loop& io, std::size_t most, operations& chosen)
      : io_(io), statements_left_(most), chosen_(chosen) {}

  /// Whether nothing that can be a batch's is left in the stretch, so that what is behind it may go
  /// as well.
  bool take_stretch(operations::iterator first, operations::iterator last) {
    for (const batch_kind kind : {batch_kind::release, batch_kind::cancel, batch_kind::enqueue})
      if (!take_kind(kind, first, last)) return false;
    for (auto op = first; op != last; ++op)
      if (*op) chosen_.push_back(std::move(*op));
    return true;
  }

 private:
  bool take_kind(batch_kind kind, operations::iterator first, operations::iterator last) {
    operations some;
    for (auto op = first; op != last; ++op) {
      if (!*op || (*op)->kind_in_batch() != kind) continue;
      if (statements_left_ == 0) return false;
      auto taken = std::move(*op);
      if (!taken->wanted(io_)) continue;
      some.push_back(std::move(taken));
      if (some.size() == batch::kMost) choose(kind, some);
    }
    if (!some.empty()) choose(kind, some);
    return true;
  }

  void choose(batch_kind kind, operations& some) {
    --statements_left_;
    if (some.size() == 1) {
      chosen_.push_back(std::move(some.front()));
    } else {
      chosen_.push_back(std::make_shared<batch>(kind, std::move(some)));
    }
    some = {};
  }

  io_loop& io_;
  std::size_t statements_left_;
  operations& chosen_;
};

}  // namespace

std::size_t gather_batches(io_loop& io, operations& unsent, std::size_t most) {
  operations ordered;
  ordered.reserve(unsent.size());
  gathering now(io, most, ordered);
  auto first = unsent.begin();
  while (first != unsent.end()) {
    const auto barrier =
        std::find_if(first, unsent.end(), [](const auto& op) { return op->was_left_behind(); });
    if (!now.take_stretch(first, barrier)) break;
    first = barrier;
    if (first != unsent.end()) ordered.push_back(std::move(*first++));
  }
  const std::size_t chosen = ordered.size();
  for (auto& op : unsent) {
    if (!op) continue;
    if (op->kind_in_batch() == batch_kind::none) op->leave_behind();
    ordered.push_back(std::move(op));
  }
  unsent.swap(ordered);
  return chosen;
}

}  // namespace numpool::detail
