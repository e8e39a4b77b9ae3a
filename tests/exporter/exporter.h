// build/numpool-exporter under test, and what speaks to it as any program on the network might.
#pragma once

#include <string>
#include <vector>

#include "support/program.h"
#include "support/session.h"

namespace numpool_test {

// A role that may monitor, and nothing else.
std::string monitor_role();

// An answer as it came.
struct Answer {
  int status = 0;  // 0: there was none
  std::string head;
  std::string body;

  bool has_header(const std::string& line) const;
};

// A connection of a client that does whatever it likes.
class Client {
 public:
  explicit Client(int port);
  ~Client();
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  // False if the other end does not take it any more.
  bool send(const std::string& bytes);
  // Whether the other end has closed within the time.
  bool closed_within(Milliseconds time);
  // What has come until the other end closed; "" if it has not within the time.
  std::string read_all(Milliseconds time = kDeadline);
  Answer answer(Milliseconds time = kDeadline);

 private:
  int socket_;
  std::string got_;
  bool closed_ = false;
};

class Exporter {
 public:
  // With --listen and --url, unless `more` says otherwise.
  explicit Exporter(const Words& more = {});

  int port() const { return port_; }
  Program& program() { return program_; }
  // `headers` are whole lines.
  Answer get(const std::string& path, const std::string& headers = "");
  Answer raw(const std::string& bytes, Milliseconds time = kDeadline);
  // The Host that it goes by.
  std::string host() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  Program program_;
  int port_ = 0;
};

// A port where connections are made, and nobody says anything.
class Listener {
 public:
  Listener();
  ~Listener();
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  // Once this is gone, one that is free: the system gives another one to whoever asks next.
  int port() const { return port_; }

 private:
  int socket_;
  int port_ = 0;
};

// A file with the text, of that mode, that is removed at the end of the test run.
std::string file_with(const std::string& text, int mode = 0600);

}  // namespace numpool_test
