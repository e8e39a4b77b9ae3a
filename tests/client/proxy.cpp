#include "proxy.hpp"

#include <arpa/inet.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace {

sockaddr_in address_of(const std::string& host, int port) {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(static_cast<std::uint16_t>(port));
  if (inet_pton(AF_INET, host.c_str(), &out.sin_addr) != 1)
    throw std::runtime_error("no IPv4 address: " + host);
  return out;
}

const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

void reset_on_close(int socket) {
  const linger now{1, 0};
  setsockopt(socket, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

bool drop_all_packets(int socket) {
  sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
  const sock_fprog program{1, &nothing};
  return setsockopt(socket, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

}  // namespace

proxy::proxy(const std::string& target, int port)
    : target_(target),
      target_port_(port),
      listener_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in here = address_of("127.0.0.1", 0);
  socklen_t size = sizeof here;
  if (bind(listener_, generic(here), size) != 0 || listen(listener_, 16) != 0 ||
      getsockname(listener_, reinterpret_cast<sockaddr*>(&here), &size) != 0)
    throw std::runtime_error("cannot listen");
  port_ = ntohs(here.sin_port);
  thread_ = std::thread([this] { run(); });
}

proxy::~proxy() {
  stop_ = true;
  thread_.join();
  for (link& one : links_) shut(one);
  close(listener_);
}

std::string proxy::conninfo() const {
  return "host=127.0.0.1 sslmode=disable gssencmode=disable port=" + std::to_string(port_);
}

void proxy::cut_next_after(long from_client, long from_server) {
  std::lock_guard<std::mutex> lock(mutex_);
  has_cut_ = false;
  next_cut_[0] = from_client;
  next_cut_[1] = from_server;
}

void proxy::begin_next_with(const std::string& messages) {
  const std::lock_guard<std::mutex> lock(mutex_);
  next_ahead_ = messages;
}

void proxy::go_silent() {
  std::lock_guard<std::mutex> lock(mutex_);
  for (link& one : links_) one.silent = true;
}

void proxy::swallow_answers() {
  std::lock_guard<std::mutex> lock(mutex_);
  for (link& one : links_) one.swallows = true;
}

void proxy::keep_ready() {
  std::lock_guard<std::mutex> lock(mutex_);
  for (link& one : links_) one.keeps_ready = true;
}

void proxy::hand_over_ready() {
  std::lock_guard<std::mutex> lock(mutex_);
  for (link& one : links_) {
    const std::string kept = std::exchange(one.kept, {});
    if (!kept.empty()) send(one.client, kept.data(), kept.size(), MSG_NOSIGNAL);
  }
}

void proxy::drop_server_ends() {
  std::lock_guard<std::mutex> lock(mutex_);
  for (link& one : links_) drop_server_end(one);
}

void proxy::drop_server_end(link& one) {
  if (one.server >= 0) close(std::exchange(one.server, -1));
}

bool proxy::vanish() {
  std::lock_guard<std::mutex> lock(mutex_);
  bool done = true;
  for (link& one : links_)
    done = done && drop_all_packets(one.client) && drop_all_packets(one.server);
  return done;
}

void proxy::run() {
  while (!stop_) {
    std::vector<pollfd> fds{{listener_, POLLIN, 0}};
    {
      std::lock_guard<std::mutex> lock(mutex_);
      for (const link& one : links_) {
        fds.push_back({one.deaf() ? -1 : one.client, POLLIN, 0});
        fds.push_back({one.deaf() ? -1 : one.server, POLLIN, 0});
      }
    }
    if (poll(fds.data(), fds.size(), 20) <= 0) continue;
    std::lock_guard<std::mutex> lock(mutex_);
    for (std::size_t i = links_.size(); i-- > 0;) {
      bool alive = true;
      if (fds[1 + 2 * i].revents != 0) alive = forward(links_[i], true);
      if (alive && fds[2 + 2 * i].revents != 0) alive = forward(links_[i], false);
      if (alive) continue;
      shut(links_[i]);
      links_.erase(links_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    if (fds[0].revents != 0) accept_one();
  }
}

void proxy::accept_one() {
  link one{accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC), -1, false, false, {-1, -1}};
  if (one.client < 0) return;
  const int on = 1;
  setsockopt(one.client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (!mute_) {
    one.server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const sockaddr_in there = address_of(target_, target_port_);
    if (connect(one.server, generic(there), sizeof there) != 0) {
      shut(one);
      return;
    }
    setsockopt(one.server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    for (int way : {0, 1}) one.left[way] = std::exchange(next_cut_[way], -1);
    one.ahead = std::exchange(next_ahead_, {});
  }
  links_.push_back(one);
}

/// False if the link is over.
bool proxy::forward(link& one, bool from_client) {
  if (one.deaf()) return true;  // since the poll
  char data[4096];
  long& left = one.left[from_client ? 0 : 1];
  ssize_t got = recv(from_client ? one.client : one.server, data, sizeof data, 0);
  if (got <= 0 && !from_client && keep_clients_) {
    drop_server_end(one);
    return true;
  }
  if (got <= 0) return false;
  if (one.swallows && !from_client) return true;
  if (!from_client && one.began && !one.ahead.empty()) {
    send(one.client, one.ahead.data(), one.ahead.size(), MSG_NOSIGNAL);
    one.ahead.clear();
  }
  const char ready[] = {'Z', 0, 0, 0, 5, 'I'};
  if (!from_client && got >= 6 && std::memcmp(data + got - 6, ready, 6) == 0) {
    one.began = true;
    if (std::exchange(one.keeps_ready, false)) {
      one.kept.assign(ready, sizeof ready);
      got -= 6;
    }
  }
  if (!from_client) forwarded_ += got;
  const long allowed = left < 0 ? got : std::min<long>(left, got);
  if (send(from_client ? one.server : one.client, data, static_cast<std::size_t>(allowed),
           MSG_NOSIGNAL) != allowed)
    return false;
  if (left < 0) return true;
  left -= allowed;
  if (left > 0) return true;
  has_cut_ = true;
  return false;
}

void proxy::shut(link& one) {
  for (int socket : {one.client, one.server}) {
    if (socket < 0) continue;
    reset_on_close(socket);
    close(socket);
  }
}
