# pg_dump carries pools, in every format, into an empty database; fences grow from where they were.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Session 'open_session';
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
my $fence = q(SELECT numpool_fence('a', i) FROM numpool_acquire('a') AS i);
my $look = q(SELECT string_agg(format('%s %s %s', pool, size, metadata), ', ' ORDER BY pool) FROM numpool_pools);
$node->safe_psql('postgres', 'CREATE SCHEMA "odd Schema"; CREATE EXTENSION numpool SCHEMA "odd Schema"');
my $path = q(SET search_path = "odd Schema", public;);
$node->safe_psql('postgres', qq($path SELECT numpool_create('a', 3, '{"x": [1]}'), numpool_create('it''s "b" %', 65536)));
my $before = $node->safe_psql('postgres', "$path $fence");
my $pools = $node->safe_psql('postgres', "$path $look");

# Where both sequences are: a copy that began anew would give identities and fences twice.
my $sequences = q(SELECT (SELECT last_value FROM numpool_identity_seq) || ' ' || (SELECT last_value FROM numpool_fence_seq));
my $positions = $node->safe_psql('postgres', "$path $sequences");

for my $format ('plain', 'custom')
{
	my $file = PostgreSQL::Test::Utils::tempdir() . "/dump_$format";
	my @connection = ('-h', $node->host, '-p', $node->port);
	command_ok(['pg_dump', @connection, "--format=$format", '-f', $file, 'postgres'], "$format: dumped");
	$node->safe_psql('postgres', "CREATE DATABASE restored_$format TEMPLATE template0");
	command_ok($format eq 'plain'
		? ['psql', @connection, '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $file, "restored_$format"]
		: ['pg_restore', @connection, '--exit-on-error', '-d', "restored_$format", $file], "$format: restored");
	is($node->safe_psql("restored_$format", "$path $look"), $pools, "$format: the pools are there");
	is($node->safe_psql("restored_$format", "$path $sequences"), $positions, "$format: both sequences go on from where they were");
	is($node->safe_psql("restored_$format", "$path SELECT string_agg(tgenabled::text, '') FROM pg_trigger WHERE NOT tgisinternal"),
		'AAAA', "$format: the triggers are ENABLE ALWAYS");
	is($node->safe_psql("restored_$format", "$path SELECT sum(in_use) FROM numpool_pools"), 0, "$format: no lease came along");
	cmp_ok($node->safe_psql("restored_$format", "$path $fence"), '>', $before, "$format: the fence has grown");
	is($node->safe_psql("restored_$format", qq($path SELECT numpool_create('new', 1))), 't', "$format: a new pool can be made");
}

# The schema may be renamed under sessions, and the indexes made anew.
my $session = open_session($node);
$session->query_safe(qq($path SELECT numpool_release_all()));
$node->safe_psql('postgres', qq($path REINDEX TABLE CONCURRENTLY numpool_definitions; ALTER SCHEMA "odd Schema" RENAME TO "odder; schema"));
is($session->query_safe(q(SET search_path = "odder; schema"; SELECT numpool_create('later', 1), numpool_acquire('later'), numpool_resize('a', 4))),
	't|0|3', 'a renamed schema and new indexes');
$session->quit;
$node->stop;
done_testing();
