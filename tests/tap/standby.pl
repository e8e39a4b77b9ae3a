# A standby has the definitions and refuses the rest (25006); promoted, it grants larger fences.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $fence = q(SELECT numpool_fence('p', i) FROM numpool_acquire('p', '5 s') AS i);

for my $mode ('async', 'sync')
{
	my $primary = PostgreSQL::Test::Cluster->new("primary_$mode");
	$primary->init(allows_streaming => 1);
	$primary->start;
	$primary->safe_psql('postgres', q(CREATE EXTENSION numpool; SELECT numpool_create('p', 3)));
	$primary->backup('base');
	my $standby = PostgreSQL::Test::Cluster->new("standby_$mode");
	$standby->init_from_backup($primary, 'base', has_streaming => 1);
	$standby->start;
	if ($mode eq 'sync')
	{
		$primary->append_conf('postgresql.conf', q(synchronous_standby_names = '*'));
		$primary->reload;
		$primary->poll_query_until('postgres',
			q(SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'));
	}

	my $before = $primary->safe_psql('postgres', $fence);
	$primary->wait_for_catchup($standby) if $mode eq 'async';

	is($standby->safe_psql('postgres', 'SELECT * FROM numpool_list()'), 'p', "$mode: definitions are on the standby");
	for my $call ($fence, q(SELECT numpool_try_acquire('p')), q(SELECT numpool_enqueue('p')),
		q(SELECT numpool_create('q', 1)))
	{
		my ($status, $out, $err) = $standby->psql('postgres', "\\set VERBOSITY sqlstate\n$call");
		like($err, qr/25006/, "$mode: refused on a standby: $call");
	}

	$primary->stop('immediate');
	$standby->promote;
	cmp_ok($standby->safe_psql('postgres', $fence), '>', $before, "$mode: the fence has grown over the failover");
	$standby->stop;
}

done_testing();
