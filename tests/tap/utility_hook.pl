# A procedure may free the very statement that called it; the hook for DISCARD ALL must not look at
# it afterwards.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION numpool;
	CREATE PROCEDURE p(a text) LANGUAGE plpgsql AS $$
	BEGIN
		ROLLBACK;
		EXECUTE 'DEALLOCATE ALL';
		FOR i IN 1 .. 40 LOOP
			EXECUTE format('PREPARE x%s AS SELECT %L::text, %L::text', i, repeat('ZZZZ', 20), repeat('~', 60));
		END LOOP;
	END $$));
my $script = PostgreSQL::Test::Utils::tempdir() . '/call.pgbench';
append_to_file($script, "SELECT numpool_channel();\nCALL p('x');\n");
for (1 .. 5)
{
	# Whether pgbench likes that its statements are gone does not matter here.
	IPC::Run::run([ 'pgbench', '-n', '-M', 'prepared', '-t', '1', '-h', $node->host, '-p', $node->port, '-f', $script, 'postgres' ],
		'>', \my $out, '2>', \my $err);
}
unlike(slurp_file($node->logfile), qr/terminated by signal/, 'no backend crashed');
is($node->safe_psql('postgres', 'SELECT 1'), 1, 'the server is up');

# DISCARD ALL inside of nothing special still gives everything back.
is($node->safe_psql('postgres', q(SELECT numpool_create('p', 1), numpool_acquire('p'); DISCARD ALL; SELECT count(*) FROM numpool_leases)) =~ /0\z/,
	1, 'DISCARD ALL gives back');
$node->stop;
done_testing();
