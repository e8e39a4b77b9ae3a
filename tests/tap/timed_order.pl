# After a crash, of several rows of one token the one of the lease that it had last counts, also if
# that lease's own fence is the smaller one.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Session 'open_session';
use Test::More;

my $token = '00000000-0000-4000-8000-000000000001';

my $node = PostgreSQL::Test::Cluster->new('order');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION numpool');
$node->safe_psql('postgres', q(SELECT numpool_create('early', 1), numpool_create('late', 1)));

# A session has a number before the token has one of another pool. That one ends by time, and
# leaves its row, since nobody writes a row of that pool any more.
my $psql = open_session($node);
my $kept = $psql->query_safe(
	q(SELECT numpool_fence('late', i) FROM numpool_acquire('late') AS i));
my $over = $node->safe_psql('postgres',
	qq(SELECT fence FROM numpool_lease('early', '100 ms', '$token')));
cmp_ok($over, '>', $kept, 'the lease that ends is the newer one');
ok($node->poll_query_until('postgres', q(SELECT timed = 0 FROM numpool_pools WHERE pool = 'early')),
	'it ends by time');

# Then the token gets the number of the session.
is( $psql->query_safe(
		qq(SELECT fence FROM numpool_keep('late', 0, '10 min', '$token'))),
	$kept,
	'the lease that is kept has its own fence');
is( $node->safe_psql('postgres', q(SELECT count(*) FROM numpool_timed)), '2', 'both have a row');

$psql->{run}->kill_kill;
$node->stop('immediate');
$node->start;
is( $node->safe_psql('postgres',
		q(SELECT pool || ' ' || index FROM numpool_leases WHERE scope = 'timed')),
	'late 0',
	'after a crash the token has what it had');
is($node->safe_psql('postgres', qq(SELECT numpool_release('$token'))), 't', 'and can release it');
is($node->safe_psql('postgres', q(SELECT count(*) FROM numpool_timed)), '1', 'its row goes');

# What had ended left a row: whoever next leases of that pool by token deletes it.
$node->safe_psql('postgres', q(SELECT * FROM numpool_lease('early', '10 min', gen_random_uuid())));
is( $node->safe_psql(
		'postgres',
		q(SELECT count(*) FROM numpool_timed
		  WHERE identity = (SELECT identity FROM numpool_definitions WHERE name = 'early'))),
	'1',
	'what had ended has no row any more');

$node->stop;
done_testing();
