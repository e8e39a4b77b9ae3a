// The free set: at every size where the number of words or of levels changes, against a std::set.
#include <doctest/doctest.h>

#include <cstdint>
#include <random>
#include <set>
#include <vector>

#include "core/bitmap.h"

using numpool::Bitmap;

namespace {

constexpr std::uint32_t kCapacities[] = {1,   2,    63,   64,   65,    127,
                                         128, 4095, 4096, 4097, 65535, 65536};
constexpr std::uint64_t kCanary = 0x5ca1ab1e5ca1ab1e;

// A bitmap with a canary at either side of its words.
struct GuardedBitmap {
  explicit GuardedBitmap(std::uint32_t capacity)
      : words(Bitmap::words_needed(capacity) + 2, 0), set(words.data() + 1, capacity) {
    words.front() = words.back() = kCanary;
  }
  bool guards_intact() const { return words.front() == kCanary && words.back() == kCanary; }
  bool all_zero() const {
    for (std::size_t i = 1; i + 1 < words.size(); ++i)
      if (words[i] != 0) return false;
    return true;
  }

  std::vector<std::uint64_t> words;
  Bitmap set;
};

std::uint32_t first_of(const std::set<std::uint32_t>& model) {
  return model.empty() ? Bitmap::kNone : *model.begin();
}

bool same_members(const Bitmap& set, const std::set<std::uint32_t>& model) {
  for (std::uint32_t i = 0; i < set.capacity(); ++i)
    if (set.contains(i) != (model.count(i) != 0)) return false;
  return true;
}

}  // namespace

TEST_CASE("bitmap: words needed, all levels together") {
  const struct {
    std::uint32_t capacity;
    std::size_t words;
  } rows[] = {{1, 1},         {63, 1},        {64, 1},           {65, 2 + 1},
              {4096, 64 + 1}, {4097, 65 + 3}, {65536, 1024 + 17}};
  for (const auto& row : rows) {
    CAPTURE(row.capacity);
    CHECK(Bitmap::words_needed(row.capacity) == row.words);
  }
}

TEST_CASE("bitmap: empty at first") {
  for (const std::uint32_t capacity : kCapacities) {
    CAPTURE(capacity);
    GuardedBitmap bitmap(capacity);
    CHECK(bitmap.set.capacity() == capacity);
    CHECK(bitmap.set.first() == Bitmap::kNone);
    CHECK(same_members(bitmap.set, {}));
  }
}

TEST_CASE("bitmap: a single member, at both ends and beside each word border") {
  for (const std::uint32_t capacity : kCapacities) {
    for (const std::uint32_t member : {0u, 1u, 62u, 63u, 64u, 65u, 127u, 128u, 4094u, 4095u, 4096u,
                                       4097u, 65534u, 65535u, capacity - 1}) {
      if (member >= capacity) continue;
      CAPTURE(capacity);
      CAPTURE(member);
      GuardedBitmap bitmap(capacity);
      bitmap.set.insert(member);
      CHECK(bitmap.set.first() == member);
      CHECK(same_members(bitmap.set, {member}));
      bitmap.set.insert(member);  // twice is once
      CHECK(bitmap.set.first() == member);
      bitmap.set.erase(member);
      CHECK(bitmap.set.first() == Bitmap::kNone);
      CHECK(bitmap.all_zero());
      bitmap.set.erase(member);
      CHECK(bitmap.all_zero());
      CHECK(bitmap.guards_intact());
    }
  }
}

TEST_CASE("bitmap: filled from the top, it drains from the bottom") {
  for (const std::uint32_t capacity : kCapacities) {
    CAPTURE(capacity);
    GuardedBitmap bitmap(capacity);
    bool right = true;
    for (std::uint32_t member = capacity; member-- > 0;) {
      bitmap.set.insert(member);
      right = right && bitmap.set.first() == member;
    }
    CHECK(right);
    for (std::uint32_t member = 0; member < capacity; ++member) {
      right = right && bitmap.set.first() == member;
      bitmap.set.erase(member);
    }
    CHECK(right);
    CHECK(bitmap.set.first() == Bitmap::kNone);
    CHECK(bitmap.all_zero());
    CHECK(bitmap.guards_intact());
  }
}

TEST_CASE("bitmap: another view of the same words sees the same set") {
  GuardedBitmap bitmap(4097);
  bitmap.set.insert(4096);
  bitmap.set.insert(70);
  Bitmap view(bitmap.words.data() + 1, 4097);
  CHECK(view.first() == 70);
  view.erase(70);
  CHECK(bitmap.set.first() == 4096);
}

TEST_CASE("bitmap: random changes against std::set, sparse and dense") {
  for (const std::uint32_t capacity : kCapacities) {
    for (const unsigned inserts_in_16 : {1u, 8u, 15u}) {
      CAPTURE(capacity);
      CAPTURE(inserts_in_16);
      GuardedBitmap bitmap(capacity);
      std::set<std::uint32_t> model;
      std::mt19937 random(capacity * 31 + inserts_in_16);
      bool right = true;
      for (int step = 0; step < 20000 && right; ++step) {
        // Half of the erasures take the least member, as an acquire does.
        std::uint32_t member = static_cast<std::uint32_t>(random()) % capacity;
        if (random() % 16 < inserts_in_16) {
          bitmap.set.insert(member);
          model.insert(member);
        } else {
          if (random() % 2 == 0 && !model.empty()) member = *model.begin();
          bitmap.set.erase(member);
          model.erase(member);
        }
        right = bitmap.set.first() == first_of(model) &&
                bitmap.set.contains(member) == (model.count(member) != 0);
      }
      CHECK(right);
      CHECK(same_members(bitmap.set, model));
      CHECK(bitmap.guards_intact());
    }
  }
}
