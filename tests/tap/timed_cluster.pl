# Timed leases beside copies of the data: a standby that is promoted, a dump, logical replication of all tables, a clone
# of the database, DROP DATABASE.
use strict;
use warnings;
use Lease qw(lease release renew wait_in_use);
use Pair 'start_pair';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(sleep);

sub token_of { return $_[0]->safe_psql($_[1], q(SELECT string_agg(index || ':' || left(token::text, 8)::int, ' ' ORDER BY index) FROM numpool_leases)); }
sub refused
{
	my ($node, $sql, $state, $what) = @_;
	my (undef, undef, $error) = $node->psql('postgres', "\\set VERBOSITY sqlstate\n$sql");
	like($error, qr/$state/, $what);
}

for my $mode ('sync', 'async')
{
	my ($primary, $standby) = start_pair('timed', $mode, q(CREATE EXTENSION numpool; SELECT numpool_create('p', 3)));
	# In one session, so that little time passes: the second is to last for longer than the wait.
	my (undef, undef, undef, $fence, $index) = split /\n/, $primary->safe_psql('postgres',
		lease('p', 1) . lease('p', 2, '2 s') . lease('p', 3, '100 ms') . renew(1) . q(SELECT numpool_acquire('p')));
	is($index, 2, "$mode: a session has what had been a token's");
	$primary->wait_for_catchup($standby);
	# A standby shows nothing and does nothing.
	is($standby->safe_psql('postgres', q(SELECT count(*) FROM numpool_leases)), 0, "$mode: a standby shows no lease");
	is($standby->safe_psql('postgres', q(SELECT timed IS NULL AND expired IS NULL FROM numpool_pools)), 't', "$mode: and no count");
	refused($standby, $_, '25006', "$mode: 25006 on a standby")
	  for lease('p', 1), renew(1), release(1), q(SELECT numpool_keep('p', 0, '1 h'));
	$primary->stop('immediate');
	$standby->promote;
	is(token_of($standby, 'postgres'), '0:1 1:2 2:3', "$mode: promoted, all are there again");
	cmp_ok($standby->safe_psql('postgres', renew(1)), '>', $fence, "$mode: with a larger fence");
	ok(wait_in_use($standby, 'p', 1), "$mode: the others end in time");
	is(token_of($standby, 'postgres'), '0:1', "$mode: the first goes on");
	is($standby->safe_psql('postgres', release(1)), 't', "$mode: released");
	$standby->safe_psql('postgres', lease('p', 4));
	is($standby->safe_psql('postgres', q(SELECT count(*) FROM numpool_timed)), 1, "$mode: no row is left");
	$standby->stop;
}

my $node = PostgreSQL::Test::Cluster->new('copies');
$node->init(allows_streaming => 'logical');
$node->start;
sub sql { my ($database, @sql) = @_; return $node->safe_psql($database, join ' ', @sql); }
sql('postgres', 'CREATE DATABASE origin');
sql('origin', 'CREATE EXTENSION numpool;', q(SELECT numpool_create('p', 3)));
sql('origin', lease('p', 1), lease('p', 2, '100 ms'));
wait_in_use_of('origin', 1);
sub wait_in_use_of { return $node->poll_query_until($_[0], "SELECT in_use = $_[1] FROM numpool_pools WHERE pool = 'p'"); }

# The clerk is in no database: it is in nobody's way.
is(sql('postgres', q(SELECT count(*) || max(coalesce(datname, ' in none')) FROM pg_stat_activity WHERE backend_type = 'numpool clerk')),
	'1 in none', 'one clerk, in no database');
sql('postgres', 'CREATE DATABASE clone TEMPLATE origin');
is(sql('clone', q(SELECT count(*) FROM numpool_timed)), 2, 'a clone has the rows');
is(token_of($node, 'clone'), '', 'and no lease');
is(sql('clone', renew(1)), '', 'the token is unknown there');
is(sql('clone', lease('p', 1)) =~ /^0 /, 1, 'and can be used there');
is(sql('clone', lease('p', 2)) =~ /^1 /, 1, 'another one, too');
is(token_of($node, 'origin'), '0:1', 'which is another than in the origin');
is(sql('origin', release(1)), 't', 'released there');
is(token_of($node, 'clone'), '0:1 1:2', 'and not here');
$node->stop('immediate');
$node->start;
is(token_of($node, 'clone'), '0:1 1:2', 'after a restart each has its own: the clone');
is(token_of($node, 'origin'), '', 'and the origin none: the release has deleted what was left');
sql('postgres', 'ALTER DATABASE clone RENAME TO renamed');
$node->restart;
is(token_of($node, 'renamed'), '0:1 1:2', 'a new name changes nothing');
sql('origin', lease('p', 5), q(SELECT numpool_resize('p', 4);), lease('p', 6, '1 s'));
sql('postgres', 'DROP DATABASE origin');
is(sql('postgres', q(SELECT count(*) FROM pg_database WHERE datname = 'origin')), 0, 'DROP DATABASE beside the clerk');
sleep 1.5;
is(token_of($node, 'renamed'), '0:1 1:2', 'the clerk goes on');
sql('renamed', release(2), lease('p', 2, '300 ms'));
ok(wait_in_use_of('renamed', 1), 'and ends what is over');
sql('renamed', q(SELECT numpool_drop('p', true)));
is(sql('renamed', q(SELECT count(*) FROM numpool_timed)), 0, 'with the pool the rows go, the origin\'s too');

# DROP EXTENSION with leases, places and an open transaction beside it.
sql('renamed', q(SELECT numpool_create('p', 1);), lease('p', 1), lease('p', 2));
sql('renamed', 'DROP EXTENSION numpool; CREATE EXTENSION numpool;', q(SELECT numpool_create('p', 1);));
is(sql('renamed', renew(1)), '', 'with the extension the leases are gone');
is(sql('renamed', lease('p', 1)) =~ /^0 /, 1, 'and another may have the number');

# A dump has the pools and no lease.
$node->command_ok([ 'pg_dump', '-Fc', '-f', $node->basedir . '/dump', $node->connstr('renamed') ], 'dumped');
sql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('restored'), $node->basedir . '/dump' ], 'restored');
is(sql('restored', q(SELECT count(*) FROM numpool_timed)), 0, 'without rows');
is(sql('restored', lease('p', 1)) =~ /^0 /, 1, 'the number is free there');
is(sql('renamed', q(SELECT timed FROM numpool_pools)), 1, 'and leased here');

# FOR ALL TABLES: rows come along and are skipped, and the subscription goes on.
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init;
$subscriber->start;
$subscriber->safe_psql('postgres', 'CREATE EXTENSION numpool; CREATE TABLE t (i int PRIMARY KEY)');
sql('renamed', 'CREATE TABLE t (i int PRIMARY KEY); CREATE PUBLICATION everything FOR ALL TABLES');
my $from = 'port=' . $node->port . ' host=' . $node->host . ' dbname=renamed';
$subscriber->safe_psql('postgres',
	"CREATE SUBSCRIPTION everything CONNECTION '$from' PUBLICATION everything WITH (copy_data = off)");
$subscriber->wait_for_subscription_sync($node, 'everything');
sql('renamed', q(SELECT numpool_create('r', 2);), lease('r', 7), lease('r', 8), release(7), release(1), 'INSERT INTO t VALUES (1)');
$node->wait_for_catchup('everything');
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM t'), 1, 'a subscription to all tables goes on');
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM numpool_timed'), 0, 'and brings no lease');
is($subscriber->safe_psql('postgres', lease('r', 8)) =~ /^0 /, 1, 'the pool that it has brought is free');
sql('renamed', release(8), q(SELECT numpool_drop('r');), 'INSERT INTO t VALUES (2)');
$node->wait_for_catchup('everything');
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM t'), 2, 'a DELETE of what is not there is skipped');
is($subscriber->safe_psql('postgres', 'SELECT count(*) FROM numpool_timed'), 0, 'a replicated drop of the pool takes the rows with it');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION everything');
unlike(slurp_file($_->logfile), qr/signal 11|signal 6|PANIC/, 'nothing has crashed') for $node, $subscriber;
$_->stop for $subscriber, $node;
done_testing();
