# The arena at its default size: what it holds together, also after heavy use has left holes in it;
# and what still works when it is full.
use strict;
use warnings;
use Fill 'fill_with_tickets';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Session 'open_session';
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', 'numpool.max_tickets_per_session = 1000000');
$node->start;
$node->safe_psql('postgres', q(CREATE EXTENSION numpool));

sub session { return open_session($node) }

# A session of its own; its leases end with it.
sub alone { return $node->safe_psql('postgres', shift) }

my $full = session();
$full->query_safe(q(SELECT numpool_create('full', 65536), numpool_create('queue', 1)));

sub takes_full_pool
{
	my ($when) = @_;
	is($full->query_safe(q(SELECT count(numpool_acquire('full', '0')) FROM generate_series(1, 65536))),
		65536, "a full pool of 65,536 has room $when");
	$full->query_safe(q(SELECT count(numpool_release('full', i)) FROM generate_series(0, 65535) AS i));
}

# 30,000 pools, more than are live at a time, each used once.
alone(q(SELECT count(numpool_create('many ' || n, 1)) FROM generate_series(1, 30000) AS n));
for my $from (0, 10000, 20000)
{
	alone(qq(SELECT count(numpool_acquire('many ' || n)) FROM generate_series($from + 1, $from + 10000) AS n));
}
takes_full_pool('after many small pools');

# 100,000 tickets; nine of ten leave, and as many come again.
my $crowd = session();
my $enqueue = q(SELECT count(ticket) FROM (SELECT (numpool_enqueue('queue')).ticket FROM generate_series(1, %d) OFFSET 0) AS t);
$full->query_safe(q(SELECT numpool_acquire('queue')));
is($crowd->query_safe(sprintf($enqueue, 100000)), 100000, '100,000 tickets');
is($crowd->query_safe(q(SELECT count(*) FROM numpool_waiters AS w, LATERAL numpool_cancel(w.ticket) AS c WHERE w.position % 10 <> 0 AND c)),
	90000, 'nine of ten leave');
takes_full_pool('between the tickets that stay');
is($crowd->query_safe(sprintf($enqueue, 90000)), 90000, 'and come again');
is($full->query_safe(q(SELECT numpool_acquire('queue', '0') IS NULL)), 't', 'none of them in vain');
is($full->query_safe(q(SELECT count(numpool_acquire('full', '0')) FROM generate_series(1, 65536))),
	65536, 'a full pool and 100,000 tickets have room together');

# Nothing can be evicted now. More tickets fill what is left.
my $fill = fill_with_tickets('queue');
my $last = session();
$last->query_safe($fill);
my ($status, $out, $err) = $node->psql('postgres', "\\set VERBOSITY sqlstate\nSELECT numpool_enqueue('queue')");
like($err, qr/53200/, 'full');

is(alone(q(UPDATE numpool_definitions SET metadata = '{}' WHERE name LIKE 'many %' RETURNING 1)) =~ tr/1//,
	30000, 'metadata of pools that are not loaded can be changed in a full arena');
is(alone(q(SELECT numpool_drop('many 1'))), 't', 'a pool that is not loaded can be dropped in a full arena');
is(alone(q(WITH gone AS (DELETE FROM numpool_definitions WHERE name IN (SELECT 'many ' || n FROM generate_series(2, 5000) AS n) RETURNING 1)
	SELECT count(*) FROM gone)), 4999, 'and so can thousands');
is($full->query_safe(q(SELECT numpool_release('queue', 0))), 't', 'what is held can be released');
is(alone(q(SELECT in_use FROM numpool_pools WHERE pool = 'queue')), 1, 'and is handed on');
$last->quit;
$crowd->quit;
$full->quit;
ok($node->poll_query_until('postgres', q(SELECT count(*) = 0 FROM numpool_leases)), 'nothing is left');

# What the manual says the default holds of one kind.
my $takes_each = q(DO $$
	DECLARE n int := 0;
	BEGIN
		LOOP
			PERFORM numpool_acquire('%1$s ' || n + 1);
			n := n + 1;
		END LOOP;
	EXCEPTION WHEN out_of_memory THEN
		RAISE NOTICE 'taken: %%', n;
	END $$);
sub how_many_can_be_taken
{
	my ($prefix) = @_;
	my ($status, $out, $err) = $node->psql('postgres', sprintf($takes_each, $prefix));
	my ($count) = $err =~ /taken: (\d+)/;
	return $count;
}
alone(q(SELECT count(numpool_create('big ' || n, 65536)) FROM generate_series(1, 12) AS n));
alone(q(SELECT count(numpool_create('small ' || n, 1)) FROM generate_series(1, 20000) AS n));
is(how_many_can_be_taken('big'), 9, 'nine full pools at a time');
cmp_ok(how_many_can_be_taken('small'), '>=', 11000, '11,000 small pools at a time');
my $first = session();
$first->query_safe(q(SELECT numpool_acquire('queue')));
my $tickets = session();
$tickets->query_safe($fill);
my $waiting = alone(q(SELECT waiting FROM numpool_pools WHERE pool = 'queue'));
cmp_ok($waiting, '>=', 260000, '260,000 tickets at a time');

# All but every 512th leave. What stays lies scattered, and keeps little from pools.
$tickets->query_safe(q(SELECT count(numpool_cancel(ticket)) FROM numpool_waiters WHERE position % 512 <> 0));
cmp_ok(alone(q(SELECT waiting FROM numpool_pools WHERE pool = 'queue')), '<', $waiting / 500, 'few tickets stay');
is(how_many_can_be_taken('big'), 9, 'between scattered tickets there is room for nine full pools');
$_->quit for $tickets, $first;

$node->stop;
done_testing();
