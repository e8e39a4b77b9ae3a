#include "backend/settings_json.h"

#include "core/slot.h"

namespace numpool {

const char* const kDefaultSettings =
    "{\"policy\": \"lowest\", \"cooldown\": \"0\", \"death_delay\": \"0\", \"max_hold\": null, "
    "\"max_count\": null, \"priority_limit\": 0, \"max_ttl\": \"30 days\", \"ephemeral\": false}";

namespace {

constexpr std::int64_t kSecond = 1000000;
constexpr std::int64_t kDay = std::int64_t{24} * 3600 * kSecond;
constexpr std::int64_t kUsualIdle = 3600 * kSecond;

// A range of durations, in microseconds and in words.
struct Range {
  std::int64_t least;
  std::int64_t most;
  const char* words;
};
constexpr Range kRest = {0, 30 * kDay, "It must be between 0 and 30 days."};
constexpr Range kHold = {kSecond / 10, 3650 * kDay,
                         "It must be between 100 milliseconds and 3650 days."};
constexpr Range kTtl = {kMinTtl, kMaxTtl, "It must be between 100 milliseconds and 30 days."};
constexpr Range kIdle = {kSecond, 30 * kDay, "It must be between 1 second and 30 days."};

// A member of the object.
struct Setting {
  const char* key;
  const JsonbValue& value;
};

[[noreturn]] void report_value(const Setting& setting, const char* detail) {
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("invalid value for the setting \"%s\" of a pool", setting.key),
                  errdetail("%s", detail)));
}

char* text_of(const JsonbValue& value) {
  return pnstrdup(value.val.string.val, static_cast<Size>(value.val.string.len));
}

// Microseconds. NB: it must mean the same in every session. So there is no sign, which
// IntervalStyle has read in more than one way.
std::int64_t duration_of(const Setting& setting, const Range& range) {
  if (setting.value.type != jbvString)
    report_value(setting, "It must be a string that is an interval, as in \"1.5 s\".");
  char* text = text_of(setting.value);
  if (strchr(text, '-') != nullptr) report_value(setting, "It must not be negative.");
  const Interval* interval = DatumGetIntervalP(DirectFunctionCall3(
      interval_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
  if (interval->month != 0)
    report_value(setting, "It must not have months or years, which are not of one length.");
  // 128 bits: it cannot overflow.
  const __int128 microseconds =
      static_cast<__int128>(interval->day) * kDay + static_cast<__int128>(interval->time);
  if (microseconds < range.least || microseconds > range.most) report_value(setting, range.words);
  return static_cast<std::int64_t>(microseconds);
}

std::int32_t int_of(const Setting& setting, long least, long most) {
  char* end = nullptr;
  long number = 0;
  if (setting.value.type == jbvNumeric)
    number = strtol(DatumGetCString(DirectFunctionCall1(
                        numeric_out, NumericGetDatum(setting.value.val.numeric))),
                    &end, 10);
  if (end == nullptr || *end != '\0' || number < least || number > most)
    report_value(setting, psprintf("It must be a whole number between %ld and %ld.", least, most));
  return static_cast<std::int32_t>(number);
}

Policy policy_of(const Setting& setting) {
  const char* text = setting.value.type == jbvString ? text_of(setting.value) : "";
  if (strcmp(text, "lowest") == 0) return Policy::kLowest;
  if (strcmp(text, "longest_free") != 0)
    report_value(setting, "It must be \"lowest\" or \"longest_free\".");
  return Policy::kLongestFree;
}

std::int64_t ephemeral_of(const Setting& setting) {
  if (setting.value.type == jbvBool) return setting.value.val.boolean ? kUsualIdle : 0;
  if (setting.value.type != jbvString)
    report_value(setting, "It must be true, false, or a string that is an interval.");
  return duration_of(setting, kIdle);
}

// How a setting is read; each has its default already.
struct Reader {
  const char* key;
  void (*read)(const Setting& setting, PoolSettings* to);
};
const Reader kReaders[] = {
    {"policy", [](const Setting& s, PoolSettings* to) { to->policy = policy_of(s); }},
    {"cooldown", [](const Setting& s, PoolSettings* to) { to->cooldown = duration_of(s, kRest); }},
    {"death_delay",
     [](const Setting& s, PoolSettings* to) { to->death_delay = duration_of(s, kRest); }},
    {"max_hold", [](const Setting& s, PoolSettings* to) { to->max_hold = duration_of(s, kHold); }},
    {"max_count",
     [](const Setting& s, PoolSettings* to) {
       to->max_count = static_cast<std::uint32_t>(int_of(s, 1, kMaxPoolSize));
     }},
    {"priority_limit",
     [](const Setting& s, PoolSettings* to) { to->priority_limit = int_of(s, -2, 2); }},
    {"max_ttl", [](const Setting& s, PoolSettings* to) { to->max_ttl = duration_of(s, kTtl); }},
    {"ephemeral", [](const Setting& s, PoolSettings* to) { to->ephemeral = ephemeral_of(s); }},
};

void read_setting(const Setting& setting, PoolSettings* settings) {
  for (const Reader& reader : kReaders) {
    if (strcmp(reader.key, setting.key) != 0) continue;
    if (setting.value.type != jbvNull) reader.read(setting, settings);
    return;
  }
  ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                  errmsg("pools have no setting \"%s\"", setting.key)));
}

}  // namespace

PoolSettings settings_of_json(Datum json) {
  PoolSettings settings;
  if (json == 0) return settings;
  Jsonb* object = DatumGetJsonbP(json);
  if (!JB_ROOT_IS_OBJECT(object))
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("settings of a pool must be a JSON object")));
  JsonbIterator* at = JsonbIteratorInit(&object->root);
  JsonbValue value;
  const char* key = "";
  for (;;) {
    const JsonbIteratorToken token = JsonbIteratorNext(&at, &value, true);
    if (token == WJB_DONE) return settings;
    if (token == WJB_KEY) key = text_of(value);
    if (token == WJB_VALUE) read_setting({key, value}, &settings);
  }
}

}  // namespace numpool
