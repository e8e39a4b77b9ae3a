// A list of tokens: BLPOP takes one, RPUSH gives it back. The server is that of REDIS_SOCKET.
#include <hiredis/hiredis.h>

#include <cstdlib>

#include "session.h"
#include "system.h"

namespace bench {

namespace {

class Connection {
 public:
  Connection() {
    const char* path = std::getenv("REDIS_SOCKET");
    if (path == nullptr) fail("REDIS_SOCKET is not set");
    context_ = redisConnectUnix(path);
    if (context_ == nullptr || context_->err != 0)
      fail(std::string("redis: ") + (context_ != nullptr ? context_->errstr : "no memory"));
  }
  ~Connection() { redisFree(context_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  template <class... Arguments>
  std::string run(const char* format, Arguments... arguments) {
    auto* reply = static_cast<redisReply*>(redisCommand(context_, format, arguments...));
    if (reply == nullptr) fail(std::string("redis: ") + context_->errstr);
    if (reply->type == REDIS_REPLY_ERROR) fail(std::string("redis: ") + reply->str);
    std::string value;
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2) value = reply->element[1]->str;
    freeReplyObject(reply);
    return value;
  }

 private:
  redisContext* context_;
};

class RedisClient : public Client {
 public:
  using Client::Client;
  int acquire() override { return std::stoi(connection_.run("BLPOP %s 0", pick().c_str())); }
  void release(int index) override { connection_.run("RPUSH %s %d", pool().c_str(), index); }

 private:
  Connection connection_;
};

class RedisHolder : public Holder {
 public:
  RedisHolder(const std::string& pool, int numbers) {
    Connection().run("LTRIM %s %d -1", pool.c_str(), numbers);
  }
};

class Redis : public System {
 public:
  const char* name() const override { return "redis"; }
  void create(const Pools& pools, int size) override {
    Connection().run(
        "EVAL %s 0 %s %d %d",
        "for p = 0, ARGV[2] - 1 do local id = ARGV[2] == '1' and ARGV[1] or ARGV[1] .. p "
        "for i = 0, ARGV[3] - 1 do redis.call('RPUSH', id, i) end end",
        pools.name.c_str(), pools.count, size);
  }
  std::unique_ptr<Client> open(const Pools& pools) override {
    return std::make_unique<RedisClient>(pools);
  }
  std::unique_ptr<Holder> take(const std::string& pool, int numbers) override {
    return std::make_unique<RedisHolder>(pool, numbers);
  }
};

}  // namespace

std::unique_ptr<System> redis_system() {
  return std::make_unique<Redis>();
}

}  // namespace bench
