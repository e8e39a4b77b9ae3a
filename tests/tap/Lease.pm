# Timed leases for the tests of crashes, restarts and copies.
package Lease;
use strict;
use warnings;
use Exporter 'import';
use IPC::Run;
use PostgreSQL::Test::Utils;

our @EXPORT_OK = qw(token lease keep release renew crash_backend wait_in_use);

# A token by number, as SQL.
sub token { return sprintf("'%08d-0000-4000-8000-000000000000'::uuid", $_[0]); }

# SQL that gives "index fence", or nothing.
sub lease
{
	my ($pool, $token, $ttl, $timeout) = @_;
	return sprintf(q(SELECT index || ' ' || fence FROM numpool_lease('%s', '%s', %s, '%s');),
		$pool, $ttl // '1 h', token($token), $timeout // '0');
}

# The fence of what the session holds and the token gets.
sub keep
{
	my ($pool, $index, $token) = @_;
	return sprintf(q(SELECT fence FROM numpool_keep('%s', %d, '1 h', %s);), $pool, $index, token($token));
}

sub release { return 'SELECT numpool_release(' . token($_[0]) . ');'; }

# The fence of what the token holds, or nothing.
sub renew { return 'SELECT fence FROM numpool_renew(' . token($_[0]) . ');'; }

# kill -9 of a backend, and all that comes of it, until the server lets sessions in again.
# PostgreSQL's poll_query_until must not be called before: a psql that is refused may have ended before
# it is sent its query, and the test dies of the broken pipe.
sub crash_backend
{
	my ($node, $pid) = @_;
	my $log = -s $node->logfile;
	kill 'KILL', $pid;
	$node->wait_for_log(qr/database system is ready to accept connections/, $log);
	my @look = ($node->installed_command('psql'), '-XAtq', '-d', $node->connstr('postgres'), '-c', 'SELECT 1');
	my $tries = 10 * $PostgreSQL::Test::Utils::timeout_default;
	until (IPC::Run::run(\@look, '<', '/dev/null', '>', '/dev/null', '2>', '/dev/null'))
	{
		die 'the server does not come back' if --$tries == 0;
		select(undef, undef, undef, 0.1);
	}
}

# Until so many numbers of the pool are in use.
sub wait_in_use
{
	my ($node, $pool, $count) = @_;
	return $node->poll_query_until('postgres', "SELECT in_use = $count FROM numpool_pools WHERE pool = '$pool'");
}

1;
