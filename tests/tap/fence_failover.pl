# Fences over failovers: to a standby that has not heard of the last draw, in a split brain, and of
# those who wait for replication when others do not.
use strict;
use warnings;
use File::Copy 'copy';
use Pair 'start_pair';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Session 'open_session';
use Test::More;

my $install = q(CREATE EXTENSION numpool; SELECT numpool_create('p', 3));
my $acquire = q(SELECT numpool_fence('p', i) FROM numpool_acquire_xact('p', '5 s') AS i);

# Gives so many.
sub use_up { return "DO \$\$ BEGIN FOR n IN 1..$_[0] LOOP PERFORM numpool_acquire_xact('p'); COMMIT; END LOOP; END \$\$"; }

sub fence { return $_[0]->safe_psql('postgres', ($_[1] // '') . $acquire); }

sub crash
{
	my ($node) = @_;
	$node->stop('immediate');
	$node->start;
}

# The standby hears nothing any more, as in the window after a crash until it is connected again.
sub cut_off
{
	my ($primary, $standby) = @_;
	$primary->wait_for_catchup($standby);
	$standby->append_conf('postgresql.conf', q(primary_conninfo = 'host=/nonexistent'));
	$standby->reload;
	$primary->poll_query_until('postgres', 'SELECT count(*) = 0 FROM pg_stat_replication');
}

{
	my ($primary, $standby) = start_pair('window', 'async', $install);
	my $highest = fence($primary);
	cut_off($primary, $standby);
	for (1 .. 3)
	{
		crash($primary);
		$highest = fence($primary);
	}
	$standby->promote;
	my $promoted = fence($standby);
	cmp_ok($promoted, '>', $highest, 'larger on a standby that has not received the last draws');

	# The old primary goes on, and is restarted: the other side of a split brain.
	for my $when ('at once', 'after a crash', 'after another')
	{
		cmp_ok(fence($primary), '<', $promoted, "the old side's are smaller, $when");
		crash($primary);
	}
	$primary->safe_psql('postgres', use_up(300000));
	cmp_ok(fence($primary), '<', $promoted, 'also when it has given many');
	cmp_ok(fence($standby), '>', $promoted, "the rightful one's grow");
	$promoted = fence($standby);
	crash($standby);
	cmp_ok(fence($standby), '>', $promoted, 'over a crash as well');
	$primary->stop('immediate');
	$standby->stop;
}

# One after the other is promoted, and none has heard of what the one before drew.
{
	my ($first, $second) = start_pair('chain', 'async', $install);
	my $third = PostgreSQL::Test::Cluster->new('chain_third');
	$third->init_from_backup($first, 'base', has_streaming => 1);
	$third->start;
	my $highest = fence($first);
	$first->wait_for_catchup($third);
	$first->stop('immediate');
	$second->promote;
	my $next = fence($second);
	cmp_ok($next, '>', $highest, 'larger on the second');
	# The third must know that there was a second timeline, or it calls its own by the same number.
	$third->stop;
	my $history = '/pg_wal/00000002.history';
	copy($second->data_dir . $history, $third->data_dir . $history) or die $!;
	$third->start;
	$second->stop('immediate');
	$third->promote;
	is($third->safe_psql('postgres', 'SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)'), '00000003', 'a third timeline');
	cmp_ok(fence($third), '>', $next, 'larger on the third, which has not heard of the second');
	$third->stop;
}

# Joe does not wait for replication, and draws. Who does wait is given a fence only when the draw is
# replicated.
{
	my ($primary, $standby) = start_pair('setting', 'sync', $install);
	$standby->stop;
	my $joe = fence($primary, 'SET synchronous_commit = off; ');
	cmp_ok($joe, '>', 0, 'who does not wait is given one while the standby is away');
	my ($status, $out, $err) = $primary->psql('postgres', "SELECT numpool_acquire('p', '300 ms') IS NULL");
	is($out, 't', 'who waits is given none of the same draw');
	my $session = open_session($primary, on_error_stop => 0);
	$session->query_until(qr/asked/, "\\echo asked\n$acquire;\n\\echo answered\n");
	ok($primary->poll_query_until('postgres', q(SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep')), 'it waits');
	cmp_ok(fence($primary, 'SET synchronous_commit = local; '), '>', $joe, 'meanwhile others go on without');
	$standby->start;
	$session->wait_for_output(qr/answered/);
	my ($waited) = $session->{stdout} =~ /^(\d+)$/m;
	cmp_ok($waited, '>', $joe, 'it is given one when the standby is back');
	$session->quit;

	# Many that do not wait use the fences up while the standby is away, so that another draw is due.
	$standby->stop;
	($status, $out, $err) = $primary->psql('postgres',
		"SET synchronous_commit = local;\nSET statement_timeout = '20 s';\n" . use_up(400000), timeout => 60);
	like($err, qr/statement timeout/, 'where somebody relies on it, nobody is given more than is replicated');
	$standby->start;
	$primary->poll_query_until('postgres', q(SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'));
	is(($primary->psql('postgres', "SET synchronous_commit = local;\n" . use_up(400000)))[0], 0, 'until it is');
	my $highest = fence($primary);
	$primary->stop('immediate');
	$standby->promote;
	cmp_ok(fence($standby), '>', $highest, 'larger on the standby');
	$standby->stop;
}
done_testing();
