#include "exporter.h"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <fstream>

#include "support/folder.h"

namespace numpool_test {

std::string monitor_role() {
  static const bool made = [] {
    observer().must("DROP ROLE IF EXISTS numpool_watch");
    observer().must("CREATE ROLE numpool_watch LOGIN IN ROLE pg_monitor");
    return true;
  }();
  return made ? "numpool_watch" : "";
}

bool Answer::has_header(const std::string& line) const {
  return head.find("\r\n" + line + "\r\n") != std::string::npos;
}

Client::Client(int port) : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return;
  close(socket_);
  throw TestError("cannot connect to port " + std::to_string(port));
}

Client::~Client() {
  close(socket_);
}

bool Client::send(const std::string& bytes) {
  std::size_t sent = 0;
  while (sent < bytes.size()) {
    const ssize_t count = ::send(socket_, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count < 0) return false;
    sent += static_cast<std::size_t>(count);
  }
  return true;
}

bool Client::closed_within(Milliseconds time) {
  const auto end = Clock::now() + time;
  while (!closed_) {
    const auto left = std::chrono::duration_cast<Milliseconds>(end - Clock::now());
    if (left.count() <= 0) return false;
    pollfd ready{socket_, POLLIN, 0};
    if (poll(&ready, 1, static_cast<int>(left.count())) <= 0) continue;
    char bytes[65536];
    const ssize_t count = recv(socket_, bytes, sizeof bytes, 0);
    if (count > 0) got_.append(bytes, static_cast<std::size_t>(count));
    closed_ = count <= 0;
  }
  return true;
}

std::string Client::read_all(Milliseconds time) {
  Limit limit(time);
  while (!closed_within(limit.left()))
    if (limit.over()) return "";
  return got_;
}

Answer Client::answer(Milliseconds time) {
  const std::string all = read_all(time);
  Answer answer;
  const std::size_t end = all.find("\r\n\r\n");
  if (all.compare(0, 9, "HTTP/1.1 ") != 0 || end == std::string::npos) return answer;
  answer.status = std::atoi(all.c_str() + 9);
  answer.head = all.substr(0, end + 2);
  answer.body = all.substr(end + 4);
  return answer;
}

Listener::Listener() : socket_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in address{};
  socklen_t length = sizeof address;
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* any = reinterpret_cast<sockaddr*>(&address);
  if (bind(socket_, any, length) == 0 && listen(socket_, 8) == 0 &&
      getsockname(socket_, any, &length) == 0) {
    port_ = ntohs(address.sin_port);
    return;
  }
  close(socket_);
  throw TestError("cannot listen");
}

Listener::~Listener() {
  close(socket_);
}

namespace {

Words command(const Words& more) {
  Words all{"build/numpool-exporter"};
  const auto gives = [&](const char* option) {
    for (const std::string& word : more)
      if (word == option) return true;
    return false;
  };
  if (!gives("--listen")) all.insert(all.end(), {"--listen", "127.0.0.1:0"});
  if (!gives("--url")) all.insert(all.end(), {"--url", "user=" + monitor_role()});
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace

Exporter::Exporter(const Words& more) : program_(command(more)) {
  const std::string mark = "listening on http://127.0.0.1:";
  REQUIRE(eventually([&] { return program_.out().find("/\n") != std::string::npos; }));
  const std::string out = program_.out();
  port_ = std::atoi(out.c_str() + out.find(mark) + mark.size());
}

Answer Exporter::get(const std::string& path, const std::string& headers) {
  return raw("GET " + path + " HTTP/1.1\r\nHost: " + host() + "\r\n" + headers + "\r\n");
}

Answer Exporter::raw(const std::string& bytes, Milliseconds time) {
  Client client(port_);
  client.send(bytes);
  return client.answer(time);
}

std::string file_with(const std::string& text, int mode) {
  static const std::string folder = new_folder("exporter");
  static std::atomic<int> count{0};
  const std::string name = folder + "/file." + std::to_string(++count);
  std::ofstream(name) << text;
  chmod(name.c_str(), static_cast<mode_t>(mode));
  return name;
}

}  // namespace numpool_test
