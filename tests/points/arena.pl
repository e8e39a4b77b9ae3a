# The making of the arena, stopped at its debug points: nobody else waits for it; whoever loses the
# race uses the other's; and whatever ends it leaves no segment behind.
use strict;
use warnings;
use Gate qw(close_gate wait_until_stands open_gates);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Session 'open_session';
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q(shared_preload_libraries = 'numpool'));
# Its segments are files of its own, and an arena of this size is made in steps.
$node->append_conf('postgresql.conf', q(dynamic_shared_memory_type = 'mmap'));
$node->append_conf('postgresql.conf', q(numpool.shared_memory_size = '40MB'));
$node->start;
$node->safe_psql('postgres', q(CREATE EXTENSION numpool; SELECT numpool_create('a', 2)));

sub segments { return grep { -f && -s > 2**20 } glob($node->data_dir . '/pg_dynshmem/mmap.*') }
sub session { return open_session($node, on_error_stop => 0) }

# Starts a session that uses numpool, and returns it and its pid while it stands at the point.
sub begin_and_stop
{
	my ($point, $gate, $settings) = @_;
	my $session = session();
	$session->query_safe($settings) if $settings;
	my $pid = $session->query_safe('SELECT pg_backend_pid()');
	close_gate($gate, $pid, $point);
	$session->send_lines("\\set VERBOSITY sqlstate\nSELECT 'got ' || numpool_acquire('a');\n");
	wait_until_stands($node, $pid, $point);
	return ($session, $pid);
}

for my $point (qw(ArenaGrowing ArenaMade))
{
	$node->restart;
	my $gate = session();
	my ($first) = begin_and_stop($point, $gate);
	is(scalar(my @alone = segments()), 1, 'it has a segment, half made or unknown to others');

	# No lock is held: another extension comes into its shared memory, and numpool into its own.
	is($node->safe_psql('postgres', q(SET statement_timeout = '20s'; SELECT numpool_acquire('a'))), '0',
		'another session makes the arena meanwhile');
	is(scalar(my @two = segments()), 2, 'a second one');
	my $second = session();
	is($second->query_safe(q(SELECT numpool_acquire('a'))), '0', 'and others use it');
	open_gates($gate);
	like($first->query_safe('SELECT 1'), qr/^got 1$/m, 'the first one joins them');
	is(scalar(my @one = segments()), 1, 'and has given its own back');
	$_->quit for $first, $second, $gate;
}

my %ends = (
	'a cancel' => sub { $node->safe_psql('postgres', "SELECT pg_cancel_backend($_[0])") },
	'a termination' => sub { $node->safe_psql('postgres', "SELECT pg_terminate_backend($_[0])") },
	'statement_timeout' => sub { sleep 1 },
);
for my $how (sort keys %ends)
{
	$node->restart;
	my $gate = session();
	my $settings = $how eq 'statement_timeout' ? q(SET statement_timeout = '500ms') : undef;
	my ($session, $pid) = begin_and_stop('ArenaGrowing', $gate, $settings);
	$ends{$how}->($pid);
	open_gates($gate);
	if ($how eq 'a termination')
	{
		ok($node->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $pid)"), "$how ends the session");
		$session->{run}->kill_kill;
	}
	else
	{
		$session->query('SELECT 1');
		like($session->{stderr}, qr/57014/, "$how ends the making");
	}
	is(scalar(my @none = segments()), 0, 'and nothing of it stays');
	is($node->safe_psql('postgres', q(SELECT size IS NULL FROM numpool_memory)), 't', 'there is no arena');
	is($node->safe_psql('postgres', q(SELECT numpool_acquire('a'))), '0', 'the next one makes it');
	is(scalar(my @made = segments()), 1, 'once');
	$_->quit for ($how eq 'a termination' ? () : $session), $gate;
}

# A rollback to a savepoint ends it too.
$node->restart;
my $gate = session();
my $session = session();
$session->query_safe(q(SET statement_timeout = '500ms'));
my $pid = $session->query_safe('SELECT pg_backend_pid()');
close_gate($gate, $pid, 'ArenaMade');
$session->send_lines(q(DO $$ BEGIN PERFORM numpool_acquire('a'); EXCEPTION WHEN query_canceled THEN PERFORM set_config('statement_timeout', '0', false); END $$;) . "\n");
sleep 1;
open_gates($gate);
$session->query('SELECT 1');
is($session->query_safe(q(SELECT numpool_acquire('a'))), '0', 'a session whose exception block has taken in the cancel goes on');
is(scalar(my @last = segments()), 1, 'with one segment');
$_->quit for $session, $gate;
$node->stop;
done_testing();
