# Stops a session at a debug point (extension/pg/debug_point_list.h).
package Gate;
use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT_OK = qw(close_gate wait_until_stands open_gates);

# The numbers of the points.
my %number;
{
	my $list = slurp_file('extension/pg/debug_point_list.h');
	my ($body) = $list =~ /enum class DebugPoint[^{]*\{(.*?)\n\};/s;
	my $next = 0;
	$number{$1} = $next++ while $body =~ /^\s*k(\w+),/mg;
}

# From now on the backend stops at the point. The session `gate` holds what stops it.
sub close_gate
{
	my ($gate, $pid, $point) = @_;
	defined $number{$point} or die "no point $point";
	$gate->query_safe(sprintf('SELECT pg_advisory_lock((%d::bigint << 32) | %d)', $pid, 0x6e750000 | $number{$point}));
}

sub wait_until_stands
{
	my ($node, $pid, $point) = @_;
	ok($node->poll_query_until('postgres', sprintf(
		q(SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = %d AND objid::bigint = %d)),
		$pid, 0x6e760000 | $number{$point})), "a session stands at $point");
}

sub open_gates { $_[0]->query_safe('SELECT pg_advisory_unlock_all()'); }

1;
