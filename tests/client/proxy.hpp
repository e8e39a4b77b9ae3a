#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

/// A wire to the server, at 127.0.0.1 and a port of its own, that tests can cut.
class proxy {
 public:
  /// `target` is a numeric IPv4 address.
  proxy(const std::string& target, int port);
  ~proxy();
  proxy(const proxy&) = delete;
  proxy& operator=(const proxy&) = delete;

  /// The connection string for it.
  std::string conninfo() const;
  int port() const { return port_; }

  /// The next connection is cut once so many bytes have gone one way; those after it are not.
  void cut_next_after(long from_client, long from_server);
  /// Whether that has happened.
  bool has_cut() const { return has_cut_; }

  /// The next session begins with these messages of the server before its own answers, as where a
  /// pooler has them left of another client.
  void begin_next_with(const std::string& messages);

  /// From now on connections are accepted and nothing more.
  void be_mute() { mute_ = true; }

  /// Forwards nothing any more on the connections there are, and keeps them open, as a relay does
  /// that hangs. What comes later is served.
  void go_silent();
  /// Forwards nothing that the server says any more on the connections there are.
  void swallow_answers();
  /// On the connections there are, keeps the end of the server's next answer back, its "ready for
  /// query", until hand_over_ready(). What comes meanwhile goes ahead of it.
  void keep_ready();
  void hand_over_ready();
  /// What the server has said that was forwarded, in bytes.
  long forwarded() const { return forwarded_; }
  /// Closes the server's end of the connections there are, and keeps the client's open, as some
  /// relays do.
  void drop_server_ends();
  /// Keeps the client's end open when the server closes its own, from now on.
  void keep_clients() { keep_clients_ = true; }

  /// As if the host at the far end had vanished: the kernel drops every packet that comes for the
  /// connections there are, so that nothing is acknowledged and no end is told. False if the
  /// kernel does not let us.
  bool vanish();

 private:
  struct link {
    int client;
    int server;  ///< -1: there is none
    bool silent;
    bool swallows;  ///< what comes from the server
    long left[2];   ///< bytes until the cut, from the client and from the server; -1 is for ever
    bool keeps_ready = false;
    std::string kept = {};   ///< "ready for query", kept back
    std::string ahead = {};  ///< goes before the first answer of the session
    bool began = false;      ///< the server is ready for the first statement
    bool deaf() const { return silent || server < 0; }
  };

  void run();
  void accept_one();
  bool forward(link& one, bool from_client);
  static void shut(link& one);
  static void drop_server_end(link& one);

  const std::string target_;
  const int target_port_;
  int listener_;
  int port_ = 0;
  std::atomic<long> forwarded_{0};
  std::atomic<bool> stop_{false}, mute_{false}, has_cut_{false}, keep_clients_{false};
  std::mutex mutex_;  ///< guards the rest
  long next_cut_[2] = {-1, -1};
  std::string next_ahead_;
  std::vector<link> links_;
  std::thread thread_;
};
