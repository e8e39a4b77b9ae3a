# The owner of a database, no superuser, installs the extension, owns its pools, dumps and restores
# them; and he gets no more by it than that.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE ROLE joe LOGIN CREATEDB; CREATE ROLE ann LOGIN; CREATE ROLE olga LOGIN');
$node->safe_psql('postgres', 'CREATE DATABASE joes OWNER joe');

sub as { my ($user, $statement, $database) = @_;
	return $node->safe_psql($database // 'joes', $statement, extra_params => ['-U', $user]); }
sub refused { my ($user, $statement, $name) = @_;
	my ($status, $out, $error) = $node->psql('joes', "\\set VERBOSITY sqlstate\n$statement", extra_params => ['-U', $user]);
	like($error, qr/ERROR:  42501/, "$name: 42501"); }

as('joe', 'CREATE EXTENSION numpool');
pass('the owner of a database installs it');
is(as('joe', q(SELECT numpool_create('p', 3), numpool_resize('p', 4), numpool_replace_metadata('p', NULL, '1'))), 't|3|t',
	'he may define pools');
is(as('ann', q(SELECT numpool_acquire('p'))), '0', 'anybody may use them');
refused('ann', q(SELECT numpool_create('q', 1)), 'anybody else who defines');
refused('ann', q(SELECT numpool_drop('p', true)), 'anybody else who changes a pool of his');
# Whoever owns the extension may change every pool of it, and is no user of each for that.
$node->safe_psql('joes', q(SELECT numpool_create('admins', 1), numpool_revoke('admins', 'public')));
refused('joe', q(SELECT numpool_acquire('admins')), 'the owner of the extension as a stranger');
refused('joe', q(SELECT numpool_set_owner('admins', 'ann')), 'a pool for a role that he is no member of');
is(as('joe', q(SELECT numpool_resize('admins', 2), numpool_grant('admins', 'joe'), numpool_acquire('admins'))), '1||0', 'he lets himself use it');
is(as('joe', q(SELECT numpool_drop('admins', true))), 't', 'and drops it');
refused('ann', q(DELETE FROM numpool_definitions), 'anybody else on the table');
refused('joe', q(CREATE TRIGGER t AFTER INSERT ON numpool_definitions FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()),
	'a trigger on a table that statements of the bootstrap superuser write');
refused('joe', q(ALTER TABLE numpool_definitions DISABLE TRIGGER ALL), 'taking the triggers away');
refused('joe', q(CREATE OR REPLACE FUNCTION numpool_acquire(pool text, timeout interval DEFAULT NULL) RETURNS int LANGUAGE sql AS 'SELECT 1'),
	'replacing a function');

# A database's owner who did not install it dumps it, too.
$node->safe_psql('postgres', 'CREATE DATABASE installed_by_superuser OWNER olga');
$node->safe_psql('installed_by_superuser', q(CREATE EXTENSION numpool; SELECT numpool_create('s', 2)));
my $file = PostgreSQL::Test::Utils::tempdir() . '/dump';
my @connection = ('-h', $node->host, '-p', $node->port);
command_ok(['pg_dump', @connection, '-U', 'olga', '-f', "$file.olga", 'installed_by_superuser'], 'who owns the database dumps it');
like(slurp_file("$file.olga"), qr/^s\t\d+\t2\t/m, 'with its pools');

for my $format ('plain', 'custom')
{
	command_ok(['pg_dump', @connection, '-U', 'joe', "--format=$format", '-f', "$file.$format", 'joes'], "$format: dumped by who installed it");
	as('joe', "CREATE DATABASE copy_$format TEMPLATE template0", 'postgres');
	command_ok($format eq 'plain'
		? ['psql', @connection, '-U', 'joe', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', "$file.plain", "copy_$format"]
		: ['pg_restore', @connection, '-U', 'joe', '--exit-on-error', '-d', "copy_$format", "$file.custom"],
		"$format: restored by him");
	is(as('joe', q(SELECT pool, size, metadata FROM numpool_pools), "copy_$format"), 'p|4|1', "$format: the pools are there");
	is(as('joe', q(SELECT numpool_acquire('p')), "copy_$format"), '0', "$format: and work");
}
as('joe', 'DROP EXTENSION numpool');
is(as('joe', q(SELECT count(*) FROM pg_proc WHERE proname LIKE 'numpool%')), '0', 'he drops it');
$node->stop;
done_testing();
