#include "relay.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace numpool_test {

namespace {

// What waits in one direction before no more is read.
constexpr std::size_t kMostWaiting = 64;
constexpr Time kMillisecond = 1000000;

int listen_at(int* port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  sockaddr_in here{};
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof here;
  auto* address = reinterpret_cast<sockaddr*>(&here);
  if (fd < 0 || bind(fd, address, size) != 0 || listen(fd, 64) != 0 ||
      getsockname(fd, address, &size) != 0)
    throw std::runtime_error("the relay cannot listen");
  *port = ntohs(here.sin_port);
  return fd;
}

// -1 if nobody is there.
int connect_to(const std::string& path) {
  sockaddr_un there{};
  there.sun_family = AF_UNIX;
  if (path.size() >= sizeof there.sun_path) throw std::runtime_error("path too long: " + path);
  std::memcpy(there.sun_path, path.c_str(), path.size() + 1);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd >= 0 && connect(fd, reinterpret_cast<const sockaddr*>(&there), sizeof there) == 0)
    return fd;
  if (fd >= 0) close(fd);
  return -1;
}

}  // namespace

Relay::Relay(const std::vector<std::string>& targets)
    : waker_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  for (const std::string& target : targets) {
    Door& door = doors_.emplace_back();
    door.target = target;
    door.listener = listen_at(&door.port);
  }
  thread_ = std::thread([this] { run(); });
}

Relay::~Relay() {
  over_ = true;
  wake();
  thread_.join();
  for (Link& link : links_) close_ends(link, false);
  for (const Door& door : doors_) close(door.listener);
  close(waker_);
}

void Relay::wake() {
  const std::uint64_t one = 1;
  if (write(waker_, &one, sizeof one) < 0) {
    // Full: it wakes anyway.
  }
}

void Relay::silence(int door, Time until) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    Time& silent = doors_[static_cast<std::size_t>(door)].silent_until;
    silent = std::max(silent, until);
    hazes_.push_back({door, now(), until, kNever, "silence"});
  }
  wake();
}

void Relay::slow(int door, Time until, Time delay) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Door& slowed = doors_[static_cast<std::size_t>(door)];
  slowed.slow_until = until;
  slowed.delay = delay;
  hazes_.push_back({door, now(), until + delay, delay, "delay"});
}

void Relay::lose_server(int door) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    changes_++;
    for (Link& link : links_) {
      if (link.door != door || link.ends[1] < 0) continue;
      close(std::exchange(link.ends[1], -1));
      link.haze = hazes_.size();
      hazes_.push_back({door, now(), kNever, kNever, "server's end lost"});
    }
  }
  wake();
}

void Relay::cut(int door) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    changes_++;
    for (auto link = links_.begin(); link != links_.end();) {
      if (link->door == door && link->ends[1] >= 0) {
        close_ends(*link, true);
        link = links_.erase(link);
      } else {
        ++link;
      }
    }
  }
  wake();
}

std::vector<Haze> Relay::hazes() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return hazes_;
}

void Relay::close_ends(Link& link, bool reset) {
  for (int& end : link.ends) {
    if (end < 0) continue;
    const linger now{1, 0};
    if (reset) setsockopt(end, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    close(std::exchange(end, -1));
  }
}

bool Relay::silent(const Link& link) const {
  return now() < doors_[static_cast<std::size_t>(link.door)].silent_until;
}

void Relay::run() {
  while (!over_) step();
}

void Relay::step() {
  std::vector<pollfd> fds{{waker_, POLLIN, 0}};
  Time next = now() + 50 * kMillisecond;
  std::uint64_t changes = 0;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    changes = changes_;
    for (const Door& door : doors_) fds.push_back({door.listener, POLLIN, 0});
    for (const Link& link : links_) {
      const bool quiet = silent(link);
      if (quiet) next = std::min(next, doors_[static_cast<std::size_t>(link.door)].silent_until);
      for (int from : {0, 1}) {
        const Way &own = link.ways[from], &other = link.ways[1 - from];
        short events = 0;
        // Of a client whose server is lost only its end matters.
        if (link.ends[1] < 0)
          events = POLLRDHUP;
        else if (!own.ended && own.chunks.size() < kMostWaiting)
          events = POLLIN;
        if (!other.chunks.empty()) {
          if (other.chunks.front().due <= now())
            events |= POLLOUT;
          else
            next = std::min(next, other.chunks.front().due);
        }
        fds.push_back({quiet ? -1 : link.ends[from], events, 0});
      }
    }
  }
  const Time left = std::max<Time>(0, next - now());
  poll(fds.data(), fds.size(), static_cast<int>((left + kMillisecond - 1) / kMillisecond));
  const std::lock_guard<std::mutex> lock(mutex_);
  if (fds[0].revents != 0) {
    std::uint64_t count = 0;
    if (read(waker_, &count, sizeof count) < 0) return;
  }
  if (changes != changes_) return;
  std::size_t at = 1 + doors_.size();
  for (auto link = links_.begin(); link != links_.end(); at += 2) {
    const short events[2] = {fds[at].revents, fds[at + 1].revents};
    if (forward(*link, events)) {
      ++link;
    } else {
      if (link->ends[1] < 0 && link->haze < hazes_.size()) hazes_[link->haze].until = now();
      close_ends(*link, false);
      link = links_.erase(link);
    }
  }
  for (std::size_t door = 0; door < doors_.size(); door++)
    if (fds[1 + door].revents != 0) admit(static_cast<int>(door));
}

void Relay::admit(int door) {
  const Door& here = doors_[static_cast<std::size_t>(door)];
  const int client = accept4(here.listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (client < 0) return;
  const int on = 1;
  setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  const int server = connect_to(here.target);
  if (server < 0) {
    close(client);
    return;
  }
  Link link;
  link.door = door;
  link.ends[0] = client;
  link.ends[1] = server;
  links_.push_back(std::move(link));
}

bool Relay::forward(Link& link, const short* events) {
  if (link.ends[1] < 0) return (events[0] & (POLLRDHUP | POLLHUP | POLLERR)) == 0;
  if (silent(link)) return true;
  for (int from : {0, 1}) {
    if (!link.ways[from].ended && (events[from] & (POLLIN | POLLHUP | POLLERR)) != 0)
      receive(link, from);
  }
  for (int from : {0, 1}) {
    if (!deliver(link, from)) return false;
    // One end is over, and the other one has been told everything.
    if (link.ways[from].ended && link.ways[from].chunks.empty()) return false;
  }
  return true;
}

void Relay::receive(Link& link, int from) {
  const Door& door = doors_[static_cast<std::size_t>(link.door)];
  Way& way = link.ways[from];
  char data[16384];
  const ssize_t got = recv(link.ends[from], data, sizeof data, 0);
  if (got > 0) {
    Time due = now() + (now() < door.slow_until ? door.delay : 0);
    if (!way.chunks.empty()) due = std::max(due, way.chunks.back().due);
    way.chunks.push_back({due, std::string(data, static_cast<std::size_t>(got))});
  } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
    way.ended = true;
  }
}

bool Relay::deliver(Link& link, int from) {
  Way& way = link.ways[from];
  while (!way.chunks.empty() && way.chunks.front().due <= now()) {
    Chunk& first = way.chunks.front();
    const ssize_t sent =
        send(link.ends[1 - from], first.bytes.data(), first.bytes.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    if (static_cast<std::size_t>(sent) < first.bytes.size()) {
      first.bytes.erase(0, static_cast<std::size_t>(sent));
      return true;
    }
    way.chunks.pop_front();
  }
  return true;
}

}  // namespace numpool_test
