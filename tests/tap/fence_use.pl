# What uses fences up: a draw a start and a number a grant, however often pools are loaded, and by
# whomever.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Session 'open_session';
use Test::More;
use Time::HiRes 'time';

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "numpool.shared_memory_size = '3MB'\nautovacuum = off");
$node->start;
my $drawn = q(SELECT last_value FROM numpool_fence_seq);

# Databases whose pools do not fit together: each acquire evicts another one's.
my @databases = map { "d$_" } 1 .. 5;
$node->safe_psql('postgres', "CREATE DATABASE $_") for @databases;
$node->safe_psql($_, q(CREATE EXTENSION numpool; SELECT numpool_create('p', 40000))) for @databases;
my (%limit, %fence);
for my $round (1 .. 20)
{
	for my $database (@databases)
	{
		my ($fence, $limit) = split /\n/, $node->safe_psql($database,
			"SELECT numpool_fence('p', i) FROM numpool_acquire_xact('p') AS i;\n$drawn");
		$limit{$database} //= $limit;
		is($limit, $limit{$database}, "$database has drawn nothing more") if $round == 20;
		is($fence, $fence{$database} + 1, "$database gives the next fence") if $round == 20;
		$fence{$database} = $fence;
	}
}
is($node->safe_psql('d1', 'SELECT counting_since IS NULL FROM numpool_pools'), 't', 'they do not fit together');

# Joe does nothing but use fences up.
$node->safe_psql('postgres', q(CREATE EXTENSION numpool; SELECT numpool_create('p', 64); CREATE ROLE joe LOGIN));
my $next = q(SELECT numpool_fence('p', i) FROM numpool_acquire_xact('p') AS i);
my $begin = time;
my $first = $node->safe_psql('postgres', $next);
my $last = $node->safe_psql('postgres', "SET ROLE joe;\n" .
	"DO \$\$ BEGIN FOR n IN 1..5000 LOOP PERFORM numpool_acquire_xact('p') FROM generate_series(1, 64); COMMIT; END LOOP; END \$\$;\n$next");
my $seconds = time - $begin;
my $given = 5000 * 64 + 1;
cmp_ok($last - $first, '<=', $given + 1000000 * $seconds, 'they are used up by grants, or go by the clock');
# However many grants a second this machine makes; the rule names a rate.
note sprintf('%.0f grants a second', $given / $seconds);
cmp_ok((2**53 - $last) / 2500000 / 86400 / 365, '>', 100, '2.5 million grants a second last a century');

# Whoever loses what he has drawn, loses it alone: an error, a rollback, a cancel.
$node->restart;
my $before = $node->safe_psql('postgres', $drawn);
$node->safe_psql('postgres', "BEGIN; $next; ROLLBACK");
my $after = $node->safe_psql('postgres', $drawn);
cmp_ok($after, '>', $before, 'a start draws');
$node->psql('postgres', "SET ROLE joe;\nBEGIN; $next; SELECT 1 / 0") for 1 .. 20;
is($node->safe_psql('postgres', $drawn), $after, 'once, though transactions are rolled back');

# As many tickets as there is room for: each has its fence, drawn before it joined.
my $holder = open_session($node);
$holder->query_safe(q(SELECT numpool_create('one', 1), numpool_acquire('one')));
my $crowd = open_session($node);
is($crowd->query_safe(q(SELECT count(t) FROM generate_series(1, 9000) AS n, LATERAL (SELECT numpool_enqueue('one') WHERE n > 0) AS t)),
	9000, 'many wait');
cmp_ok($node->safe_psql('postgres', $drawn) - $after, '>=', 64 * 9000, 'a fence is kept for each');
$holder->quit;
$crowd->query_safe('SELECT numpool_release_all()');
$crowd->quit;
is($node->safe_psql('postgres', q(SELECT grants FROM numpool_pools WHERE pool = 'one')) > 0, 1, 'and is given');
$node->stop;
done_testing();
