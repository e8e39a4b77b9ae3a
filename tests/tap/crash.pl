# After a crash or an immediate stop: definitions survive, leases are gone, fences grow.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Lease 'crash_backend';
use Session 'open_session';
use Test::More;

my $acquire = q(SELECT i || ' ' || numpool_fence('p', i) FROM numpool_acquire('p', '5 s') AS i);
my $highest = 0;

# A session that acquires, says its backend's pid, index and fence, and stays.
sub hold
{
	my ($node) = @_;
	my $psql = open_session($node);
	my ($index, $fence) = split / /, $psql->query_safe($acquire);
	return ($psql, $psql->query_safe('SELECT pg_backend_pid()'), $index, $fence);
}

# kill -9 of the postmaster; returns when it is gone, so that it can be started again.
sub kill_postmaster
{
	my ($node) = @_;
	my ($pid) = split /\n/, slurp_file($node->data_dir . '/postmaster.pid');
	$node->kill9;
	for (1 .. 100)
	{
		return unless kill 0, $pid;
		select(undef, undef, undef, 0.1);
	}
	die "the postmaster $pid does not go";
}

sub fence_grows
{
	my ($fence, $when) = @_;
	cmp_ok($fence, '>', $highest, "the fence has grown $when");
	$highest = $fence;
}

for my $preload ('', 'numpool')
{
	my $how = $preload ? 'preloaded' : 'not preloaded';
	my $node = PostgreSQL::Test::Cluster->new($preload ? 'preloaded' : 'plain');
	$node->init;
	$node->append_conf('postgresql.conf', "shared_preload_libraries = '$preload'");
	$node->append_conf('postgresql.conf', 'restart_after_crash = on');
	$node->start;
	$node->safe_psql('postgres', 'CREATE EXTENSION numpool');
	$node->safe_psql('postgres', q(SELECT numpool_create('p', 2, '{"k": 1}')));
	$highest = 0;

	my ($psql, $pid, $index, $fence) = hold($node);
	is($index, 0, "$how: acquired");
	fence_grows($fence, 'from nothing');

	crash_backend($node, $pid);
	$psql->{run}->kill_kill;
	ok($node->poll_query_until('postgres',
			q(SELECT count(*) = 0 FROM numpool_leases)), "$how: no lease after the crash of a backend");
	is($node->safe_psql('postgres', q(SELECT size || ' ' || free || ' ' || metadata FROM numpool_pools)),
		'2 2 {"k": 1}', "$how: the definition has survived");
	(undef, $fence) = split / /, $node->safe_psql('postgres', $acquire);
	fence_grows($fence, 'over the crash of a backend');

	$node->stop('immediate');
	$node->start;
	(undef, $fence) = split / /, $node->safe_psql('postgres', $acquire);
	fence_grows($fence, 'over an immediate stop');

	kill_postmaster($node);
	$node->start;
	(undef, $fence) = split / /,
	  $node->safe_psql('postgres', "BEGIN READ ONLY; $acquire; COMMIT");
	fence_grows($fence, 'over kill -9 of the postmaster, in a READ ONLY transaction');

	$node->restart;
	(undef, $fence) = split / /, $node->safe_psql('postgres', $acquire);
	fence_grows($fence, 'over an orderly restart');
	is($node->safe_psql('postgres', 'SELECT in_use FROM numpool_pools'), 0, "$how: nothing is held");
	$node->stop;
}

done_testing();
