# A fence is given only once its draw is where commits wait for it to be: on the synchronous standbys.
# A wait for them that is cancelled gives nothing, and wastes nothing.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Session 'open_session';
use Test::More;

my $drawn = q(SELECT last_value FROM numpool_fence_seq);
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
$node->start;
$node->safe_psql('postgres', q(CREATE EXTENSION numpool; SELECT numpool_create('p', 3)));
$node->backup('base');
$node->append_conf('postgresql.conf', q(synchronous_standby_names = '*'));
$node->restart;

# There is no standby: the first arrival waits for one.
my $acquire = q(SELECT numpool_fence('p', i) FROM numpool_acquire('p') AS i);
my $waits = q(SELECT count(*) = %d FROM pg_stat_activity WHERE wait_event = 'SyncRep');
my %out;
my %session = map { $_ => open_session($node, on_error_stop => 0) } qw(first second);
sub start_acquire
{
	my ($who) = @_;
	$session{$who}->query('\set VERBOSITY sqlstate');
	$session{$who}->query_until(qr/asked/, "\\echo asked\n$acquire;\n\\echo answered\n");
}
start_acquire('first');
ok($node->poll_query_until('postgres', sprintf($waits, 1)), 'the first arrival waits for the replication of its draw');
start_acquire('second');
ok($node->poll_query_until('postgres', sprintf($waits, 2)), 'so does another: no number is given yet');
is($node->safe_psql('postgres', q(SELECT in_use || ' ' || waiting FROM numpool_pools)), '0 0', 'neither holds nor queues');

$node->safe_psql('postgres', q(SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep' ORDER BY backend_start LIMIT 1));
$session{first}->wait_for_output(qr/answered/);
$session{first}->take_in_output;
like($session{first}->{stderr}, qr/ERROR:  57014/, 'cancelled: 57014');
my $limit = $node->safe_psql('postgres', $drawn);
unlike($session{first}->{stdout}, qr/^\d+$/m, 'and no number');
is($node->safe_psql('postgres', sprintf($waits, 1)), 't', 'the other still waits');

# A standby comes: from here on the draw is good.
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$session{second}->wait_for_output(qr/answered/);
my ($fence) = $session{second}->{stdout} =~ /^(\d+)$/m;
cmp_ok($fence, '<', $limit, 'the other is given a number of the draw of who was cancelled');
is($node->safe_psql('postgres', $drawn), $limit, 'there was no other draw');

# Who does not wait for standbys at COMMIT does not wait here either.
$standby->stop;
$node->restart;
is($node->safe_psql('postgres', qq(SET synchronous_commit = local; $acquire)) > $fence, 1, 'synchronous_commit = local waits for none');
$_->quit for values %session;
$node->append_conf('postgresql.conf', q(synchronous_standby_names = ''));
$node->stop('immediate');
done_testing();
