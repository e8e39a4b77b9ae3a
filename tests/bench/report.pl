# Reads what was measured, lines "TABLE <tab> X <tab> SYSTEM <tab> VALUE", and prints a verdict for
# each aim. With --write FOLDER also FOLDER/RESULTS.md and FOLDER/plots/*.svg (needs gnuplot).
#
#   perl tests/bench/report.pl [--write FOLDER] FILE...
use strict;
use warnings;

our %name = (
	floor => 'two `SELECT 1` (the floor)',
	floor_shaped => 'two `SELECT 1` with parameters (a text; a text and an int)',
	numpool => 'numpool, SQL',
	numpool_parameter => "numpool, SQL, the pool's name a parameter",
	numpool_batch => 'numpool, SQL, 64 calls a statement',
	client => 'numpool, C++ client (one connection)',
	ticket => 'numpool, ticket',
	advisory => 'advisory lock, each client a key of its choice',
	sweep => 'advisory try-locks, one key after the other',
	skip_locked => 'a row a number, SKIP LOCKED',
	row_bitmap => 'a row a pool, bitmap and queue in it',
	redis => 'Redis, BLPOP and RPUSH',
	notify_off => 'NOTIFY, synchronous_commit off',
	notify_on => 'NOTIFY, synchronous_commit on');
our @order = qw(floor floor_shaped numpool numpool_parameter numpool_batch client ticket advisory sweep skip_locked
  row_bitmap redis notify_off notify_on);

our (%value, %meta, @library);
my $folder;
if (@ARGV && $ARGV[0] eq '--write') { shift; $folder = shift; }
while (<>)
{
	chomp;
	my ($table, $x, $system, $v) = split /\t/, $_, 4;
	if ($table eq 'meta') { $meta{$x} = $v; }
	elsif ($table eq 'text') { push @library, $v; }
	else { push @{ $value{$table}{$x}{$system} }, $v; }
}

sub median
{
	my @v = sort { $a <=> $b } @_;
	return undef if !@v;
	return @v % 2 ? $v[ $#v / 2 ] : ($v[ @v / 2 - 1 ] + $v[ @v / 2 ]) / 2;
}
sub spread { my @v = sort { $a <=> $b } @_; return ($v[0], $v[-1]); }
sub values_of { my ($table, $x, $system) = @_; return @{ $value{$table}{$x}{$system} || [] }; }
sub median_of { return median(values_of(@_)); }

# What ran in one round is compared with one another; the median of the rounds' ratios.
sub ratios
{
	my ($above, $below) = @_;
	my @a = values_of(@$above);
	my @b = values_of(@$below);
	my $n = @a < @b ? @a : @b;
	return map { $a[$_] / $b[$_] } grep { $b[$_] > 0 } 0 .. $n - 1;
}

sub number
{
	my $v = shift;
	return '-' if !defined $v;
	return sprintf('%.2g', $v) if $v < 10;
	my $text = sprintf('%.0f', $v);
	1 while $text =~ s/^(\d+)(\d{3})/$1,$2/;
	return $text;
}
sub with_spread
{
	my @v = @_;
	return '-' if !@v;
	my ($low, $high) = spread(@v);
	return number(median(@v)) . ' (' . number($low) . '..' . number($high) . ')';
}

# Aims: [what, how much was asked, met? (undefined: nothing was asked), figure]. Left out where nothing was measured.
our @aims;

sub aim
{
	my ($what, $kind, $limit, @figures) = @_;
	return if !@figures;
	my $figure = median(@figures);
	my ($low, $high) = spread(@figures);
	my $met = $kind eq 'at least' ? $figure >= $limit : $kind eq 'within' ? abs($figure) <= $limit : $figure <= $limit;
	push @aims,
	  [ $what, "$kind $limit", $met, sprintf('%.2f (%.2f..%.2f)', $figure, $low, $high) ];
}

# A figure that nothing was asked of.
sub note
{
	my ($what, @figures) = @_;
	return if !@figures;
	my ($low, $high) = spread(@figures);
	push @aims, [ $what, '', undef, sprintf('%.2f (%.2f..%.2f)', median(@figures), $low, $high) ];
}

# The change over all the time of a series, by a least squares line, as a share of its mean.
sub slope
{
	my @y = @_;
	my $n = @y;
	return if $n < 3;
	my ($sx, $sy, $sxx, $sxy) = (0, 0, 0, 0);
	for my $i (0 .. $n - 1)
	{
		my $x = $i / ($n - 1);
		$sx += $x;
		$sy += $y[$i];
		$sxx += $x * $x;
		$sxy += $x * $y[$i];
	}
	return ($n * $sxy - $sx * $sy) / ($n * $sxx - $sx * $sx) / ($sy / $n);
}
sub numerically { return $a <=> $b; }
sub over_time
{
	my ($name, $system) = @_;
	my $table = $value{$name} || {};
	return map { $table->{$_}{$system} ? $table->{$_}{$system}[0] : () } sort numerically keys %$table;
}

# Of the ratios to the floor, in percent: five, each of every fifth slice of the whole time.
sub slopes
{
	my $table = shift;
	my @own = over_time($table, 'numpool');
	my @floor = over_time($table, 'floor');
	my @ratio = map { $own[$_] / $floor[$_] } 0 .. ($#own < $#floor ? $#own : $#floor);
	my @slopes;
	for my $k (0 .. 4)
	{
		my $slope = slope(@ratio[ grep { $_ % 5 == $k } 0 .. $#ratio ]);
		push @slopes, 100 * $slope if defined $slope;
	}
	return @slopes;
}

sub judge
{
	for my $clients ('bound', 1, 8, 32)
	{
		my $text = $clients eq 'bound' ? '1 client, all on one core' : "$clients client" . ($clients > 1 ? 's' : '');
		my @group = ('uncontended', $clients);
		aim("pairs/s against two `SELECT 1`, $text", 'at least', 0.9,
			ratios([ @group, 'numpool' ], [ @group, 'floor' ]));
	}
	# The library has one connection for all its threads, the others one each.
	aim('C++ client, pairs/s against two `SELECT 1`, 1 thread, all on one core', 'at least', 0.9,
		ratios([ 'uncontended', 'bound', 'client' ], [ 'uncontended', 'bound', 'floor' ]));
	aim("C++ client, pairs/s against Redis, 64 numbers, $_ threads", 'at least', 1.5,
		ratios([ 'uncontended', $_, 'client' ], [ 'uncontended', $_, 'redis' ]))
	  for 8, 32, 200;
	aim("C++ client, pairs/s against Redis, 4 numbers, $_ threads", 'at least', 1,
		ratios([ 'contended', $_, 'client' ], [ 'contended', $_, 'redis' ]))
	  for 32, 200;
	# Binding a parameter costs the floor too: the pair that takes the pool's name as one is compared
	# with a floor that does.
	note("pairs/s, the pool's name a parameter, against a floor with parameters, clients: $_",
		ratios([ 'uncontended', $_, 'numpool_parameter' ], [ 'uncontended', $_, 'floor_shaped' ]))
	  for 1, 8, 32;
	aim('instructions of the backend against two `SELECT 1`', 'at most', 1.08,
		ratios([ 'instructions', '-', 'numpool' ], [ 'instructions', '-', 'floor' ]));
	note('the same of a pair of which 64 share two statements',
		ratios([ 'instructions', '-', 'numpool_batch' ], [ 'instructions', '-', 'floor' ]));
	aim("pairs/s with 4 numbers against advisory locks, $_ clients", 'at least', 1,
		ratios([ 'contended', $_, 'numpool' ], [ 'contended', $_, 'advisory' ]))
	  for 32, 200;
	aim('pairs/s, 65,536 numbers all but one taken, against an empty pool of 64', 'at least', 0.9,
		ratios([ 'aim', 'nearly full', 'numpool' ], [ 'aim', 'empty', 'numpool' ]));
	aim('pairs/s, 100,000 tickets queued in another pool, against none', 'at least', 0.9,
		ratios([ 'aim', 'tickets', 'numpool' ], [ 'aim', 'no tickets', 'numpool' ]));
	aim('pairs/s, 65,536 numbers by longest_free, 30,000 of them resting, against a plain pool of 65,536', 'at least', 0.95,
		ratios([ 'aim', 'resting', 'numpool' ], [ 'aim', 'plain', 'numpool' ]));
	aim('a minute with a snapshot held: slope of pairs/s against the floor, %', 'within', 5, slopes('trend'));
	note('the same with 8 clients', slopes('snapshot'));
	my @p50 = ('handoff p50', 0);
	aim('hand-off to a blocking waiter, p50, against an advisory lock', 'at most', 1.2,
		ratios([ @p50, 'numpool' ], [ @p50, 'advisory' ]));
	aim('hand-off to a ticket, p50, against NOTIFY with synchronous_commit off', 'at most', 1.3,
		ratios([ @p50, 'ticket' ], [ @p50, 'notify_off' ]));
	my ($most) = reverse sort numerically keys %{ $value{'listeners p50'} || {} };
	aim("hand-off to a ticket, p50, with $most idle sessions that hold tickets, against none",
		'at most', 1.2,
		ratios([ 'listeners p50', $most, 'ticket' ], [ 'listeners p50', 0, 'ticket' ]))
	  if $most;
	for (map { [ 'uncontended', $_, 20 ] } 'bound', 1, 8, 32) { judge_row_bitmap(@$_); }
	for (map { [ 'contended', $_, 10 ] } 8, 32, 200) { judge_row_bitmap(@$_); }
	for my $how ([ 'holder', 'a holder killed' ], [ 'asleep', 'a holder killed while asleep in another queue' ])
	{
		aim("$how->[1], to the next grant, p99, ms", 'at most', 50,
			map { $_ / 1000 } values_of('death p99', $how->[0], 'numpool'));
	}
	aim('enqueue and cancel behind 100,000 waiters against behind 100', 'at most', 1.5,
		ratios([ 'aim', 'end of 100000', 'numpool' ], [ 'aim', 'end of 100', 'numpool' ]));
	judge_timed();
	aim('a look at 1000 pools with 10,000 leases, p50, ms', 'at most', 50,
		map { $_ / 1000 } values_of('scrape p50', 1000, 'numpool'));
	aim('pairs/s while somebody looks at them once a second, against nobody', 'at least', 0.98,
		ratios([ 'watched', 'yes', 'numpool' ], [ 'watched', 'no', 'numpool' ]));
}

# Leases of tokens. Their floor is a row written and deleted, and for a renewal SELECT 1.
sub judge_timed
{
	for my $clients ('bound', 1, 8)
	{
		my $who = $clients eq 'bound' ? '1 client, all on one core' : "$clients client" . ($clients > 1 ? 's' : '');
		aim("renewals/s of a timed lease against `SELECT 1`, $who", 'at least', 0.9,
			ratios([ 'renew', $clients, 'numpool' ], [ 'renew', $clients, 'floor' ]));
		aim("lease and release by token/s against INSERT and DELETE of a row, $who", 'at least', 0.8,
			ratios([ 'lease', $clients, 'numpool' ], [ 'lease', $clients, 'floor' ]));
		note("renewals/s against a table of leases with expires_at, $who",
			ratios([ 'renew', $clients, 'numpool' ], [ 'renew', $clients, 'skip_locked' ]));
		note("lease and release by token/s against that table and SKIP LOCKED, $who",
			ratios([ 'lease', $clients, 'numpool' ], [ 'lease', $clients, 'skip_locked' ]));
	}
	aim('pairs/s of sessions beside many timed leases in the pool, against none', 'at least', 0.95,
		ratios([ 'beside', 'many', 'numpool' ], [ 'beside', 'none', 'numpool' ]));
	for my $who ('sleeper', 'ticket', 'place')
	{
		for my $part ([ 'p50', 8 ], [ 'p99', 50 ])
		{
			aim("from the end of a timed lease to a $who, $part->[0], ms", 'at most', $part->[1],
				map { $_ / 1000 } values_of("expiry $part->[0]", $who, 'numpool'));
		}
	}
	note('the same by polling a table every 50 ms, p50, ms',
		map { $_ / 1000 } values_of('expiry p50', 'polling', 'skip_locked'));
	my ($most) = reverse sort numerically keys %{ $value{clerk} || {} };
	aim("the clerk's share of a processor, $most timed leases renewed each ten seconds, %", 'at most', 1,
		values_of('clerk', $most, 'numpool'))
	  if $most;
	aim('bytes of a timed lease', 'at most', 320, values_of('bytes', 'lease', 'numpool'));
	aim('bytes of a kept place', 'at most', 400, values_of('bytes', 'place', 'numpool'));
	aim('lease, renew, release with a snapshot held: slope against two commits, %', 'within', 10,
		slopes('held'));
	note('the first call after a restart, which makes the arena, ms', values_of('arena', '-', 'numpool'));
	my ($rows) = reverse sort numerically keys %{ $value{loading} || {} };
	aim("the first call after that in a database with $rows timed leases, ms", 'at most', 200,
		values_of('loading', $rows, 'numpool'))
	  if $rows;
}

sub judge_row_bitmap
{
	my ($table, $clients, $limit) = @_;
	my $who = $clients eq 'bound' ? '1 client, all on one core' : "$clients client" . ($clients > 1 ? 's' : '');
	aim("pairs/s against the row-bitmap way, $table, $who",
		'at least', $limit, ratios([ $table, $clients, 'numpool' ], [ $table, $clients, 'row_bitmap' ]));
}

judge();
for (@aims)
{
	my ($what, $wanted, $met, $figure) = @$_;
	$what =~ tr/`//d;
	printf "%-6s %-80s %-13s %s\n", !defined $met ? '' : $met ? 'met' : 'MISSED', $what, $wanted, $figure;
}
print "$_\n" for @library;
my $met = grep { $_->[2] } @aims;
printf "%d of %d aims met\n", $met, scalar grep { defined $_->[2] } @aims;

if (defined $folder)
{
	require './tests/bench/results.pl';
	write_results($folder);
}
