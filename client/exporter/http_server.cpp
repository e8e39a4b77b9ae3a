#include "http_server.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "failure.hpp"

namespace numpool::exporter {
namespace {

using namespace std::chrono_literals;
using cli::descriptor;
using cli::failure;

// For the whole head, however its bytes drip.
constexpr auto kReadTime = 5s;
// Beyond what the database is given.
constexpr auto kAnswerTime = 8s;
constexpr auto kWriteTime = 10s;
constexpr auto kDrainTime = 1s;
constexpr std::size_t kMaxDrained = 65536;

bool would_block() {
  return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

int port_of(int socket) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  getsockname(socket, reinterpret_cast<sockaddr*>(&address), &length);
  return ntohs(address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6&>(address).sin6_port
                   : reinterpret_cast<const sockaddr_in&>(address).sin_port);
}

descriptor listening_socket(const std::string& address, int port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0)
    throw failure(cli::kUsage, "--listen: \"" + address + "\" is no address");
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, &freeaddrinfo);
  descriptor socket(::socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  if (socket.get() < 0 || setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      bind(socket.get(), found->ai_addr, found->ai_addrlen) != 0 || listen(socket.get(), 64) != 0)
    cli::throw_errno("cannot listen on " + address + " port " + std::to_string(port));
  return socket;
}

}  // namespace

http_server::http_server(const std::string& address, int port, responder respond)
    : respond_(std::move(respond)),
      listener_(listening_socket(address, port)),
      port_(port_of(listener_.get())) {}

void http_server::add_polled(std::vector<pollfd>* polled) const {
  // Who finds no room waits in the listener's backlog.
  if (connections_.size() < kMaxConnections) polled->push_back({listener_.get(), POLLIN, 0});
  for (const connection& client : connections_) {
    const bool writes = client.is == connection::state::writing;
    const bool waits = client.is == connection::state::waiting;
    polled->push_back({client.socket.get(),
                       static_cast<short>(waits    ? 0
                                          : writes ? POLLOUT
                                                   : POLLIN),
                       0});
  }
}

std::optional<steady_time> http_server::next_deadline() const {
  std::optional<steady_time> next;
  for (const connection& client : connections_)
    if (!next || client.deadline < *next) next = client.deadline;
  return next;
}

void http_server::go_on(const std::vector<pollfd>& polled) {
  for (const pollfd& each : polled) {
    if (each.revents == 0) continue;
    if (each.fd == listener_.get()) {
      accept_all();
      continue;
    }
    const auto client =
        std::find_if(connections_.begin(), connections_.end(),
                     [&](const connection& c) { return c.socket.get() == each.fd; });
    if (client != connections_.end() && !go_on(*client)) connections_.erase(client);
  }
  const steady_time time = now();
  for (auto client = connections_.begin(); client != connections_.end();) {
    if (client->deadline <= time && !cut(*client))
      client = connections_.erase(client);
    else
      ++client;
  }
}

void http_server::answer_waiting() {
  for (auto client = connections_.begin(); client != connections_.end();) {
    if (client->is == connection::state::waiting && !try_to_answer(*client))
      client = connections_.erase(client);
    else
      ++client;
  }
}

void http_server::accept_all() {
  while (connections_.size() < kMaxConnections) {
    descriptor socket(accept4(listener_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (socket.get() < 0) return;
    connection& client = connections_.emplace_back();
    client.socket = std::move(socket);
    client.deadline = now() + kReadTime;
  }
}

bool http_server::go_on(connection& client) {
  switch (client.is) {
    case connection::state::reading:
      return read(client);
    case connection::state::waiting:
      return false;  // it has gone: nothing else was asked of poll()
    case connection::state::writing:
      return write(client);
    case connection::state::draining:
      return drain(client);
  }
  return false;
}

bool http_server::read(connection& client) {
  char bytes[4096];
  const ssize_t count = recv(client.socket.get(), bytes, sizeof bytes, 0);
  if (count < 0) return would_block();
  if (count == 0) return false;
  client.in.append(bytes, static_cast<std::size_t>(count));
  http_head head = read_head(client.in);
  if (head.is == http_head::state::incomplete) return true;
  client.in.clear();
  if (head.is == http_head::state::refused) return answer(client, refusal(head.status));
  client.call = {std::move(head.request), now()};
  client.is = connection::state::waiting;
  client.deadline = client.call.came + kAnswerTime;
  return try_to_answer(client);
}

bool http_server::try_to_answer(connection& client) {
  const auto response = respond_(client.call);
  return !response || answer(client, *response);
}

bool http_server::answer(connection& client, const http_response& response) {
  client.out = serialized(response);
  client.is = connection::state::writing;
  client.deadline = now() + kWriteTime;
  return write(client);
}

bool http_server::write(connection& client) {
  while (client.sent < client.out.size()) {
    const ssize_t count = send(client.socket.get(), client.out.data() + client.sent,
                               client.out.size() - client.sent, MSG_NOSIGNAL);
    if (count < 0) return would_block();
    client.sent += static_cast<std::size_t>(count);
  }
  // What has come beyond the head is read, since to close with it unread would reset the
  // connection, and the client might lose the answer.
  shutdown(client.socket.get(), SHUT_WR);
  client.is = connection::state::draining;
  client.deadline = now() + kDrainTime;
  return true;
}

bool http_server::drain(connection& client) {
  char bytes[4096];
  const ssize_t count = recv(client.socket.get(), bytes, sizeof bytes, 0);
  if (count < 0) return would_block();
  client.drained += static_cast<std::size_t>(count);
  return count > 0 && client.drained < kMaxDrained;
}

bool http_server::cut(connection& client) {
  if (client.is == connection::state::reading) return answer(client, refusal(408));
  if (client.is == connection::state::waiting) return answer(client, refusal(503));
  return false;
}

}  // namespace numpool::exporter
