# Memory of timed leases and kept places: all of it comes back, and leases that are over keep nobody from leasing.
use strict;
use warnings;
use Lease qw(lease wait_in_use);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Session 'open_session';
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('timed_memory');
$node->init;
$node->append_conf('postgresql.conf', "numpool.shared_memory_size = '1MB'\nshared_preload_libraries = 'numpool'");
$node->start;
sub sql { return $node->safe_psql('postgres', join ' ', @_); }
sub used { return sql('SELECT used FROM numpool_memory'); }
sql('CREATE EXTENSION numpool;', q(SELECT numpool_create('p', 4000), numpool_create('q', 10), numpool_create('one', 1)));

# Every way a lease or a place can go, many times: nothing is left of any.
my $session = open_session($node, on_error_stop => 0);
$session->query_safe(q(SELECT numpool_acquire('one')));
my $all = q(generate_series(1, 200) AS i, LATERAL numpool_lease('%s', '%s'::interval + i * interval '0 s', %s, '0', repeat('x', 1 + i %% 64)));
my $own = q(('20000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid);
sub take { return 'SELECT count(index) FROM ' . sprintf($all, @_) . ';'; }
my $give_back = q(SELECT count(*) FILTER (WHERE numpool_release(token)) FROM numpool_leases WHERE scope = 'timed';);
my $before;
for my $round (0 .. 5)
{
	sql(take('p', '1 h', 'NULL'), $give_back);
	sql('BEGIN;', take('p', '1 h', $own), 'SAVEPOINT s;', take('p', '1 h', 'NULL'), 'ROLLBACK TO s;', $give_back, 'ROLLBACK;');
	sql('BEGIN;', take('p', '1 h', $own), "SELECT count(*) FILTER (WHERE numpool_release($own)) FROM generate_series(1, 200) AS i;", 'COMMIT;');
	sql(take('one', '1 h', $own), "SELECT count(*) FILTER (WHERE numpool_release($own)) FROM generate_series(1, 200) AS i;");
	sql(take('one', '200 ms', $own));
	$node->poll_query_until('postgres', q(SELECT waiting = 0 FROM numpool_pools WHERE pool = 'one'));
	sql(take('p', '200 ms', 'NULL'));
	wait_in_use($node, 'p', 0);
	# Who writes next deletes what they left.
	sql(take('p', '1 h', 'NULL'), $give_back);
	is(sql('SELECT count(*) FROM numpool_timed'), 0, 'no row is left');
	$before //= used();
}
is(used(), $before, 'and no memory, after thousands');
$session->quit;

# The half of the heap fills up with leases; when all are over, they can be leased again, here and elsewhere.
my $script = "\\set VERBOSITY sqlstate\n" . q(SELECT FROM numpool_lease('p', '8 s', NULL, '0', 'x');) x 2000;
my (undef, undef, $error) = $node->psql('postgres', $script, on_error_stop => 0);
like($error, qr/53200/, 'what tokens take is limited');
is(sql(q(SELECT numpool_try_acquire('q'))), 0, 'and leaves room for sessions');
wait_in_use($node, 'p', 0);
my $most = sql('SELECT count(*) FROM numpool_timed');
cmp_ok($most, '>', 1000, 'all are over');
for my $when ('at once', 'after a restart')
{
	like(sql(lease('q', 1, '1 h'), lease('p', 2, '1 h')), qr/^0 \d+\n\d+ \d+$/, "they can be leased again $when");
	sql($give_back);
	$node->restart if $when eq 'at once';
	wait_in_use($node, 'p', 0);
}

# What databases had that were dropped comes back, in whatever order they were made.
sql(q(SELECT numpool_drop('p', true)));
for my $name ('first', 'second')
{
	sql("CREATE DATABASE $name");
	$node->safe_psql($name, q(CREATE EXTENSION numpool; SELECT numpool_create('p', 600);) . take('p', '1 h', 'NULL') x 3);
}
sql("DROP DATABASE $_") for 'first', 'second';
sql(q(SELECT numpool_create('p', 4000)));
my $leased = 0;
$leased += sql(take('p', '1 h', 'NULL')) for 1 .. 6;
is($leased, 1200, 'what dropped databases had can be leased again');

unlike(slurp_file($node->logfile), qr/signal 11|signal 6|PANIC/, 'nothing has crashed');
$node->stop;
done_testing();
