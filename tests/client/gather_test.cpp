// What goes out at once, and in which order, when many operations are there to be sent.

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "fixture.hpp"
#include "engine.hpp"
#include "io_batch.hpp"
#include "io_loop.hpp"

using namespace numpool::detail;

namespace {

constexpr std::size_t kMost = 2;

class asked : public operation {
 public:
  asked(char letter, batch_kind kind) : letter_(letter), kind_(kind) {}

  char letter() const { return letter_; }

  request message() override { return {&kHeartbeat, 0, {}}; }
  void succeed(io_loop&, const result&) override {}
  void fail(io_loop&, const numpool::error&) override {}
  bool disconnected(io_loop&, const numpool::error&, bool) override { return false; }

 private:
  batch_kind own_kind() const override { return kind_; }

  const char letter_;
  const batch_kind kind_;
};

/// Gathers as often as it takes to send all, and has always more to send until it is told to stop.
class sender {
 public:
  sender() : engine_(numpool::client_options()), io_(engine_) {}

  /// A release, a cancel, an enqueue or another operation for each letter.
  void ask(const std::string& letters) {
    for (const char c : letters) {
      const batch_kind kind = c == 'r'   ? batch_kind::release
                              : c == 'c' ? batch_kind::cancel
                              : c == 'e' ? batch_kind::enqueue
                                         : batch_kind::none;
      unsent_.push_back(std::make_shared<asked>(c, kind));
    }
  }

  /// What goes out, each statement in brackets if it is a batch.
  std::string gather() {
    const std::size_t count = gather_batches(io_, unsent_, kMost);
    std::string out;
    for (std::size_t i = 0; i < count; ++i) {
      std::vector<std::shared_ptr<operation>> elements;
      unsent_[i]->take_apart(elements);
      if (elements.empty()) {
        out += letter_of(*unsent_[i]);
        continue;
      }
      out += '[';
      // So many of a kind are said by the first ones.
      for (std::size_t k = 0; k < std::min<std::size_t>(elements.size(), 3); ++k)
        out += letter_of(*elements[k]);
      out += ']';
    }
    unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(count));
    return out;
  }

  std::string left() const {
    std::string out;
    for (const auto& op : unsent_) out += letter_of(*op);
    return out;
  }

 private:
  static char letter_of(const operation& op) { return dynamic_cast<const asked&>(op).letter(); }

  engine engine_;
  io_loop io_;
  std::vector<std::shared_ptr<operation>> unsent_;
};

}  // namespace

TEST_CASE("releases go before cancels, cancels before enqueues, and the others behind them") {
  sender one;
  one.ask("srcr");
  CHECK(one.gather() == "[rr]cs");
  one.ask("teec");
  CHECK(one.gather() == "c[ee]t");
  CHECK(one.left().empty());
}

TEST_CASE("no more statements are gathered at once than may be under way") {
  sender one;
  one.ask("secrs");
  CHECK(one.gather() == "rc");
  CHECK(one.left() == "ses");
  sender many;
  many.ask(std::string(700, 'r'));
  CHECK(many.gather() == "[rrr][rrr]");
  CHECK(many.left() == std::string(700 - 2 * batch::kMost, 'r'));
}

TEST_CASE("in a crowd that always asks for more, what was left behind once is not passed again") {
  sender one;
  one.ask(std::string(600, 'r') + "s");
  CHECK(one.gather() == "[rrr][rrr]");
  one.ask(std::string(600, 'r') + "t");
  CHECK(one.gather() == "[rrr]s[rrr]");
  one.ask(std::string(600, 'c'));
  CHECK(one.gather() == "[rrr][rrr]t");
}
