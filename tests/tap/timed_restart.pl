# P15 over crashes and restarts: a timed lease that was committed is there again with a larger fence and its whole
# time, and ends in time though nobody calls; what had ended does not hold two; nothing uncommitted comes back.
use strict;
use warnings;
use Lease qw(lease keep release renew crash_backend wait_in_use);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Session 'open_session';
use Test::More;
use Time::HiRes qw(time sleep);

my $node = PostgreSQL::Test::Cluster->new('timed');
$node->init;
# What a backend that is killed leaves of shared memory goes with the data folder.
$node->append_conf("postgresql.conf", "restart_after_crash = on\nmax_prepared_transactions = 2\ndynamic_shared_memory_type = mmap");
$node->start;
sub sql { return $node->safe_psql('postgres', join ' ', @_); }
sub background { return open_session($node, on_error_stop => 0); }
sub pid_of { return $_[0]->query_safe('SELECT pg_backend_pid()'); }
sub token_at
{
	return sql(qq(SELECT token FROM numpool_leases WHERE pool = '$_[0]' AND index = $_[1]));
}
sub stop_and_start { $node->stop($_[0]); $node->start; }
# What a restart of that kind does.
my %restart = (
	'immediate stop' => sub { stop_and_start('immediate'); },
	'fast stop' => sub { stop_and_start('fast'); },
	'crash of a backend' => sub {
		my $victim = background();
		crash_backend($node, pid_of($victim));
		$victim->{run}->kill_kill;
	});

sql('CREATE EXTENSION numpool;', q(SELECT numpool_create('p', 4);));

# The lease is there again, whatever is the first call.
my $fence = 0;
for my $how (sort keys %restart)
{
	for my $first ('renew', $how eq 'fast stop' ? () : ('lease', 'leases', 'pools', 'acquire', 'drop', 'fence'))
	{
		my $before = (split / /, sql(lease('p', 1)))[1];
		cmp_ok($before, '>', $fence, "$how: the fence is larger than all before");
		$restart{$how}->();
		if ($first eq 'renew') { cmp_ok(sql(renew(1)), '>', $before, "$how: renewed, with a larger fence"); }
		elsif ($first eq 'lease') { like(sql(lease('p', 1)), qr/^0 \d+$/, "$how: asked again, the same number"); }
		elsif ($first eq 'leases') { is(sql(q(SELECT index || scope || state FROM numpool_leases)), '0timedheld', "$how: numpool_leases"); }
		elsif ($first eq 'pools') { is(sql(q(SELECT in_use || ' ' || timed FROM numpool_pools)), '1 1', "$how: numpool_pools"); }
		elsif ($first eq 'acquire') { is(sql(q(SELECT numpool_acquire('p'))), 1, "$how: another gets the next number"); }
		elsif ($first eq 'drop') { my ($code, undef, $error) = $node->psql('postgres', q(SELECT numpool_drop('p'))); like($error, qr/in use|leased|hold/, "$how: a drop without force is refused"); }
		else { is(sql(q(SELECT numpool_fence('p', 0) IS NULL)), 't', "$how: it is no session's"); }
		$fence = sql(renew(1));
		cmp_ok($fence, '>', $before, "$how, $first: a larger fence");
		cmp_ok(sql(q(SELECT extract(epoch FROM expires_at - now()) FROM numpool_leases WHERE index = 0)), '>', 3500,
			"$how, $first: the whole time anew");
		is(sql(q(SELECT count(*) FROM numpool_timed)), 1, "$how, $first: one row");
		is(sql(release(1)), 't', "$how, $first: released");
		is(sql(q(SELECT count(*) FROM numpool_timed)), 0, "$how, $first: its row is gone, though its fence was another");
	}
}

# It ends in time after a restart, when nobody leases by token.
for my $waits (0, 1)
{
	sql(lease('p', 1, '2 s'));
	stop_and_start('immediate');
	my $sleeper;
	if ($waits)
	{
		sql(q(SELECT numpool_resize('p', 1)));
		$sleeper = background();
		my $start = time;
		is($sleeper->query_safe(q(SELECT numpool_acquire('p', '10 s'))), 0, 'after a restart: the number goes to a sleeper');
		cmp_ok(time - $start, '<', 6, 'in time');
		$sleeper->quit;
		sql(q(SELECT numpool_resize('p', 4)));
	}
	else
	{
		is(sql(q(SELECT in_use FROM numpool_pools)), 1, 'after a restart: it is held');
		sleep 3;
		is(sql(q(SELECT in_use || ' ' || timed FROM numpool_pools)), '0 0', 'and ends though nobody calls');
	}
}

# Nothing of a transaction that was open, or of a place, comes back; what was being released does.
sql(lease('p', 1), lease('p', 2), q(SELECT numpool_resize('p', 3)));
my ($taker, $keeper, $releaser) = (background(), background(), background());
$keeper->query_safe(q(SELECT numpool_acquire('p')));
$taker->query_safe(release(2));
$taker->query_safe('BEGIN; ' . lease('p', 3));
$keeper->query_safe('BEGIN; ' . keep('p', 2, 4));
$releaser->query_safe('BEGIN; ' . release(1));
is(sql(lease('p', 5)), '', 'a place is kept');
crash_backend($node, pid_of($taker));
$_->{run}->kill_kill for $taker, $keeper, $releaser;
is(sql(q(SELECT string_agg(left(token::text, 8), ' ' ORDER BY index) FROM numpool_leases)), '00000001',
	'open transactions: only the release that was not committed is undone');
is(sql(q(SELECT waiting FROM numpool_pools)), 0, 'the queue is empty');
is(sql(renew($_)), '', "token $_ is unknown") for 2, 3, 4, 5;
is(sql(lease('p', 3)) =~ /^1 /, 1, 'a token of a lease that was not committed is as new');
sql(release(1), release(3));

# synchronous_commit = off: what the holder was told is on disk.
for my $round (1 .. 5)
{
	my $psql = background();
	$psql->query_safe('SET synchronous_commit = off');
	my ($index, $told) = split / /, $psql->query_safe(lease('p', 1));
	crash_backend($node, pid_of($psql));
	$psql->{run}->kill_kill;
	cmp_ok(sql(renew(1)), '>', $told, 'a lease that was told survives without synchronous_commit');
	$psql = background();
	$psql->query_safe('SET synchronous_commit = off');
	$psql->query_safe(q(SELECT numpool_acquire('p')));
	$psql->query_safe(keep('p', 1, 2));
	crash_backend($node, pid_of($psql));
	$psql->{run}->kill_kill;
	cmp_ok(sql(renew(2)), '>', 0, 'so does one that was kept');
	sql(release(1), release(2));
}

# What an expiry left does not come back to life when the pool was leased from by token since.
sql(lease('p', 1, '100 ms'));
wait_in_use($node, 'p', 0);
is(sql(q(SELECT count(*) FROM numpool_timed)), 1, 'an expiry leaves its row');
stop_and_start('immediate');
is(token_at('p', 0), '00000001-0000-4000-8000-000000000000', 'not leased from since: it has its whole time again');
wait_in_use($node, 'p', 0);
is(sql(lease('p', 2)) =~ /^0 /, 1, 'leased from since');
stop_and_start('immediate');
is(token_at('p', 0), '00000002-0000-4000-8000-000000000000', 'the newer lease counts');
is(sql(renew(1)), '', 'the older is over');
sql(release(2));
is(sql(q(SELECT count(*) FROM numpool_timed)), 0, 'no row is left');

# Several rows of one number, and of one token: the one with the greatest fence counts. The rows are left where their
# table is locked while they are released.
my $locker = background();
for my $round (1 .. 3)
{
	sql(lease('p', $round));
	$locker->query_safe('BEGIN; LOCK TABLE numpool_timed IN ACCESS EXCLUSIVE MODE');
	is(sql(release($round)), 't', 'released while the table is locked');
	$locker->query_safe('ROLLBACK');
}
sub rows { return sql(q(SELECT string_agg(index || ':' || left(token::text, 8)::int, ' ' ORDER BY fence) FROM numpool_timed)); }
is(rows(), '0:3', 'who writes deletes what was left');
# In one transaction that writes nothing else: three rows of number 0 and token 7.
$locker->query_safe(q(SELECT numpool_create('q', 3)));
sql(lease('p', 7, '300 ms'));
is(sql(q(SELECT numpool_acquire('q'))), 0, 'two pools');
wait_in_use($node, 'p', 0);
sql(lease('q', 7, '300 ms'));
wait_in_use($node, 'q', 0);
like(rows(), qr/0:7 0:7$/, 'two rows of one token, in two pools');
stop_and_start('immediate');
is(sql(q(SELECT string_agg(pool || index, ' ') FROM numpool_leases)), 'q0', 'the newer of a token counts');
wait_in_use($node, 'q', 0);
sql(lease('p', 8), release(8), lease('q', 8), release(8));
is(rows(), '', 'all rows are deleted by who writes next');

# Below the size at the crash, above it at the restart; a pool that is gone; a definition changed since.
sql(lease('p', 1), lease('p', 2), lease('p', 3, '2 s'), q(SELECT numpool_resize('p', 1)));
stop_and_start('immediate');
is(sql(q(SELECT size || ' ' || in_use || ' ' || timed FROM numpool_pools WHERE pool = 'p')), '1 3 3', 'above a shrunk size they live on');
is(sql(release(1)), 't', 'released');
is(sql(q(SELECT numpool_try_acquire('p'))), 0, 'the size counts');
wait_in_use($node, 'p', 1);
is(sql(release(2)), 't', 'released above the size');
is(sql(q(SELECT in_use || ' ' || free FROM numpool_pools WHERE pool = 'p')), '0 1', 'and not given to anybody');
sql(q(SELECT numpool_resize('p', 4);), lease('p', 1), q(SELECT numpool_drop('p', true)));
stop_and_start('immediate');
is(sql(renew(1)), '', 'of a dropped pool nothing comes back');
is(sql(q(SELECT count(*) FROM numpool_timed)), 0, 'and no row');

# kill -9 in the middle of loading many, again and again.
sql(q(SELECT count(numpool_create('many' || i, 10)) FROM generate_series(1, 100) AS i));
sql(q(SELECT count(index) FROM generate_series(1, 100) AS i, generate_series(1, 10) AS k,
	LATERAL numpool_lease('many' || i, '1 h' + k * interval '0 s', NULL, '0')));
for my $delay (0, 5, 10, 20, 40)
{
	stop_and_start('immediate');
	my @loaders = map { background() } 1 .. 3;
	my $pid = pid_of($loaders[0]);
	$_->query_until(qr/begun/, "\\echo begun\nSELECT count(*) FROM numpool_leases;\n") for @loaders;
	sleep $delay / 1000;
	crash_backend($node, $pid);
	$_->{run}->kill_kill for @loaders;
	is(sql(q(SELECT count(*) || ' ' || count(DISTINCT (pool, index)) || ' ' || count(DISTINCT fence) FROM numpool_leases)),
		'1000 1000 1000', "killed $delay ms after loading began: each lease is there once");
	is(sql(q(SELECT sum(timed) || ' ' || sum(in_use) || ' ' || sum(waiting) FROM numpool_pools)), '1000 1000 0', 'counted once');
}
# One terminated while it loads leaves the rest to others.
stop_and_start('immediate');
my @loaders = map { background() } 1 .. 3;
my @pids = map { pid_of($_) } @loaders;
# A view would not wait for whoever loads.
$_->query_until(qr/begun/, "\\echo begun\nSELECT numpool_release_all();\nSELECT count(*) FROM numpool_leases;\n") for @loaders;
sleep 0.01;
sql("SELECT pg_terminate_backend($pids[0])");
sql(q(SELECT numpool_release_all()));
is(sql(q(SELECT count(*) FROM numpool_leases)), 1000, 'a loader that was terminated leaves it to others');
is($loaders[1]->query_safe('SELECT 1'), "0\n1000\n1", 'who had come beside it has all');
my $start = time;
is(sql(q(SELECT count(*) FILTER (WHERE numpool_release(token)) FROM numpool_leases)), 1000, 'all can be released');
is(sql(q(SELECT count(*) FROM numpool_timed)), 0, 'all rows are gone');
unlike(slurp_file($node->logfile), qr/signal 11|signal 6|PANIC/, 'nothing has crashed by itself');
$node->stop;
done_testing();
