# A fast shutdown ends every session; none of them is given a number on the way out. A smart one waits
# for its sessions, and serves them meanwhile.
use strict;
use warnings;
use IPC::Run;
use Time::HiRes qw(sleep time);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Session 'open_session';
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', 'max_connections = 60');
$node->start;
$node->safe_psql('postgres', q(CREATE EXTENSION numpool; SELECT numpool_create('p', 1)));

# What psql has said once it is over: the number it was given, if any.
sub start_waiter
{
	my ($acquire) = @_;
	my ($out, $error) = ('', '');
	my $run = IPC::Run::start(['psql', '-X', '-A', '-t', '-d', $node->connstr('postgres'), '-c', "SELECT 'got ' || $acquire('p')"],
		'<', \undef, '>', \$out, '2>', \$error);
	return { run => $run, out => \$out };
}

sub holder
{
	my ($acquire) = @_;
	my $psql = open_session($node);
	$psql->query_safe("BEGIN; SELECT $acquire('p')");
	$psql->query_safe('COMMIT') if $acquire !~ /xact/;
	return ($psql, $psql->query_safe('SELECT pg_backend_pid()'));
}

sub waiting { return $node->poll_query_until('postgres', "SELECT count(*) = $_[0] FROM numpool_waiters"); }

for my $acquire ('numpool_acquire', 'numpool_acquire_xact')
{
	my ($holder) = holder($acquire);
	my @waiters = map { start_waiter('numpool_acquire') } 1 .. 40;
	waiting(40);
	$node->stop('fast');
	$_->{run}->finish for @waiters;
	is(scalar(grep { ${ $_->{out} } =~ /got/ } @waiters), 0, "$acquire: nobody is given a number in a fast shutdown");
	eval { $holder->quit };
	$node->start;
}

# Who is terminated while the server says that it is stopping holds on to its number until all
# sessions have been signalled. The postmaster's file is what says so.
my $file = $node->data_dir . '/postmaster.pid';
my $before = slurp_file($file);
(my $stopping = $before) =~ s/^ready   $/stopping/m;
isnt($stopping, $before, 'the file says that the server is ready');
sub write_status { my ($text) = @_; open my $out, '+<', $file or die $!; print $out $text; close $out; }

for my $acquire ('numpool_acquire', 'numpool_acquire_xact')
{
	my ($holder, $pid) = holder($acquire);
	my $waiter = start_waiter('numpool_acquire');
	waiting(1);
	write_status($stopping);
	my $start = time;
	kill 'TERM', $pid;
	$waiter->{run}->finish;
	my $took = time - $start;
	write_status($before);
	like(${ $waiter->{out} }, qr/got 0/, "$acquire: a session that is left is served all the same");
	cmp_ok($took, '>=', 0.1, 'after the others have been signalled');
	eval { $holder->quit };
}

# One that is terminated while the server is not stopping hands on at once.
my ($holder, $pid) = holder('numpool_acquire');
my $waiter = start_waiter('numpool_acquire');
waiting(1);
kill 'TERM', $pid;
$waiter->{run}->finish;
like(${ $waiter->{out} }, qr/got 0/, 'terminated while the server goes on: handed on');
eval { $holder->quit };

# In a smart shutdown a session that leaves by itself hands on at once.
($holder) = holder('numpool_acquire');
$waiter = start_waiter('numpool_acquire');
waiting(1);
my $stop = IPC::Run::start(['pg_ctl', '-D', $node->data_dir, '-m', 'smart', 'stop'], '>', \my $said, '2>&1');
for (1 .. 600) { last if slurp_file($file) =~ /^stopping/m; sleep 0.05; }
$holder->quit;
$waiter->{run}->finish;
like(${ $waiter->{out} }, qr/got 0/, 'smart: who waits is served');
$stop->finish;
$node->_update_pid(0);
done_testing();
