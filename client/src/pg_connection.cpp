#include "pg_connection.hpp"

#include <cstdio>
#include <new>
#include <random>

namespace numpool::detail {

std::string text_of(const statement& what, const std::string& schema) {
  std::string out;
  for (const char* at = what.sql; *at != '\0'; ++at) {
    if (at[0] == '{' && at[1] == '}') {
      out += schema;
      out += '.';
      ++at;
    } else {
      out += *at;
    }
  }
  return out;
}

namespace {

/// 128 random bits.
std::string new_mark() {
  std::random_device random;
  char text[33];
  for (int i = 0; i < 4; ++i)
    std::snprintf(text + 8 * i, 9, "%08x", static_cast<unsigned>(random() & 0xFFFFFFFFU));
  return text;
}

}  // namespace

connection::connection(const connection_parameters& parameters)
    : mark_(new_mark()),
      handle_(PQconnectStartParams(parameters.keywords(), parameters.values(), 0)) {
  if (!handle_) throw std::bad_alloc();
  // Notices ("extension already exists", a release too late) are no business of stderr. The error
  // by which the server ends an idle session comes as one, too.
  PQsetNoticeReceiver(
      handle_.get(),
      [](void* words, const PGresult* notice) { note(*static_cast<std::string*>(words), notice); },
      last_words_.get());
  // So that a refusal has its SQLSTATE in its text: there is no other way to it.
  PQsetErrorVerbosity(handle_.get(), PQERRORS_VERBOSE);
}

bool connection::note(std::string& last_words, const PGresult* failed) {
  const std::string severity = text(PQresultErrorField(failed, PG_DIAG_SEVERITY_NONLOCALIZED));
  if (severity != "FATAL" && severity != "PANIC") return false;
  last_words = text(PQresultErrorField(failed, PG_DIAG_MESSAGE_PRIMARY));
  return true;
}

connection::progress connection::poll() {
  if (broken()) return progress::failed;
  switch (PQconnectPoll(handle_.get())) {
    case PGRES_POLLING_READING:
      return progress::reading;
    case PGRES_POLLING_WRITING:
      return progress::writing;
    case PGRES_POLLING_OK:
      return progress::done;
    default:
      return progress::failed;
  }
}

void connection::enter_pipeline_mode() {
  PQsetErrorVerbosity(handle_.get(), PQERRORS_DEFAULT);
  if (PQsetnonblocking(handle_.get(), 1) != 0 || PQenterPipelineMode(handle_.get()) != 1)
    throw error(error_kind::cannot_connect, "could not prepare the connection: " + message());
}

bool connection::send(const request& message, const std::string& schema, preparation* preparing) {
  const statement& what = *message.what;
  const int count = message.count;
  const char* const* values = message.values.data();
  const bool is_binary = message.binary[0] != 0;
  const int* lengths = is_binary ? message.lengths.data() : nullptr;
  const int* formats = is_binary ? message.binary.data() : nullptr;
  PGconn* handle = handle_.get();
  bool sent = false;
  const int slot = what.prepared_slot;
  if (slot < 0 || !may_prepare_ || slots_[slot] == slot_state::preparing) {
    // While it is not known whether the statement can be prepared, later uses do without.
    const std::string sql = signature_ + text_of(what, schema);
    sent = PQsendQueryParams(handle, sql.c_str(), count, nullptr, values, lengths, formats, 0) == 1;
  } else {
    const std::string name = "numpool" + std::to_string(text_version_) + "_" + std::to_string(slot);
    sent = true;
    if (slots_[slot] == slot_state::unknown) {
      sent =
          PQsendPrepare(handle, name.c_str(), text_of(what, schema).c_str(), count, nullptr) == 1;
      slots_[slot] = slot_state::preparing;
      *preparing = {slot, text_version_};
    }
    sent =
        sent && PQsendQueryPrepared(handle, name.c_str(), count, values, lengths, formats, 0) == 1;
  }
  if (!sent) return false;
#ifdef LIBPQ_HAS_SEND_PIPELINE_SYNC
  return PQsendPipelineSync(handle) == 1;  // 17 and later: does not write at once
#else
  return PQpipelineSync(handle) == 1;
#endif
}

void connection::prepared(const preparation& which, bool success) {
  if (which.slot < 0 || which.text_version != text_version_) return;
  slots_[which.slot] = success ? slot_state::ready : slot_state::unknown;
}

void connection::forget_prepared() {
  ++text_version_;
  slots_.fill(slot_state::unknown);
}

bool connection::flush(bool* more) {
  const int left = PQflush(handle_.get());
  *more = left == 1;
  return left >= 0;
}

}  // namespace numpool::detail
