#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io_operation.hpp"

namespace numpool::detail {

/// An array in the wire's binary format. NB: not as text, since the server takes the backslashes of
/// that for what they are only after it has converted it from the client's encoding, in some of
/// which a backslash is the second byte of a letter.
class binary_array {
 public:
  enum class of : std::uint32_t { int8 = 20, int4 = 23, text = 25 };

  explicit binary_array(of type);
  void add(std::string_view text);
  void add(std::int32_t value);
  void add(std::int64_t value);

  const char* data() const { return bytes_.data(); }
  int size() const { return static_cast<int>(bytes_.size()); }

 private:
  void append(std::uint64_t value, int bytes);
  void count_one(std::uint32_t length);

  std::string bytes_;
  std::uint32_t count_ = 0;
};

/// Several operations that ask for the same of different pools, as one statement. Each is answered
/// for itself; those that failed, or all if the statement did, are sent again, each alone, to hear
/// why.
class batch : public operation {
 public:
  /// Operations of one kind, two or more.
  batch(batch_kind kind, std::vector<std::shared_ptr<operation>> elements);

  /// The most that one statement has.
  static constexpr std::size_t kMost = 256;

  request message() override;
  void succeed(io_loop& io, const result& answer) override;
  void fail(io_loop& io, const error& why) override;
  /// Never called: who takes back what is outstanding takes the elements.
  bool disconnected(io_loop&, const error&, bool) override { return false; }
  void take_apart(std::vector<std::shared_ptr<operation>>& into) override;

 private:
  static void send_alone(io_loop& io, std::shared_ptr<operation> op);

  const batch_kind kind_;
  std::vector<std::shared_ptr<operation>> elements_;
  std::vector<binary_array> arrays_;
};

/// Puts in front what goes out now, and returns how many that are: at most `most` statements with
/// operations that can be a batch's, which they are where there are several of a kind, and the
/// others that may go with them. The rest stays behind them as it was. An operation that is not
/// wanted() is dropped.
///
/// Releases go first, in a transaction of their own: in that of an enqueue they would be taken back
/// by it, past the queue. Then cancels, so that who asks anew does not stand in line twice, then
/// enqueues, and then the others, in their order. What cannot be a batch's is passed so by what was
/// asked later; but one that was left behind once is passed by nothing any more, since in a crowd
/// there is always something that would.
std::size_t gather_batches(io_loop& io, std::vector<std::shared_ptr<operation>>& unsent,
                           std::size_t most);

}  // namespace numpool::detail
