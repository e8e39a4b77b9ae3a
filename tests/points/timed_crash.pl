# kill -9 at each step of what is done to a timed lease, and of loading: after the restart a token has its lease if
# the transaction was committed, each number has one holder, and no row is without a lease.
use strict;
use warnings;
use Gate qw(close_gate wait_until_stands);
use Lease qw(lease keep release renew crash_backend wait_in_use);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Session 'open_session';
use Test::More;

my $size = 3;
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# What a backend that is killed leaves of shared memory goes with the data folder.
$node->append_conf('postgresql.conf', "restart_after_crash = on\ndynamic_shared_memory_type = mmap");
$node->start;
sub sql { return $node->safe_psql('postgres', join ' ', @_); }
sub session { return open_session($node, on_error_stop => 0); }
sql('CREATE EXTENSION numpool');

# Kills a session that does this, while it stands at the point. `before` it does first.
sub crash_at
{
	my ($point, $before, @sql) = @_;
	my ($session, $gate) = (session(), session());
	$session->query_safe(join ' ', @$before) if @$before;
	my $pid = $session->query_safe('SELECT pg_backend_pid()');
	close_gate($gate, $pid, $point);
	$session->send_lines(join(' ', @sql) . "\n");
	wait_until_stands($node, $pid, $point);
	crash_backend($node, $pid);
	$_->{run}->kill_kill for $session, $gate;
}

# Exactly these tokens hold a number of p: "index:token", in the order of the index.
sub holders_are
{
	my ($expected, $what) = @_;
	is(sql(q(SELECT string_agg(index || ':' || left(token::text, 8)::int, ' ' ORDER BY index) FROM numpool_leases)),
		$expected, "$what: who holds");
	my $count = () = $expected =~ /:/g;
	is(sql(q(SELECT count(*) FROM numpool_timed)), $count, "$what: a row for each, and no other");
	is(sql(q(SELECT count(numpool_try_acquire('p')) FROM generate_series(1, 5))), $size - $count, "$what: the others are free");
}

# Each step: what was done before, by whom, what is then asked, and who holds if it is killed at one of the points
# before the transaction is over, and at one after.
my @written = qw(TokenRowDue TokenRowWritten);
my @over = qw(RowsVisible ChangesDone EntriesDone);
my @steps = (
	[ 'lease', [], [], [ lease('p', 1) ], [ 'GrantedAtOnce', @written ], '', '0:1' ],
	[ 'lease after an expiry', [ lease('p', 9, '100 ms') ], [], [ lease('p', 1) ], [], undef, '0:1' ],
	[ 'keep', [], [q(SELECT numpool_acquire('p');)], [ keep('p', 0, 1) ], ['TokenRowWritten'], '', '0:1' ],
	[ 'release', [ lease('p', 1) ], [], [ release(1) ], [], '0:1', '' ],
	[ 'ROLLBACK of a release', [ lease('p', 1) ], [ 'BEGIN;', release(1) ], ['ROLLBACK;'], [ 'Undoing', 'Aborting' ], '0:1', undef ],
	[ 'ROLLBACK of a lease', [], [ 'BEGIN;', lease('p', 1) ], ['ROLLBACK;'], [ 'Undoing', 'Aborting' ], '', undef ],
	[ 'release and lease again', [ lease('p', 1) ], [], [ 'BEGIN;', release(1), lease('p', 1), 'COMMIT;' ], [], '0:1', '0:1' ],
	[ 'another token after a release', [ lease('p', 1) ], [ release(1) ], [ lease('p', 2) ], \@written, '', '0:2' ],
	[ 'a place that is made', [ map { lease('p', $_) } 1 .. $size ], [], [ lease('p', 9) ], ['PlaceDue'], '0:1 1:2 2:3', undef ],
	[ 'pick-up', [ map { lease('p', $_) } 1 .. $size ], [ lease('p', 9), release(2) ], [ lease('p', 9) ], \@written, '0:1 2:3', '0:1 1:9 2:3' ],
	[ 'drop', [ lease('p', 1) ], [], [q(SELECT numpool_drop('p', true);)], ['Closing'], '0:1', undef ],
);
for (@steps)
{
	my ($what, $setup, $before, $asked, $points, $undone, $done) = @$_;
	for my $point (@$points, defined $done ? @over : ())
	{
		sql(qq(SELECT numpool_create('p', $size);));
		sql($_) for @$setup;
		ok(wait_in_use($node, 'p', 0), "$what: it has ended") if $what =~ /expiry/;
		crash_at($point, $before, @$asked);
		my $is_over = grep { $_ eq $point } @over;
		holders_are($is_over ? $done : $undone, "$what, killed at $point");
		sql(q(SELECT numpool_drop('p', true)));
		is(sql('SELECT count(*) FROM numpool_timed'), 0, "$what, killed at $point: with the pool its rows go");
	}
}

# The pool is gone, and with it what was leased.
sql(qq(SELECT numpool_create('p', $size);), lease('p', 1));
crash_at('RowsVisible', [], q(SELECT numpool_drop('p', true);));
is(sql('SELECT count(*) FROM numpool_pools'), 0, 'a drop that was committed');
is(sql('SELECT count(*) FROM numpool_timed'), 0, 'has deleted the rows');

# The loader dies, and the next one loads.
sql(qq(SELECT numpool_create('p', $size);), lease('p', 1), lease('p', 2, '1 s'));
my $fence = sql(renew(1));
$node->restart;
crash_at('TokensDue', [], renew(1));
cmp_ok(sql(renew(1)), '>', $fence, 'the loader was killed: the lease is there, with a larger fence');
is(sql(q(SELECT timed FROM numpool_pools)), 2, 'the loader was killed: and what was to end soon');
ok(wait_in_use($node, 'p', 1), 'the loader was killed: which ends in time');
unlike(slurp_file($node->logfile), qr/signal 11|signal 6|PANIC/, 'nothing has crashed by itself');
$node->stop;
done_testing();
