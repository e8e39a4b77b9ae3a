# While synchronous standbys are away: an arrival that waits for fences has its own patience, one draw
# is under way for all, and that no standby is defined any more confirms nothing.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Session 'open_session';
use Test::More;
use Time::HiRes qw(time sleep);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', 'max_connections = 120');
$node->start;
$node->safe_psql('postgres', q(CREATE EXTENSION numpool; SELECT numpool_create('p', 200); CREATE ROLE joe LOGIN));
my $drawn = q(SELECT last_value FROM numpool_fence_seq);
my $waits = q(SELECT count(*) = %d FROM pg_stat_activity WHERE wait_event = 'SyncRep');

sub is_quick
{
	my ($sql, $expected, $what) = @_;
	my $begin = time;
	my ($status, $out, $err) = $node->psql('postgres', "\\set VERBOSITY sqlstate\n$sql");
	my $seconds = time - $begin;
	like("$out $err", $expected, $what);
	cmp_ok($seconds, '<', 20, "$what: in time");
}

# A hundred sessions come at once after a start.
for my $standby ('', '*')
{
	$node->append_conf('postgresql.conf', "synchronous_standby_names = '$standby'");
	$node->restart;
	my $before = $node->safe_psql('postgres', $drawn);
	my @sessions = map { open_session($node, on_error_stop => 0) } 1 .. 100;
	$_->query_until(qr/asked/, "\\echo asked\nSELECT numpool_acquire('p', '20 s');\n\\echo answered\n") for @sessions;
	ok($node->poll_query_until('postgres', $standby ? sprintf($waits, 100) : 'SELECT in_use = 100 FROM numpool_pools'),
		"a hundred arrivals '$standby'");
	my $records = $node->safe_psql('postgres', q(SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'));
	is($records, $standby ? 100 : 0, 'wait for standbys where there are such');
	my $after = $node->safe_psql('postgres', $drawn);
	my $count = $node->safe_psql('postgres', q(SELECT count(*) FROM pg_ls_waldir())) > 0;
	cmp_ok($after - $before, '>', 0, 'they have drawn');
	is(draws_since($node), 1, 'once');
	$_->{run}->kill_kill for @sessions;
	$node->poll_query_until('postgres', q(SELECT count(*) <= 1 FROM pg_stat_activity WHERE backend_type = 'client backend'));
}

# How often the log tells of a draw since the start: the records of the sequence's page.
sub draws_since
{
	my ($node) = @_;
	my $start = $node->safe_psql('postgres', 'SELECT redo_lsn FROM pg_control_checkpoint()');
	my $end = $node->safe_psql('postgres', 'SELECT pg_current_wal_flush_lsn()');
	my ($out) = run_command([ 'pg_waldump', '-p', $node->data_dir . '/pg_wal', '-s', $start, '-e', $end, '-r', 'Generic' ]);
	return scalar(() = $out =~ /rmgr: Generic/g);
}

is_quick(q(SELECT numpool_acquire('p', '500 ms') IS NULL), qr/^t /, 'a timeout');
is_quick(q(SELECT numpool_try_acquire('p') IS NULL), qr/^t /, 'a try');
is_quick(q(SELECT numpool_acquire('p', '0') IS NULL), qr/^t /, 'a timeout of 0');
is_quick(q(SET lock_timeout = '300 ms'; SELECT numpool_acquire('p')), qr/55P03/, 'lock_timeout');
is_quick(q(SET lock_timeout = '300 ms'; SELECT numpool_enqueue('p')), qr/55P03/, 'lock_timeout of an enqueue');
is_quick(q(SET statement_timeout = '300 ms'; SELECT numpool_acquire('p')), qr/57014/, 'statement_timeout');
is_quick(q(SET statement_timeout = '300 ms'; SELECT numpool_advance_fences(1)), qr/57014/, 'advancing');
is_quick(q(SET synchronous_commit = local; SELECT numpool_acquire('p')), qr/^0 /, 'who waits for none is given one');
my $session = open_session($node, on_error_stop => 0);
my $pid = $session->query_safe('SELECT pg_backend_pid()');
$session->query_until(qr/asked/, "\\echo asked\nSELECT numpool_acquire('p');\n");
ok($node->poll_query_until('postgres', sprintf($waits, 1)), 'a client waits');
$session->{run}->kill_kill;
ok($node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid"), 'and is missed when it is gone');

# Joe wants to use fences up.
{
	my $before = $node->safe_psql('postgres', $drawn);
	my $burn = PostgreSQL::Test::Utils::tempdir() . '/burn.sql';
	append_to_file($burn, "SET statement_timeout = 1;\nSELECT numpool_acquire('p');\n");
	my $end = time + 5;
	my $tries = 0;
	while (time < $end)
	{
		my ($status, $out, $err) = $node->psql('postgres', "\\set VERBOSITY sqlstate\nSET ROLE joe;\nSET statement_timeout = 1;\n" . "SELECT numpool_acquire('p');\n" x 500,
			on_error_stop => 0);
		$tries += () = $err =~ /57014/g;
	}
	cmp_ok($tries, '>=', 100, "joe has been cancelled $tries times");
	is($node->safe_psql('postgres', $drawn), $before, 'nothing was drawn for that');
}

# None is defined any more: that confirms nothing to who asked while there were some.
$node->restart;
$session = open_session($node, on_error_stop => 0);
$session->query_until(qr/asked/, "\\echo asked\nSELECT numpool_acquire('p');\n\\echo answered\n");
ok($node->poll_query_until('postgres', sprintf($waits, 1)), 'one waits');
$node->append_conf('postgresql.conf', q(synchronous_standby_names = ''));
my $begin = time;
$node->reload;
$node->poll_query_until('postgres', q(SELECT current_setting('synchronous_standby_names') = ''));
my ($status, $out) = $node->psql('postgres', q(SELECT numpool_acquire('p', '3 s') IS NULL));
is($out, 't', 'nor does whoever comes then get one of that draw');
is($node->safe_psql('postgres', 'SELECT in_use FROM numpool_pools'), 0, 'nothing is granted');
$session->wait_for_output(qr/answered/);
cmp_ok(time - $begin, '>', 8, 'until that has lasted');
like($session->{stdout}, qr/^0$/m, 'then it goes on without');
is_quick(q(SELECT numpool_acquire('p')), qr/^1 /, 'as do all');
$session->quit;
$node->stop('immediate');
done_testing();
