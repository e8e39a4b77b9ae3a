# Rest over a restart, a crash and a promotion: whoever held a number before may not know yet that he does so no more. And
# where no clerk is to be had, who would give back what has rested.
use strict;
use warnings;
use Lease qw(lease renew release token crash_backend);
use Session qw(open_session slowness);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('rest');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "restart_after_crash = on\nmax_worker_processes = 8");
$node->start;
sub sql { return $node->safe_psql('postgres', join ' ', @_); }
# Long enough for all that is asked while the numbers rest.
my $delay = int(4 * slowness() + 0.5);
my $figures = q(SELECT in_use || ' ' || free || ' ' || resting FROM numpool_pools WHERE pool = 'p');

sql('CREATE EXTENSION numpool;', q(SELECT numpool_create('p', 3), numpool_create('plain', 1);));
sql(q(SELECT numpool_acquire('p')));
sql(qq(SELECT numpool_configure('p', '{"death_delay": "$delay s"}')));
is(sql($figures), '0 3 0', 'what was released before the setting does not rest');

# What must be true of a server that has just begun. In one session, which a busy machine may hold up in the middle.
sub rests_after
{
	my ($what, $server, $leased) = @_;
	my $free = 3 - $leased;
	my @said = split /\n/, $server->safe_psql('postgres', join ' ', q(SELECT clock_timestamp() AS start \gset), "\n",
		q(SELECT numpool_try_acquire('plain'); SELECT coalesce(numpool_try_acquire('p')::text, 'none');), "$figures;",
		"SELECT numpool_acquire('p') >= 0; SELECT clock_timestamp() - :'start' > '1 s'; SELECT numpool_try_acquire('p') >= 0;");
	is($said[0], '0', "$what: a pool without death_delay is not concerned");
	is($said[1], 'none', "$what: nothing is given");
	is($said[2], "$leased 0 $free", "$what: all rest but what a token has");
	is("@said[3, 4]", 't t', "$what: who waits gets a number, after death_delay");
	is($said[5], 't', "$what: then there are others");
	return;
}

sql(q(SELECT numpool_create('grows', 1, settings => '{"death_delay": "1 h"}')));
$node->restart;
is(sql($figures), '0 0 3', 'restart: nothing is free, before anybody has used the pool');
is(sql(q(SELECT DISTINCT state FROM numpool_slots('p'))), 'resting', 'and each number says why');
rests_after('restart', $node, 0);
is(sql(q(SELECT numpool_resize('grows', 2); SELECT coalesce(numpool_try_acquire('grows')::text, 'none'))), "1\nnone",
	'restart: what a growth brings rests as well');

# With a timed lease, which comes back.
like(sql(lease('p', 1)), qr/^0 /, 'leased');
my $pid = open_session($node);
crash_backend($node, $pid->query('SELECT pg_backend_pid()'));
rests_after('crash', $node, 1);
isnt(sql(renew(1)), '', 'crash: the timed lease is there');
is(sql(q(SELECT index FROM numpool_leases)), 0, 'crash: with its number');

$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', q(SELECT settings ->> 'death_delay' FROM numpool_pools WHERE pool = 'p')), "$delay s",
	'a standby knows the settings');
$node->stop('immediate');
$standby->promote;
$standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
rests_after('promotion', $standby, 1);
$standby->stop;

# No worker to be had: the launcher of logical replication has the only one.
$node->start;
sql(release(1));
sql(q(SELECT numpool_create('other', 1), numpool_create('gone', 1, settings => '{"cooldown": "1 s"}')));
$node->append_conf('postgresql.conf', 'max_worker_processes = 1');
$node->restart;
sub state
{
	my (undef, undef, $error) = $node->psql('postgres', "\\set VERBOSITY sqlstate\n$_[0]");
	return $error =~ /ERROR: +(\w+)/ ? $1 : '';
}
is(state(q(SELECT numpool_acquire('p'))), '53400', 'no worker: a pool whose numbers rest is not to be had');
is(state(q(SELECT numpool_configure('other', '{"cooldown": "1 s"}'))), '53400', 'nor to be made one');
is(state(q(SELECT numpool_create('third', 1, settings => '{"death_delay": "1 s"}'))), '53400', 'nor to be created');
is(state(q(SELECT numpool_configure('other', '{"policy": "longest_free"}'))), '', 'what takes no clerk can be set');
is(state(q(SELECT numpool_acquire('other'))), '', 'and the pool used');
is(state(q(BEGIN; SELECT numpool_drop('gone'); ROLLBACK; SELECT numpool_acquire('gone'))), '53400', 'a drop that is rolled back makes none live');
is(state(q(SELECT numpool_drop('gone'))), '', 'a drop does without');
is(state(q(SET session_replication_role = replica; SELECT numpool_configure('other', '{"cooldown": "1 s"}'))), '', 'so does who repeats what was decided elsewhere');
my (undef, undef, $error) = $node->psql('postgres', q(SELECT numpool_try_acquire('plain')));
like($error, qr/WARNING:.*background worker/, 'with a warning for everybody');
$node->append_conf('postgresql.conf', 'max_worker_processes = 8');
$node->restart;
rests_after('with a worker', $node, 0);
$node->stop;
done_testing();
