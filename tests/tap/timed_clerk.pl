# The clerk, the one background worker: terminated, killed, none to be had; and the wall clock set by an hour, which ends
# and prolongs nothing. A lease of a session that is limited (max_hold) goes by the same clerk.
use strict;
use warnings;
use Lease qw(lease release renew wait_in_use crash_backend);
use Session 'open_session';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);

my $node = PostgreSQL::Test::Cluster->new('clerk');
$node->init;
$node->append_conf('postgresql.conf', "restart_after_crash = on\nmax_worker_processes = 8");
$node->start;
sub sql { return $node->safe_psql('postgres', join ' ', @_); }
my $clerks = q(SELECT pid FROM pg_stat_activity WHERE backend_type = 'numpool clerk');
sub clerk { return sql($clerks); }
sub await_clerk { return $node->poll_query_until('postgres', "SELECT EXISTS ($clerks)"); }
# Leases a number for a second, and waits until it is over; how long that took.
sub expiry
{
	my $start = time;
	sql(lease('p', 9, '1 s'));
	wait_in_use($node, 'p', 0) or return 60;
	return time - $start;
}

sql('CREATE EXTENSION numpool;', q(SELECT numpool_create('p', 1), numpool_create('h', 1);));
sql(q(SELECT numpool_acquire('p')));
is(clerk(), '', 'without timed leases there is none');
sql(lease('p', 1), release(1));
await_clerk();
is(sql("SELECT count(*) FROM ($clerks) AS c"), 1, 'with the first there is one');
is(sql(q(SELECT datname IS NULL FROM pg_stat_activity WHERE backend_type = 'numpool clerk')),
	't', 'in no database');
cmp_ok(expiry(), '<', 4, 'it ends what is over');

# Terminated, asleep and while a lease runs: it comes back within a second or so, and has forgotten nothing.
for my $round (1 .. 3)
{
	my $clerk = clerk();
	sql(lease('p', 1, '1 s'));
	sql("SELECT pg_terminate_backend($clerk)");
	ok(wait_in_use($node, 'p', 0), 'terminated: what is over ends all the same');
	await_clerk();
	isnt(clerk(), $clerk, 'by the next one');
}
# The same of a session that may hold its number for a second only.
sql(q(SELECT numpool_configure('h', '{"max_hold": "1 s"}')));
my $holder = open_session($node);
is($holder->query(q(SELECT numpool_acquire('h'))), 0, 'max_hold: held');
sql('SELECT pg_terminate_backend(' . clerk() . ')');
ok(wait_in_use($node, 'h', 0), 'terminated: max_hold ends it all the same');
$holder->quit;
await_clerk();
# A cancel does nothing to it, nor does a reload.
my $clerk = clerk();
sql("SELECT pg_cancel_backend($clerk), pg_reload_conf()");
cmp_ok(expiry(), '<', 4, 'cancelled, reloaded: it goes on');
is(clerk(), $clerk, 'the same');

# Killed: a crash like any other; the leases come back and end.
$holder = open_session($node);
$holder->query(q(SELECT numpool_acquire('h')));
sql(lease('p', 1, '2 s'));
crash_backend($node, clerk());
is(sql(q(SELECT timed FROM numpool_pools WHERE pool = 'p')), 1, 'killed: the lease is there again');
is(sql(q(SELECT numpool_acquire('h', '0'))), 0, 'that of the session is not, nor its limit');
ok(wait_in_use($node, 'p', 0), 'and ends in time');
is(sql("SELECT count(*) FROM ($clerks) AS c"), 1, 'there is one clerk');
# Barriers (CREATE DATABASE, DROP DATABASE) are taken in by it.
sql('CREATE DATABASE other') ;
sql('DROP DATABASE other');
pass('it is in the way of no barrier');

# No worker to be had.
sql(lease('p', 1));
$node->append_conf('postgresql.conf', "max_worker_processes = 1\nmax_logical_replication_workers = 0");
$node->restart;
# The launcher of logical replication has the only one.
$node->append_conf('postgresql.conf', 'max_logical_replication_workers = 4');
$node->restart;
my (undef, $out, $error) = $node->psql('postgres', renew(1));
like($out, qr/^\d+$/, 'none to be had: what has come back can be renewed');
like($error, qr/WARNING:.*background worker/, 'with a warning');
is(sql(q(SELECT count(*) FROM numpool_leases)), 1, 'and seen');
(undef, undef, $error) = $node->psql('postgres', "\\set VERBOSITY verbose\n" . lease('p', 2));
like($error, qr/53400.*max_worker_processes/s, 'leasing by token is refused: 53400');
(undef, undef, $error) = $node->psql('postgres', "\\set VERBOSITY sqlstate\nSELECT numpool_keep('p', 0, '1 h')");
like($error, qr/53400/, 'so is keep');
(undef, undef, $error) = $node->psql('postgres', "\\set VERBOSITY sqlstate\nSELECT numpool_acquire('h')");
like($error, qr/53400/, 'and a pool with max_hold');
is(sql(release(1)), 't', 'releasing works');
is(sql(q(SELECT numpool_acquire('p', '0'))), 0, 'a session is not concerned');
$node->append_conf('postgresql.conf', 'max_worker_processes = 8');
$node->restart;
cmp_ok(expiry(), '<', 4, 'with a worker all is well again');
$node->stop;

# The wall clock is set by an hour, forward and back, while leases run.
my ($library) = glob('/usr/lib/*/faketime/libfaketime.so.1');
SKIP:
{
	skip 'libfaketime is not installed', 16 unless $library;
	my $clock = $node->basedir . '/clock';
	my $set_clock = sub { append_to_file("$clock.new", "$_[0]\n"); rename "$clock.new", $clock or die $!; };
	$set_clock->('+0');
	local %ENV = (%ENV, LD_PRELOAD => $library, FAKETIME_TIMESTAMP_FILE => $clock, FAKETIME_NO_CACHE => 1,
		FAKETIME_DONT_FAKE_MONOTONIC => 1, FAKETIME_DONT_RESET => 1, NO_FAKE_STAT => 1);
	$node->start;
	delete $ENV{LD_PRELOAD};
	sql(q(SELECT numpool_configure('h', '{"max_hold": "5 s"}')));
	for my $step ('+3600', '-3600')
	{
		$set_clock->('+0');
		wait_in_use($node, 'p', 0);
		like(sql(lease('p', 1, '20 s')), qr/^0 /, 'leased');
		my $held = open_session($node);
		$held->query(q(SELECT numpool_acquire('h')));
		my $start = time;
		$set_clock->($step);
		cmp_ok(abs(sql('SELECT extract(epoch FROM clock_timestamp())') - time - $step), '<', 60, "the clock is set by $step s");
		is(sql(q(SELECT timed FROM numpool_pools WHERE pool = 'p')), 1, 'a lease goes on');
		is($held->query(q(SELECT numpool_fence('h', 0) IS NOT NULL)), 't', 'so does one that max_hold limits');
		cmp_ok(sql(q(SELECT extract(epoch FROM expires_at - now()) FROM numpool_leases WHERE pool = 'p')), '<', 21, 'and does not last longer');
		sleep 1;
		ok(sql(renew(1)), 'it is renewed');
		ok(wait_in_use($node, 'h', 0) && time - $start < 12, 'the other one ends when its time has come');
		$held->quit;
		sql(release(1));
		cmp_ok(expiry(), '<', 4, 'the next one ends in time');
	}
	$node->stop;
}
done_testing();
