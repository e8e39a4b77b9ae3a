# The backend's memory and the arena stay flat, however long a session goes on. NUMPOOL_PAIRS says
# how many leases it takes and gives back; `make memory` makes that ten million.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Session 'open_session';
use Test::More;

my $pairs = $ENV{NUMPOOL_PAIRS} || 200_000;
my $slack = 1024 * 1024;    # a leak of 8 bytes a pair is more than that

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q(shared_preload_libraries = 'numpool'));
$node->append_conf('postgresql.conf', q(numpool.shared_memory_size = '1MB'));
$node->append_conf('postgresql.conf', 'numpool.max_tickets_per_session = 1000000');
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION numpool;
SELECT numpool_create('busy', 64), numpool_create('queue', 1);

-- Five leases a round: released, taken back, of the transaction, undone by a savepoint, of a ticket;
-- and a ticket that waits in vain, since another session holds the queue's only number.
CREATE PROCEDURE churn(rounds int) LANGUAGE plpgsql AS $$
DECLARE
  taken int;
  waiter record;
BEGIN
  FOR round IN 1 .. rounds LOOP
    taken := numpool_acquire('busy');
    PERFORM numpool_release('busy', taken);
    taken := numpool_acquire('busy', '1 s');
    PERFORM numpool_release('busy', taken);
    PERFORM numpool_acquire_xact('busy');
    BEGIN
      PERFORM numpool_try_acquire('busy');
      RAISE division_by_zero;
    EXCEPTION WHEN division_by_zero THEN
      NULL;
    END;
    FOR waiter IN SELECT * FROM numpool_enqueue('busy') UNION ALL SELECT * FROM numpool_enqueue('queue') LOOP
      PERFORM numpool_poll(waiter.ticket);
      PERFORM numpool_cancel(waiter.ticket);
    END LOOP;
    IF round % 30 = 0 THEN
      ROLLBACK;
    ELSIF round % 10 = 0 THEN
      COMMIT;
    END IF;
  END LOOP;
END $$;

-- How many tickets fit into the arena.
CREATE FUNCTION room() RETURNS int LANGUAGE plpgsql AS $$
DECLARE
  tickets int := 0;
BEGIN
  LOOP
    PERFORM numpool_enqueue('queue');
    tickets := tickets + 1;
  END LOOP;
EXCEPTION WHEN out_of_memory THEN
  RETURN tickets;
END $$;
});

my $holder = open_session($node);
is($holder->query_safe(q(SELECT numpool_acquire('queue'))), 0, 'another session holds a number');
my $session = open_session($node, timeout => 3600);
my $pid = $session->query_safe('SELECT pg_backend_pid()');

sub resident    # bytes of the backend's own memory, shared memory apart
{
	return 1024 * (slurp_file("/proc/$pid/status") =~ /^RssAnon:\s*(\d+) kB/m)[0];
}

sub contexts
{
	return $session->query_safe(
		q(SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name LIKE 'numpool%'));
}

$session->query_safe('CALL churn(2000)');    # which loads the pools, and lets caches grow
my $room = $session->query_safe('SELECT room()');
cmp_ok($room, '>', 1000, "the arena has room for $room tickets");
my ($resident, $contexts) = (resident(), contexts());
cmp_ok($contexts, '>', 0, 'numpool has memory contexts');
my $rounds = int($pairs / 5);
$session->query_safe("CALL churn($rounds)");
note("$pairs pairs: RssAnon $resident -> ", resident(), ", contexts $contexts -> ", contexts());
cmp_ok(resident(), '<', $resident + $slack, "the backend's memory is flat over $pairs pairs");
is(contexts(), $contexts, "so are numpool's memory contexts");
cmp_ok($session->query_safe('SELECT room()'), '>=', $room, 'and the room in the arena');
is($session->query_safe(q(SELECT string_agg(pool || ' ' || in_use || ' ' || waiting, ', ' ORDER BY pool) FROM numpool_pools)),
	'busy 0 0, queue 1 0', 'nothing is left behind');

# So it does in one transaction of very many subtransactions, each of which changes the same things.
my $blocks = $session->query_safe(q{
CREATE FUNCTION own_contexts() RETURNS bigint LANGUAGE sql AS
  $$SELECT sum(total_bytes)::bigint FROM pg_backend_memory_contexts WHERE name LIKE 'numpool%'$$;
CREATE FUNCTION churn_in_blocks(rounds int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  FOR round IN 1 .. rounds LOOP
    BEGIN
      PERFORM numpool_release('busy', numpool_try_acquire('busy'));
      BEGIN
        PERFORM numpool_release('busy', numpool_acquire('busy'));
        IF round % 3 = 0 THEN RAISE division_by_zero; END IF;
      EXCEPTION WHEN division_by_zero THEN
        NULL;
      END;
      IF round % 1000 = 0 THEN PERFORM numpool_resize('busy', 64 + round % 7); END IF;
    END;
  END LOOP;
END $$;
BEGIN;
SELECT churn_in_blocks(3000);
SELECT own_contexts() AS before \gset
SELECT churn_in_blocks(100000);
SELECT own_contexts() - :before;
COMMIT;
});
is((split /\n/, $blocks)[-1], 0, 'numpool\'s memory contexts are flat over 100,000 exception blocks of one transaction');
is($session->query_safe(q(SELECT in_use FROM numpool_pools WHERE pool = 'busy')), 0, 'and nothing is left behind');
my $given_back = $session->query_safe(q{
SELECT numpool_create('wide', 10000);
BEGIN;
SELECT count(numpool_try_acquire_xact('wide')) FROM generate_series(1, 10000);
SELECT own_contexts() AS during \gset
ROLLBACK;
SELECT :during - own_contexts() > 400000;
});
is((split /\n/, $given_back)[-1], 't', 'a log that was long is given back');
$session->query_safe(q(SELECT numpool_drop('wide')));

# A view of many large pools needs no more than one row of them at a time: 8 kB of bits each.
$session->query_safe(q(SELECT count(numpool_create('large' || i, 65536)) FROM generate_series(1, 4000) AS i));
sub peak { return 1024 * (slurp_file("/proc/$pid/status") =~ /^VmHWM:\s*(\d+) kB/m)[0] }
my $peak = peak();
is($session->query_safe('SELECT count(bitmap) FROM numpool_pools'), 4002, 'the view shows every pool');
note("VmHWM $peak -> ", peak());
cmp_ok(peak(), '<', $peak + 16 * $slack, 'without collecting the rows in memory');
$session->quit;
$holder->quit;
$node->stop;
done_testing();
