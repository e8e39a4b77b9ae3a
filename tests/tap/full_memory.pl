# Changes of definitions where the shared memory is full: they go on, also a subscription's. What a
# pool in use has no memory for, it gets as soon as there is some.
use strict;
use warnings;
use Fill 'fill_with_tickets';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Session 'open_session';
use Test::More;

my $publisher = PostgreSQL::Test::Cluster->new('publisher');
$publisher->init(allows_streaming => 'logical');
$publisher->start;
my $node = PostgreSQL::Test::Cluster->new('full');
$node->init(allows_streaming => 'logical');
$node->append_conf('postgresql.conf', q(numpool.shared_memory_size = '2MB'));
$node->append_conf('postgresql.conf', q(numpool.max_tickets_per_session = 1000000));
$node->start;
$_->safe_psql('postgres', 'CREATE EXTENSION numpool') for $publisher, $node;

# A name of 200 bytes has no room where the old one was.
my $long = 'n' x 190;
$publisher->safe_psql('postgres', q(
	SELECT numpool_create('idle ' || n, 10) FROM generate_series(1, 200) AS n;
	SELECT numpool_create('used ' || n, 16) FROM generate_series(1, 9) AS n;));
$publisher->safe_psql('postgres', 'CREATE PUBLICATION pools FOR TABLE numpool_definitions');
my $from = 'port=' . $publisher->port . ' host=' . $publisher->host . ' dbname=postgres';
$node->safe_psql('postgres', "CREATE SUBSCRIPTION pools CONNECTION '$from' PUBLICATION pools");
$node->wait_for_subscription_sync($publisher, 'pools');
# Of the subscriber alone.
$node->safe_psql('postgres', q(INSERT INTO numpool_definitions (identity, name, size) VALUES (4000000000, 'queue', 1), (4000000001, 'own', 16)));

sub session { return open_session($node, on_error_stop => 0) }
sub ask { return $node->safe_psql('postgres', shift) }
sub state_of
{
	my ($sql) = @_;
	my ($status, $out, $err) = $node->psql('postgres', "\\set VERBOSITY sqlstate\n$sql");
	return $err =~ /ERROR:  (\w{5})/ ? $1 : $out;
}
sub publish
{
	$publisher->safe_psql('postgres', shift);
	$publisher->wait_for_catchup('pools');
}

my $holder = session();
is($holder->query_safe(q(SELECT count(numpool_acquire('used ' || n)) FROM generate_series(1, 9) AS n, generate_series(1, 16))), 144, 'pools in use');
$holder->query_safe(q(SELECT count(numpool_acquire('own')) FROM generate_series(1, 16)));
my $crowd = session();
$holder->query_safe(q(SELECT numpool_acquire('queue')));
my $fill = fill_with_tickets('queue');
# Names and slots are of other sizes of objects than tickets: fill those up, too.
my $pools = session();
$node->safe_psql('postgres', q(INSERT INTO numpool_definitions (identity, name, size) SELECT 4100000000 + n, 'filler ' || n, 64 FROM generate_series(1, 600) AS n;
	INSERT INTO numpool_definitions (identity, name, size) SELECT 4200000000 + n, repeat('f', 150) || n, 1 FROM generate_series(1, 300) AS n));
$crowd->query_safe($fill);
for my $like ('filler %', 'fff%')
{
	$pools->query_safe(qq(DO \$\$ DECLARE pool text; BEGIN
		FOR pool IN SELECT name FROM numpool_definitions WHERE name LIKE '$like' LOOP
			BEGIN PERFORM numpool_acquire(pool); EXCEPTION WHEN out_of_memory THEN EXIT; END;
		END LOOP; END \$\$));
}
$crowd->query_safe($fill);
is(state_of(q(SELECT numpool_enqueue('queue'))), '53200', 'the memory is full of tickets');
is(state_of(q(SELECT numpool_create('large', 1000), numpool_try_acquire('large'))), '53200', 'and a pool that is not small cannot be loaded');

# Pools that are not loaded.
is(ask(q(WITH changed AS (UPDATE numpool_definitions SET size = size + 1000 WHERE name LIKE 'filler %' OR name LIKE 'idle %' RETURNING 1) SELECT count(*) > 500 FROM changed)), 't',
	'sizes of hundreds of pools can be changed');
is(ask(qq(WITH changed AS (UPDATE numpool_definitions SET name = name || '$long' WHERE name LIKE 'idle 1_' RETURNING 1) SELECT count(*) FROM changed)), 10, 'names too');
is(ask(q(SELECT numpool_resize('idle 2', 65536))), 1010, 'to any size');
is(ask(q(SELECT numpool_create('new', 65536))), 't', 'a pool can be made');
is(ask(q(SELECT numpool_drop('new'))), 't', 'and dropped');

# Pools in use.
is(ask(q(SELECT numpool_resize('own', 3))), 16, 'a pool in use can shrink');
is(ask(q(SELECT numpool_resize('own', 16))), 3, 'and grow to what it has memory for');
is(ask(q(SELECT size || ' ' || in_use FROM numpool_pools WHERE pool = 'own')), '16 16', 'it has');
is(state_of(q(SELECT numpool_resize('own', 1000))), '53200', 'who grows it beyond is told');
is(ask(q(SELECT numpool_open('own', 16) IS NULL)), 't', 'and nothing has changed');
is(ask(qq(UPDATE numpool_definitions SET name = '$long own' WHERE name = 'own' RETURNING length(name))), 194, 'it can be renamed');
is(ask(qq(SELECT count(*) FROM numpool_leases WHERE pool = '$long own')), 16, 'and the views know its name');
is($holder->query_safe(qq(SELECT numpool_release('$long own', 15))), 't', 'and its holder');
is(ask(qq(SELECT numpool_acquire('$long own'))), 15, 'and others');
is(ask(qq(UPDATE numpool_definitions SET name = 'own' WHERE name = '$long own' RETURNING name)), 'own', 'and back');
is(ask(q(SELECT count(*) FROM numpool_leases WHERE pool = 'own')), 15, 'which the views know, too');

# A subscription goes on, whatever it brings.
my $log = -s $node->logfile;
publish(q(UPDATE numpool_definitions SET size = 300 WHERE name LIKE 'idle 3_'));
publish(qq(UPDATE numpool_definitions SET name = name || '$long' WHERE name IN ('idle 41', 'used 1')));
publish(q(SELECT numpool_drop('idle 50'), numpool_drop('idle 51')));
publish(q(SELECT numpool_create('from afar', 100)));
publish(q(BEGIN; SELECT numpool_create('made and changed', 100); SELECT numpool_resize('made and changed', 1000); COMMIT));
publish(q(SELECT numpool_resize('used 2', 4), numpool_resize('used 3', 1000), numpool_resize('used 4', 1000)));
is(ask(q(SELECT string_agg(name || ' ' || size, ', ' ORDER BY name) FROM numpool_definitions WHERE name IN ('idle 33', 'from afar', 'made and changed', 'used 2', 'used 3'))),
	'from afar 100, idle 33 300, made and changed 1000, used 2 4, used 3 1000', 'rows of all kinds come through');
unlike(slurp_file($node->logfile, $log), qr/ERROR/, 'without an error');
is(ask(qq(SELECT count(*) FROM numpool_leases WHERE pool = 'used 1$long')), 16, 'a new name reaches the live pool');
is(ask(q(SELECT size || ' ' || in_use FROM numpool_pools WHERE pool = 'used 2')), '4 16', 'so does a smaller size');
is(ask(q(SELECT size || ' ' || in_use FROM numpool_pools WHERE pool = 'used 3')), '16 16', 'a larger one waits for memory');
is(state_of(q(SELECT numpool_try_acquire('used 3'))), '53200', 'and who wants a number of it is told so');
is($holder->query_safe(q(SELECT numpool_release('used 3', 7))), 't', 'what is held can be released');
is(ask(q(SELECT numpool_try_acquire('used 3'))), 7, 'and be had');

# Memory is there again: the next who comes finds all numbers, after who has waited.
my $sleeper = session();
$holder->query_safe(q(SELECT numpool_acquire('used 3')));
$sleeper->send_lines("SELECT 'got ' || numpool_acquire('used 5');\n");
ok($node->poll_query_until('postgres', q(SELECT waiting = 1 FROM numpool_pools WHERE pool = 'used 5')), 'a session waits');
publish(q(SELECT numpool_resize('used 5', 1000)));
is(ask(q(SELECT waiting FROM numpool_pools WHERE pool = 'used 5')), 1, 'a growth that has no memory leaves it waiting');
$crowd->query_safe(q(SELECT numpool_release_all()));
is(ask(q(SELECT numpool_try_acquire('used 5'))), 17, 'with memory the next arrival has a number');
like($sleeper->query_safe('SELECT 1'), qr/^got 16$/m, 'and the session that waited the one before');
is(ask(q(SELECT size || ' ' || in_use FROM numpool_pools WHERE pool = 'used 5')), '1000 17', 'the pool has its size');
is(ask(q(SELECT numpool_try_acquire('used 4'))), 16, 'so has another');
is(ask(q(SELECT numpool_try_acquire('made and changed'))), 0, 'and one that came while memory was full');
is(ask(q(SELECT size FROM numpool_pools WHERE pool = 'made and changed')), 1000, 'at its newest size');
is(ask(q(SELECT numpool_resize('own', 1000))), 16, 'who wants to grow a pool in use can do so');

# A pool that is loaded by others while its change is not committed follows it at COMMIT.
$node->restart;
$holder->{run}->kill_kill;
my ($changer, $one, $two) = (session(), session(), session());
is($changer->query_safe(q(BEGIN; SELECT numpool_resize('own', 1))), 1000, 'a size is changed, and not committed');
is($one->query_safe(q(SELECT count(numpool_acquire('own')) FROM generate_series(1, 1000))), 1000, 'another loads the pool as it was');
$changer->query_safe('COMMIT');
is(ask(q(SELECT size || ' ' || in_use FROM numpool_pools WHERE pool = 'own')), '1 1000', 'COMMIT reaches it');
$one->query_safe(q(SELECT numpool_release_all()));
$node->restart;
$_->{run}->kill_kill for $changer, $one, $two, $pools, $crowd, $sleeper;
($changer, $one, $two) = (session(), session(), session());
$changer->query_safe(q(BEGIN; SELECT numpool_resize('own', 1000)));
is($one->query_safe(q(SELECT numpool_acquire('own'))), 0, 'the same for a growth');
$two->send_lines("SELECT 'got ' || numpool_acquire('own');\n");
ok($node->poll_query_until('postgres', q(SELECT waiting = 1 FROM numpool_pools WHERE pool = 'own')), 'for which a session waits');
$changer->query_safe('COMMIT');
like($two->query_safe('SELECT 1'), qr/^got 1$/m, 'and is served at COMMIT');
$_->quit for $changer, $one, $two;
$node->safe_psql('postgres', 'DROP SUBSCRIPTION pools');
$_->stop for $node, $publisher;
done_testing();
