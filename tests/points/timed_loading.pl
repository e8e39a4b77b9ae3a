# The loading of timed leases after a start, stopped where all is read and no lease is there yet: who looks does not
# wait, who asks waits as long as it may, and whatever ends the loader, the next one loads.
use strict;
use warnings;
use Gate qw(close_gate wait_until_stands open_gates);
use Lease qw(lease release renew wait_in_use);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Session 'open_session';
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
sub sql { return $node->safe_psql('postgres', join ' ', @_); }
sub session { return open_session($node, on_error_stop => 0); }
sub sqlstate_of
{
	my ($status, $out, $error) = $node->psql('postgres', join ' ', "\\set VERBOSITY sqlstate\n", @_);
	return $error =~ /ERROR:  (\w{5})/ ? $1 : $out;
}
sub ask
{
	my ($session, @sql) = @_;
	$session->send_lines(join(' ', "\\set VERBOSITY sqlstate\n", @sql) . "\n\\echo answered\n");
}
sub answer_of
{
	my ($session) = @_;
	$session->wait_for_output(qr/answered/);
	my ($state) = $session->{stderr} =~ /(?:ERROR|FATAL):  (\w{5})/;
	my ($first) = $session->{stdout} =~ /^(.*)\n(?:.*\n)*answered/;
	$session->{stdout} = $session->{stderr} = '';
	return $state // $first;
}
sub wait_until_asleep
{
	my ($pid) = @_;
	ok($node->poll_query_until('postgres', "SELECT wait_event_type IN ('Lock', 'IPC', 'Extension') FROM pg_stat_activity WHERE pid = $pid"), 'another waits');
}
# After a restart, a session that loads and stands.
sub loader
{
	my ($gate, $asked) = @_;
	my $session = session();
	my $pid = $session->query_safe('SELECT pg_backend_pid()');
	close_gate($gate, $pid, 'TokensDue');
	ask($session, $asked);
	wait_until_stands($node, $pid, 'TokensDue');
	return ($session, $pid);
}

sql('CREATE EXTENSION numpool;', q(SELECT numpool_create('p', 3), numpool_create('other', 1);),
	lease('p', 1), lease('p', 2, '500 ms'));
my $fence = sql(renew(1));

# Others meanwhile.
$node->restart;
my $gate = session();
my ($loader) = loader($gate, renew(1));
is(sqlstate_of(q(SET statement_timeout = '20 s'; SELECT count(*) FROM numpool_leases)), '0', 'the views do not wait');
is(sqlstate_of(q(SET statement_timeout = '20 s'; SELECT count(*) FROM numpool_pools)), '2', 'of pools neither');
is(sqlstate_of(lease('p', 1)), '', 'a lease that may not wait: nothing');
is(sqlstate_of(q(SELECT numpool_acquire('other', '200 ms') IS NULL)), 't', 'an acquire waits as long as it may');
is(sqlstate_of(q(SET statement_timeout = '200 ms';), $_), '57014', "cancelled while it waits: $_")
  for renew(1), release(1), q(SELECT numpool_acquire('p'));
my $renewer = session();
my $renewer_pid = $renewer->query_safe('SELECT pg_backend_pid()');
ask($renewer, renew(1));
wait_until_asleep($renewer_pid);
open_gates($gate);
my $loaded = answer_of($loader);
cmp_ok($loaded, '>', $fence, 'the loader has its lease');
is(answer_of($renewer), $loaded, 'who has waited sees the same');
is(sql(q(SELECT timed FROM numpool_pools WHERE pool = 'p')), 2, 'all are there');
ok(wait_in_use($node, 'p', 1), 'and end in time');
$fence = $loaded;

# The loader is ended.
for my $how ('cancel', 'terminate')
{
	$node->restart;
	$gate = session();
	my ($ended, $pid) = loader($gate, renew(1));
	sql("SELECT pg_${how}_backend($pid)");
	open_gates($gate);
	ok($node->poll_query_until('postgres', "SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $pid AND state = 'active'"), "$how: the call ends");
	my $after = sql(renew(1));
	cmp_ok($after, '>', $fence, "$how: the lease is there");
	is(sql(q(SELECT count(*) FROM numpool_timed)), 2, "$how: with its row, and what an expiry has left");
	ok(wait_in_use($node, 'p', 1), "$how: which ends again");
	$ended->{run}->kill_kill;
	$fence = $after;
}

# A drop and a release come while it is loaded.
$node->restart;
$gate = session();
($loader) = loader($gate, q(SELECT numpool_acquire('other');));
my ($dropper, $releaser) = (session(), session());
my ($dropper_pid, $releaser_pid) = map { $_->query_safe('SELECT pg_backend_pid()') } $dropper, $releaser;
ask($releaser, release(1));
ask($dropper, q(SELECT numpool_drop('p', true);));
wait_until_asleep($_) for $dropper_pid, $releaser_pid;
open_gates($gate);
is(answer_of($loader), '0', 'the loader goes on to another pool');
is(answer_of($dropper), 't', 'the drop is done');
like(answer_of($releaser), qr/^[tf]$/, 'and the release, before it or after');
is(sql('SELECT count(*) FROM numpool_timed'), 0, 'no row is left');
is(sql(q(SELECT string_agg(pool, ' ') FROM numpool_pools)), 'other', 'nor the pool');
$node->stop;
done_testing();
