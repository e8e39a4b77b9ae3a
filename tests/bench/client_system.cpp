// The C++ library: every Client is a thread's use of the one connection that all of them share.
#include <numpool/numpool.hpp>

#include "system.h"

namespace bench {

namespace {

class LibraryClient : public Client {
 public:
  LibraryClient(const Pools& pools, std::shared_ptr<numpool::client> shared)
      : Client(pools), shared_(std::move(shared)), pool_(shared_->open(pool())) {}
  int acquire() override {
    lease_ = pool_.acquire();
    return lease_->index();
  }
  void release(int) override {
    lease_->release();
    lease_.reset();
  }

 private:
  std::shared_ptr<numpool::client> shared_;
  numpool::pool pool_;
  std::optional<numpool::lease> lease_;
};

class Library : public System {
 public:
  const char* name() const override { return "client"; }
  void create(const Pools&, int) override {}  // those of the SQL functions
  std::unique_ptr<Client> open(const Pools& pools) override {
    std::shared_ptr<numpool::client> shared = shared_.lock();
    if (!shared) shared_ = shared = std::make_shared<numpool::client>();
    return std::make_unique<LibraryClient>(pools, shared);
  }
  std::unique_ptr<Holder> take(const std::string&, int) override { return nullptr; }

 private:
  std::weak_ptr<numpool::client> shared_;
};

}  // namespace

std::unique_ptr<System> client_system() {
  return std::make_unique<Library>();
}

}  // namespace bench
