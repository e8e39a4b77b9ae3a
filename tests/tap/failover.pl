# A client with both hosts follows when the standby is promoted: what it held is lost, once; who
# waited waits on, without an error, and gets a number of the new primary with a larger fence.
use strict;
use warnings;
use IPC::Run;
use List::Util qw(max);
use Pair 'start_pair';
use PostgreSQL::Test::Utils;
use Test::More;

my $program = 'build/tests/failover_client';

# The lines of one kind as [index, fence].
sub events
{
	my ($out, $kind) = @_;
	return map { [ split / / ] } $out =~ /^$kind (\d+ \d+)$/mg;
}

# How long the client may go on, from each wait on.
my $limit = IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default);

sub wait_for
{
	my ($run, $what, $condition) = @_;
	$limit->exception("not in time: $what");
	$limit->start;
	until ($condition->())
	{
		$run->pump_nb;
		select(undef, undef, undef, 0.02);
	}
	pass($what);
}

# How many leases met another one of the same index.
sub overlaps
{
	my ($out) = @_;
	my ($count, %holder) = (0);
	while ($out =~ /^(acquired|releasing) (\d+) (\d+)$/mg)
	{
		if ($1 eq 'releasing') { delete $holder{$2}; next; }
		$count++ if exists $holder{$2};
		$holder{$2} = $3;
	}
	return $count;
}

# In mode "async" the three leases are held at the crash for certain; in "sync" the crash meets
# acquires and releases under way, so there may be less to lose.
for my $mode ('async', 'sync')
{
	my ($primary, $standby) =
		start_pair('failover', $mode, q(CREATE EXTENSION numpool; SELECT numpool_create('p', 3)));

	my ($in, $out, $err) = ('', '', '');
	# Once as a connection string says it, and once by the client's own default, past the standby, which comes first.
	my @hosts = $mode eq 'sync' ? ($primary, $standby) : ($standby, $primary);
	my $conninfo = join ' ', 'host=' . join(',', map { $_->host } @hosts), 'port=' . join(',', map { $_->port } @hosts),
		'dbname=postgres', $mode eq 'sync' ? 'target_session_attrs=read-write' : ();
	my $run = IPC::Run::start([ $program, $conninfo, 8 ], '<', \$in, '>', \$out, '2>', \$err, $limit);
	wait_for($run, "$mode: the client works on the primary", sub { events($out, 'releasing') > 20 });
	if ($mode eq 'async')
	{
		$in .= "hold\n";
		my $held = sub { events($out, 'acquired') - events($out, 'releasing') };
		my $quiet = 0;
		wait_for($run, "$mode: three leases are held", sub { $quiet = $held->() == 3 ? $quiet + 1 : 0; $quiet > 10 });
		$primary->wait_for_catchup($standby);
	}
	$primary->stop('immediate');
	# Nothing is granted until the promotion, so what comes before the silence is of the old primary.
	my ($length, $quiet) = (0, 0);
	wait_for($run, "$mode: without a primary all wait", sub {
		$quiet = $length == length $out ? $quiet + 1 : 0;
		$length = length $out;
		return $quiet > 25;
	});
	my $before = max map { $_->[1] } events($out, 'acquired');
	$standby->safe_psql('postgres', 'SELECT pg_promote()');

	wait_for($run, "$mode: all go on with the new primary",
		sub { events(substr($out, $length), 'releasing') > 20 });
	$run->finish;
	is($run->full_result(0), 0, "$mode: the program ends well");
	is($err, '', "$mode: and silently");

	my %lost;
	$lost{ $_->[1] }++ for events($out, 'lost');
	my %given_back = map { $_->[1] => 1 } events($out, 'releasing');
	my @kept = grep { !$given_back{$_} } map { $_->[1] } events($out, 'acquired');
	is(join(' ', grep { ($lost{$_} // 0) != 1 } @kept), '', "$mode: what was held is lost, once");
	is(scalar(grep { $_ != 1 } values %lost), 0, "$mode: no lease is lost twice");
	is(scalar(keys %lost), 3, "$mode: three were held, and no other is lost") if $mode eq 'async';
	my $late = substr($out, $length);
	unlike($late, qr/^(lost|error)/m, "$mode: none of the new primary is lost, nothing fails");
	unlike($out, qr/^error acquire/m, "$mode: no acquire fails");
	my @fences = map { $_->[1] } events($out, 'acquired');
	my %seen;
	is(scalar(grep { $seen{$_}++ } @fences), 0, "$mode: no fence comes twice");
	is(overlaps($late), 0, "$mode: no number of the new primary has two holders");
	is(scalar(grep { $_->[1] <= $before } events($late, 'acquired')), 0, "$mode: every later fence is larger");
	is($standby->safe_psql('postgres', 'SELECT count(*) FROM numpool_leases'), 0, "$mode: nothing is held at the end");
	$standby->stop;
}

done_testing();
