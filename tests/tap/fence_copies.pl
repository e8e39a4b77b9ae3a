# Every fence is larger than all before it, over copies of the database and of the extension: CREATE
# DATABASE ... TEMPLATE, DROP and CREATE EXTENSION, a dump that goes on elsewhere, and restarts between.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $install = q(CREATE EXTENSION numpool; SELECT numpool_create('p', 1));
my $acquire = q(SELECT numpool_fence('p', i) FROM numpool_acquire_xact('p', '5 s') AS i);
my %highest;

# One more fence of that database, which must be larger.
sub grows
{
	my ($node, $database, $when) = @_;
	my $fence = $node->safe_psql($database, $acquire);
	cmp_ok($fence, '>', $highest{$database} // 0, "$database: larger $when");
	$highest{$database} = $fence;
}

sub crash
{
	my ($node) = @_;
	$node->stop('immediate');
	$node->start;
}

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;

# A copy of a database whose fences are in use.
for my $strategy ('wal_log', 'file_copy')
{
	my ($from, $to) = ("from_$strategy", "to_$strategy");
	$node->safe_psql('postgres', "CREATE DATABASE $from");
	$node->safe_psql($from, $install);
	grows($node, $from, 'at first');
	$node->safe_psql('postgres', "CREATE DATABASE $to TEMPLATE $from STRATEGY $strategy");
	grows($node, $to, 'in a copy');
	crash($node);
	grows($node, $to, 'in a copy, after a crash');
	grows($node, $from, 'in the template, after a crash');
}

# A name that comes back.
my $again = "DROP EXTENSION numpool; $install";
$node->safe_psql('postgres', $install);
grows($node, 'postgres', 'at first');
$node->safe_psql('postgres', $again);
grows($node, 'postgres', 'after DROP and CREATE EXTENSION');
crash($node);
grows($node, 'postgres', 'after a crash of the new one');
for my $round (1 .. 5)
{
	crash($node);
	grows($node, 'postgres', "after crash $round in a row");
}
$node->safe_psql('postgres', 'DROP EXTENSION numpool');
crash($node);
$node->safe_psql('postgres', $install);
grows($node, 'postgres', 'after DROP EXTENSION, a crash and CREATE EXTENSION');
my $rolled_back = $node->safe_psql('postgres', "BEGIN; $again; $acquire; ROLLBACK");
$rolled_back =~ s/.*\n//s;
cmp_ok($rolled_back, '>', $highest{postgres}, 'larger in a transaction that makes the extension anew');
$highest{postgres} = $rolled_back;
grows($node, 'postgres', 'when that has been rolled back');
$node->safe_psql('postgres', $again);
$node->restart;
grows($node, 'postgres', 'when the new one is first used after a restart');

# A logical copy takes over. The old server goes on for a while, restarts and all.
my $copy = PostgreSQL::Test::Cluster->new('copy');
$copy->init;
$copy->start;
for my $way ('dump', 'new')
{
	$copy->safe_psql('postgres', "CREATE DATABASE $way");
	$node->safe_psql('postgres', "CREATE DATABASE $way TEMPLATE postgres");
	grows($node, $way, 'on the old server');
	if ($way eq 'dump')
	{
		my $file = PostgreSQL::Test::Utils::tempdir() . '/dump';
		command_ok(['pg_dump', '-h', $node->host, '-p', $node->port, '-f', $file, $way], 'dumped');
		command_ok(['psql', '-h', $copy->host, '-p', $copy->port, '-X', '-q', '-f', $file, $way], 'restored');
	}
	else
	{
		$copy->safe_psql($way, $install);
	}
	for (1 .. 3)
	{
		crash($node);
		grows($node, $way, 'on the old server, after a crash');
	}
	grows($copy, $way, 'on the copy');
}

# lastval is the user's.
is($node->safe_psql('postgres', "CREATE TABLE t (id serial); DROP EXTENSION numpool; $install"), 't', 'no block yet');
$node->restart;
$node->safe_psql('postgres', 'CREATE ROLE joe; GRANT ALL ON t, t_id_seq TO joe');
is($node->safe_psql('postgres', "SET ROLE joe; INSERT INTO t DEFAULT VALUES; $acquire; SELECT lastval()") =~ /^\d+\n1$/, 1,
	'the first acquire of a start leaves lastval alone');
is($node->safe_psql('postgres', "BEGIN; $acquire; SELECT pg_current_xact_id_if_assigned() IS NULL; COMMIT") =~ /\nt$/, 1,
	'nor does it get a transaction id');

# By hand.
my ($status, $out, $err);
my $advance = $node->safe_psql('postgres', "SELECT numpool_advance_fences($highest{postgres} + 1000000000000000)");
cmp_ok($advance, '>=', $highest{postgres} + 1e15, 'advanced');
$highest{postgres} = $advance - 1;
grows($node, 'postgres', 'than asked for');
crash($node);
grows($node, 'postgres', 'over a crash after that');
is($node->safe_psql('postgres', 'SELECT numpool_advance_fences(1)') > $highest{postgres}, 1, 'what is reached already changes nothing');
grows($node, 'postgres', 'after that');
$node->safe_psql('postgres', "BEGIN; SELECT numpool_advance_fences($highest{postgres} + 100000000000000); ROLLBACK");
$highest{postgres} += 1e14 - 1;
grows($node, 'postgres', 'though that was rolled back');
for my $wrong ('0', '-1', '9007199254740992', '9223372036854775807')
{
	($status, $out, $err) = $node->psql('postgres', "\\set VERBOSITY sqlstate\nSELECT numpool_advance_fences($wrong)");
	like($err, qr/22023/, "out of range: $wrong");
}
for my $refused ([ 'SELECT numpool_advance_fences(NULL)', '22004' ], [ 'BEGIN READ ONLY; SELECT numpool_advance_fences(5)', '25006' ],
	[ 'SET ROLE joe; SELECT numpool_advance_fences(5)', '42501' ])
{
	($status, $out, $err) = $node->psql('postgres', "\\set VERBOSITY sqlstate\n$refused->[0]");
	like($err, qr/$refused->[1]/, "$refused->[1]: $refused->[0]");
}
$_->stop for $copy, $node;
done_testing();
