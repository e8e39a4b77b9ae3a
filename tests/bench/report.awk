# Makes the tables of tests/bench/run from lines "GROUP <tab> SYSTEM <tab> PAIRS PER SECOND", a line a
# short run, in the order in which they ran.

{ key = $1 SUBSEP $2; value[key, ++count[key]] = $3 }

function sort_values(key, sorted,    i, j, v) {
  for (i = 1; i <= count[key]; i++) {
    v = value[key, i]
    for (j = i - 1; j >= 1 && sorted[j] > v; j--) sorted[j + 1] = sorted[j]
    sorted[j + 1] = v
  }
}
function median(group, what,    key, sorted, n) {
  key = group SUBSEP what
  n = count[key]
  if (n == 0) return 0
  sort_values(key, sorted)
  return n % 2 ? sorted[(n + 1) / 2] : (sorted[n / 2] + sorted[n / 2 + 1]) / 2
}
function spread(group, what,    key, sorted) {
  key = group SUBSEP what
  sort_values(key, sorted)
  return sorted[1] ".." sorted[count[key]]
}
function ratio(a, b) { return b > 0 ? sprintf("%.2f", a / b) : "-" }
function verdict(ok) { return ok ? "met" : "MISSED" }

# NUMBERS: the size of the pool. Prints nothing for what was not measured.
function row(group, numbers, clients, what, name,    floor, own, peer, aim, factor) {
  if (median(group, what) == 0) return
  floor = median(group, "floor")
  own = median(group, what)
  peer = median(group, "row_bitmap")
  aim = ""
  if (what == "numpool") {
    aim = numbers == 64 ? sprintf("%s 0.9 of the floor, ", verdict(own >= 0.9 * floor)) : ""
    factor = numbers == 64 ? 20 : 10
    aim = aim sprintf("%s %d x row-bitmap", verdict(own >= factor * peer), factor)
  }
  printf "%-7s %7d  %-22s %8.0f  %-17s %7s %9s  %s\n", clients, numbers, name, own, \
    spread(group, what), ratio(own, floor), ratio(own, peer), aim
}

# The change over the whole time of numpool/floor, by a least squares line, as a share of its mean.
function slope(group, what, base,    i, n, x, y, sx, sy, sxx, sxy) {
  n = count[group, what]
  for (i = 1; i <= n; i++) {
    x = n > 1 ? (i - 1) / (n - 1) : 0
    y = value[group, what, i]
    if (base != "") y /= value[group, base, i]
    sx += x; sy += y; sxx += x * x; sxy += x * y
  }
  return (n * sxy - sx * sy) / (n * sxx - sx * sx) / (sy / n)
}
function growth(group, text,    w, wo) {
  w = median(group, "with")
  wo = median(group, "without")
  printf "%-58s %8.0f against %8.0f pairs/s: %s, %s 0.9\n", text, w, wo, ratio(w, wo), \
    verdict(w >= 0.9 * wo)
}

function latency(text, group, what, peer_group, peer, limit,    name, p50, peer50) {
  p50 = median(group " p50", what)
  peer50 = median(peer_group " p50", peer)
  printf "%-44s %8.0f %8.0f  %s\n", text, p50, median(group " p99", what), \
    limit == "" ? "" : sprintf("%s of the above, %s %s", ratio(p50, peer50), \
                               verdict(p50 <= limit * peer50), limit)
}

END {
  print ""
  print "clients numbers  pairs of               median  spread            x floor x row-bit  aim"
  split("bound 1 8 32", clients, " ")
  for (i = 1; i <= 4; i++) {
    group = "free " clients[i]
    row(group, 64, clients[i], "floor", "two SELECT 1 (floor)")
    row(group, 64, clients[i], "numpool", "numpool")
    row(group, 64, clients[i], "advisory_try", "advisory lock, try")
    row(group, 64, clients[i], "row_bitmap", "row-bitmap")
  }
  for (i = 2; i <= 4; i++) {
    group = "scarce " clients[i]
    row(group, 4, clients[i], "floor", "two SELECT 1 (floor)")
    row(group, 4, clients[i], "numpool", "numpool")
    row(group, 4, clients[i], "advisory_wait", "advisory lock, wait")
    row(group, 4, clients[i], "row_bitmap", "row-bitmap")
  }
  print ""
  print "bound: one client, it and the server on one core. numpool and the row-bitmap take any number of"
  print "the pool; with advisory locks each client names its key (client modulo 4 when it waits). A"
  print "row-bitmap client that finds none asks again after 0.5 ms, which costs less than LISTEN would."
  print ""
  growth("nearly full", "pool of 65,536, all but one taken, against a pool of 64:")
  growth("tickets", "100,000 tickets queued in another pool, against none:")
  change = slope("snapshot", "numpool", "floor")
  printf "while a session holds a snapshot, 8 clients, numpool / floor over time: %+.1f %%, %s 5 %%\n", \
    100 * change, verdict(change > -0.05 && change < 0.05)
  printf "the row-bitmap meanwhile: %.0f pairs/s first, %.0f last\n", \
    value["snapshot", "row_bitmap", 1], value["snapshot", "row_bitmap", count["snapshot", "row_bitmap"]]
  if (median("hand-off p50", "advisory") == 0) exit
  print ""
  print "from giving up to having, microseconds            p50      p99  aim"
  latency("advisory lock, to a sleeping session", "hand-off", "advisory")
  latency("number, to a sleeping session", "hand-off", "blocking", "hand-off", "advisory", 1.2)
  latency("NOTIFY, synchronous_commit on", "hand-off", "notify on")
  latency("NOTIFY, synchronous_commit off", "hand-off", "notify off")
  latency("number, to a ticket", "hand-off", "ticket", "hand-off", "notify off", 1.3)
  latency("NOTIFY (off) with " idle " idle ticket sessions", "idle", "notify off")
  latency("number, to a ticket, with them", "idle", "ticket")
  p50 = median("hand-off p50", "ticket")
  idle50 = median("idle p50", "ticket")
  printf "  with them against without: %s, %s 1.2\n", ratio(idle50, p50), verdict(idle50 <= 1.2 * p50)
  latency("holder killed by SIGKILL, to the next", "death", "holder")
  latency("holder asleep in another queue killed", "death", "blocked")
  worst = median("death p99", "holder")
  if (median("death p99", "blocked") > worst) worst = median("death p99", "blocked")
  printf "  p99 of a death: %.1f ms, %s 50 ms\n", worst / 1000, verdict(worst <= 50000)
  queue_short = median("queue", "short")
  queue_long = median("queue", "long")
  printf "enqueue and cancel behind 100 tickets %.1f us, behind 100,000 %.1f us: %s, %s 1.5\n", \
    queue_short, queue_long, ratio(queue_long, queue_short), verdict(queue_long <= 1.5 * queue_short)
}
