#include "rest.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdlib>

namespace numpool_test {

namespace {

// A switchover is answered when it is over; everything else at once.
constexpr timeval kPatience = {30, 0};

class Socket {
 public:
  Socket() : number_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    setsockopt(number_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience);
    setsockopt(number_, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience);
  }
  ~Socket() { close(number_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  bool connect_to(const std::string& address, int port) const {
    sockaddr_in to = {};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<unsigned short>(port));
    return inet_pton(AF_INET, address.c_str(), &to.sin_addr) == 1 &&
           connect(number_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0;
  }
  bool say(const std::string& text) const {
    return send(number_, text.data(), text.size(), MSG_NOSIGNAL) ==
           static_cast<ssize_t>(text.size());
  }
  std::string all() const {
    std::string text;
    char part[4096];
    for (ssize_t got = 0; (got = recv(number_, part, sizeof part, 0)) > 0;)
      text.append(part, static_cast<std::size_t>(got));
    return text;
  }

 private:
  int number_;
};

}  // namespace

Reply ask(const std::string& address, int port, const std::string& method, const std::string& path,
          const std::string& body) {
  const Socket socket;
  // In HTTP 1.0 the server closes the connection after its answer.
  const bool sent = socket.connect_to(address, port) &&
                    socket.say(method + " " + path + " HTTP/1.0\r\nHost: " + address +
                               "\r\nContent-Type: application/json\r\nContent-Length: " +
                               std::to_string(body.size()) + "\r\n\r\n" + body);
  if (!sent) return {};
  const std::string text = socket.all();
  const std::size_t space = text.find(' '), head = text.find("\r\n\r\n");
  if (space == std::string::npos || head == std::string::npos) return {};
  return {std::atoi(text.c_str() + space + 1), text.substr(head + 4)};
}

}  // namespace numpool_test
