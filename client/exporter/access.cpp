#include "access.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "descriptor.hpp"
#include "failure.hpp"

namespace numpool::exporter {
namespace {

using cli::failure;

constexpr std::size_t kMinToken = 16;
constexpr std::size_t kMaxToken = 1024;

std::string token_of(const std::string& name) {
  const cli::descriptor file(open(name.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat about {};
  if (file.get() < 0 || fstat(file.get(), &about) != 0)
    cli::throw_errno("cannot read the token file");
  if ((about.st_mode & (S_IROTH | S_IWOTH)) != 0)
    throw failure(cli::kUsage, "the token file is open to everybody: chmod it to 640 or less");
  char bytes[kMaxToken + 2];
  const ssize_t count = read(file.get(), bytes, sizeof bytes);
  if (count < 0) cli::throw_errno("cannot read the token file");
  std::string token(bytes, static_cast<std::size_t>(count));
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
  const bool visible =
      std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  if (token.size() < kMinToken || token.size() > kMaxToken || !visible)
    throw failure(cli::kUsage,
                  "the token file has one line of 16 to 1024 visible characters of ASCII");
  return token;
}

/// Takes as long for a wrong token as for the right one.
bool same_token(const std::string& given, const std::string& expected) {
  unsigned char differ = given.size() == expected.size() ? 0 : 1;
  for (std::size_t i = 0; i < expected.size(); ++i)
    differ |= static_cast<unsigned char>((i < given.size() ? given[i] : '\0') ^ expected[i]);
  return differ == 0;
}

}  // namespace

access::access(const settings& given, int port)
    : file_(given.token_file), needs_token_(!is_loopback(given.address)) {
  if (!file_.empty()) token_ = token_of(file_);
  std::vector<std::string> names = given.hosts;
  const bool is_v6 = given.address.find(':') != std::string::npos;
  names.push_back(is_v6 ? '[' + given.address + ']' : given.address);
  names.emplace_back("localhost");
  for (const std::string& name : names) {
    hosts_.push_back(lower(name));
    hosts_.push_back(lower(name) + ':' + std::to_string(port));
  }
}

void access::reload() {
  if (!file_.empty()) token_ = token_of(file_);
}

bool access::is_for_us(const http_request& request) const {
  return std::find(hosts_.begin(), hosts_.end(), lower(request.host)) != hosts_.end();
}

access_level access::level_of(const http_request& request) const {
  if (!request.authorization) return needs_token_ ? access_level::refused : access_level::figures;
  constexpr std::size_t kScheme = 7;
  const std::string& given = *request.authorization;
  if (token_.empty() || lower(given.substr(0, kScheme)) != "bearer ") return access_level::refused;
  return same_token(given.substr(kScheme), token_) ? access_level::names : access_level::refused;
}

}  // namespace numpool::exporter
