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

# Owners and users go by the names that they have now, though the row has others, and only those that are there.
$node->safe_psql('postgres', qq($path CREATE ROLE ann; CREATE ROLE bob; CREATE ROLE gone; CREATE ROLE "Odd, role";
	SELECT numpool_grant('a', 'bob'), numpool_grant('a', 'gone'), numpool_grant('a', 'Odd, role'), numpool_set_owner('a', 'ann');
	SELECT numpool_create('lost', 1), numpool_revoke('lost', 'public'), numpool_grant('lost', 'gone'), numpool_set_owner('lost', 'gone');
	DROP ROLE gone; CREATE ROLE gone; ALTER ROLE ann RENAME TO eve; ALTER ROLE bob RENAME TO bert; CREATE ROLE ann; CREATE ROLE bob));
$pools = $node->safe_psql('postgres', "$path $look");

# Where both sequences are: a copy that began anew would give identities and fences twice.
my $sequences = q(SELECT (SELECT last_value FROM numpool_identity_seq) || ' ' || (SELECT last_value FROM numpool_fence_seq));
my $positions = $node->safe_psql('postgres', "$path $sequences");

my $roles = q(SELECT string_agg(concat_ws(' ', name, owner, owner_oid::regrole, users, user_oids::regrole[]), '; ' ORDER BY name) FROM numpool_definitions WHERE name IN ('a', 'lost'));
my $plain;
my $wanted = 'a eve eve {public,bert,"Odd, role"} {-,bert,"\"Odd, role\""}; lost {} {}';

for my $format ('plain', 'custom', 'inserts')
{
	my $file = PostgreSQL::Test::Utils::tempdir() . "/dump_$format";
	$plain = $file if $format eq 'plain';
	my @connection = ('-h', $node->host, '-p', $node->port);
	command_ok(['pg_dump', @connection, $format eq 'inserts' ? '--inserts' : "--format=$format", '-f', $file, 'postgres'], "$format: dumped");
	$node->safe_psql('postgres', "CREATE DATABASE restored_$format TEMPLATE template0");
	command_ok($format ne 'custom'
		? ['psql', @connection, '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $file, "restored_$format"]
		: ['pg_restore', @connection, '--exit-on-error', '-d', "restored_$format", $file], "$format: restored");
	is($node->safe_psql("restored_$format", "$path $look"), $pools, "$format: the pools are there");
	is($node->safe_psql("restored_$format", "$path $roles"), $wanted, "$format: owners and users are those of now");
	is($node->safe_psql("restored_$format", "$path $sequences"), $positions, "$format: both sequences go on from where they were");
	is($node->safe_psql("restored_$format", "$path SELECT string_agg(tgenabled::text, '') FROM pg_trigger WHERE NOT tgisinternal"),
		'AAAAA', "$format: the triggers are ENABLE ALWAYS");
	is($node->safe_psql("restored_$format", "$path SELECT sum(in_use) FROM numpool_pools"), 0, "$format: no lease came along");
	cmp_ok($node->safe_psql("restored_$format", "$path $fence"), '>', $before, "$format: the fence has grown");
	is($node->safe_psql("restored_$format", qq($path SELECT numpool_create('new', 1))), 't', "$format: a new pool can be made");
}

# Where the roles have other OIDs, and one is missing, which the extension's owner stands in for.
my $other = PostgreSQL::Test::Cluster->new('other');
$other->init;
$other->start;
$other->safe_psql('postgres', 'CREATE ROLE filler; CREATE ROLE bert; CREATE ROLE ann; CREATE DATABASE restored TEMPLATE template0');
my ($out, $warnings) = run_command(['psql', '-h', $other->host, '-p', $other->port, '-X', '-q', '-v', 'ON_ERROR_STOP=1',
	'-f', $plain, 'restored']);
like($warnings, qr/WARNING:  role "eve" does not exist/, 'a missing owner is told of');
is($other->safe_psql('restored', "$path $roles"), 'a {public,bert} {-,bert}; lost {} {}', 'roles of other OIDs; the missing ones have nothing');
is($other->safe_psql('restored', q(SELECT owner = current_user FROM "odd Schema".numpool_pools WHERE pool = 'a')), 't', 'the owner of the extension stands in');
$other->stop;

# The schema may be renamed under sessions, and the indexes made anew.
my $session = open_session($node);
$session->query_safe(qq($path SELECT numpool_release_all()));
$node->safe_psql('postgres', qq($path REINDEX TABLE CONCURRENTLY numpool_definitions; ALTER SCHEMA "odd Schema" RENAME TO "odder; schema"));
is($session->query_safe(q(SET search_path = "odder; schema"; SELECT numpool_create('later', 1), numpool_acquire('later'), numpool_resize('a', 4))),
	't|0|3', 'a renamed schema and new indexes');
$session->quit;
$node->stop;
done_testing();
