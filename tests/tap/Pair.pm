# A primary and its streaming standby.
package Pair;
use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Cluster;

our @EXPORT_OK = qw(start_pair);

# Both, running, with what the SQL has made. In mode "sync" each commit waits for the standby, in "async" none does.
sub start_pair
{
	my ($name, $mode, $sql) = @_;
	my $primary = PostgreSQL::Test::Cluster->new("${name}_primary_$mode");
	$primary->init(allows_streaming => 1);
	$primary->start;
	$primary->safe_psql('postgres', $sql);
	$primary->backup('base');
	my $standby = PostgreSQL::Test::Cluster->new("${name}_standby_$mode");
	$standby->init_from_backup($primary, 'base', has_streaming => 1);
	$standby->start;
	if ($mode eq 'sync')
	{
		$primary->append_conf('postgresql.conf', q(synchronous_standby_names = '*'));
		$primary->reload;
		$primary->poll_query_until('postgres', q(SELECT count(*) = 1 FROM pg_stat_replication WHERE sync_state = 'sync'));
	}
	return ($primary, $standby);
}

1;
