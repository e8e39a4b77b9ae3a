# For report.pl, whose subs and variables it uses: writes RESULTS.md and the plots.
use strict;
use warnings;

our (%value, %meta, @library, @aims, %name, @order);

sub systems_of
{
	my $table = shift;
	my %there = map { %$_ } values %{ $value{$table} || {} };
	return grep { $there{$_} } @order;
}
sub points_of { return sort numerically grep { /^[0-9.]+$/ } keys %{ $value{ $_[0] } || {} }; }

sub row { return '| ' . join(' | ', @_) . " |\n"; }
sub table_head { return row(@_) . row(map { '---' } @_); }

# A column a value of X: median and spread of each system.
sub rates
{
	my ($table, @columns) = @_;
	my @x = map { $_->[0] } @columns;
	my $text = table_head('', map { $_->[1] } @columns);
	for my $system (systems_of($table))
	{
		$text .= row($name{$system}, map { with_spread(values_of($table, $_, $system)) } @x);
	}
	return $text;
}

# The same as medians only, without the spread, for tables with many columns.
sub medians
{
	my ($table, $what) = @_;
	my @x = points_of($table);
	my $text = table_head($what, map { number_of_things($_) } @x);
	for my $system (systems_of($table))
	{
		$text .= row($name{$system}, map { number(median_of($table, $_, $system)) } @x);
	}
	return $text;
}
sub number_of_things { my $n = shift; return $n < 10 ? $n : number($n); }

# The median of the rounds' ratios to the floor.
sub against_floor
{
	my ($table, @columns) = @_;
	my $text = table_head('times the floor', map { $_->[1] } @columns);
	for my $system (systems_of($table))
	{
		next if $system eq 'floor';
		$text .= row(
			$name{$system},
			map {
				my @r = ratios([ $table, $_->[0], $system ], [ $table, $_->[0], 'floor' ]);
				@r ? sprintf('%.2f', median(@r)) : '-'
			} @columns);
	}
	return $text;
}

sub latencies
{
	my ($table, $x) = @_;
	my $text = table_head('microseconds', 'p50', 'p99', 'p99.9');
	for my $system (systems_of("$table p50"))
	{
		my @p = map { with_spread(values_of("$table $_", $x, $system)) } qw(p50 p99 p99.9);
		$text .= row($name{$system}, @p) if $p[0] ne '-';
	}
	return $text;
}

sub tenths
{
	return sprintf('%.1f (%.1f..%.1f)', median(@_), spread(@_));
}

sub core_table
{
	my @x = points_of('core');
	my %there = map { %$_ } values %{ $value{core} || {} };
	my %text = (
		bitmap_last_member => 'bitmap of so many, its last member: find, erase, insert',
		pool_pair_nearly_full => 'pool of so many, nearly full: acquire, release',
		pool_hand_off => 'queue of so many: release hands over, the next one joins',
		pool_leave_and_join => 'queue of so many: leave from the middle, join');
	my $out = '';
	for my $what (qw(bitmap_last_member pool_pair_nearly_full pool_hand_off pool_leave_and_join))
	{
		next if !$there{$what};
		my @mine = grep { $value{core}{$_}{$what} } @x;
		$out .= row($text{$what},
			join(', ', map { number_of_things($_) . ': ' . tenths(values_of('core', $_, $what)) } @mine));
	}
	return table_head('nanoseconds', 'size: time') . $out;
}

my @plots = (
	[ 'size', 'size', 'Pairs/s of one client, numbers in the pool, all but one taken', 'numbers', 'pairs/s', 'xy' ],
	[ 'queue', 'queue', 'Hand-offs/s, waiters in the queue', 'waiters', 'hand-offs/s', 'xy' ],
	[ 'pools', 'pools', 'Pairs/s of one client, pools, one at random for each pair', 'pools', 'pairs/s', 'xy' ],
	[ 'snapshot', 'snapshot', 'Pairs/s of 8 clients while a session holds a snapshot', 'seconds', 'pairs/s', 'y' ],
	[ 'listeners', 'listeners p50', 'Hand-off to a client that waits, p50, idle sessions that hold tickets',
		'idle sessions', 'microseconds', 'y' ],
	[ 'clients', 'clients', 'Pairs/s in a pool of 64', 'clients', 'pairs/s', 'xy' ]);

# In all plots alike.
my %short = (
	floor => 'two SELECT 1', numpool => 'numpool, SQL', client => 'numpool, C++ client',
	ticket => 'numpool, ticket', advisory => 'advisory lock', sweep => 'advisory try-lock sweep',
	skip_locked => 'SKIP LOCKED', row_bitmap => 'row-bitmap', redis => 'Redis',
	notify_off => 'NOTIFY, asynchronous commit', notify_on => 'NOTIFY');
my %colour = (
	floor => '#888888', numpool => '#0050c8',
	client => '#00a0a0', ticket => '#6090ff', advisory => '#e08000', sweep => '#b8860b',
	skip_locked => '#c02020', row_bitmap => '#800080', redis => '#208020', notify_off => '#404040',
	notify_on => '#b0b0b0');

sub plot
{
	my ($file, $svg) = @_;
	my ($name, $table, $title, $x_label, $y_label, $log) = @$file;
	my @systems = grep { $short{$_} } systems_of($table) or return;
	my (@blocks, @curves);
	for my $system (@systems)
	{
		my @lines;
		for my $x (points_of($table))
		{
			my @v = values_of($table, $x, $system) or next;
			push @lines, join ' ', $x, median(@v), spread(@v);
		}
		push @blocks, "\$$system << END\n" . join("\n", @lines) . "\nEND\n";
		my ($columns, $style) = $name eq 'snapshot' ? ('1:2', 'linespoints') : ('1:2:3:4', 'yerrorlines');
		push @curves, "\$$system using $columns with $style pointtype 7 pointsize 0.4 linewidth 2 "
		  . "linecolor rgb '$colour{$system}' title '$short{$system}'";
	}
	open(my $gnuplot, '|-', 'gnuplot') or die "gnuplot: $!\n";
	print $gnuplot @blocks, <<"END";
set terminal svg size 860,430 font 'sans-serif,12' background '#ffffff' dynamic
set output '$svg'
set title "$title"
set xlabel '$x_label'
set ylabel '$y_label'
set format y "%.0f"
set grid back linetype 1 linecolor rgb '#dddddd'
set errorbars small
set key outside right top reverse Left samplen 2
set logscale $log
plot @{[ join(", \\\n  ", @curves) ]}
END
	close($gnuplot) or die "gnuplot failed on $svg\n";
}

# What the minute with a snapshot began and ended with: its first and its last six seconds.
sub decline
{
	my $text = table_head('pairs/s', 'first 6 s', 'last 6 s', 'last / first');
	for my $system (systems_of('snapshot'))
	{
		my @rate = over_time('snapshot', $system);
		next if @rate < 6;
		my ($first, $last) = (median(@rate[ 0 .. 2 ]), median(@rate[ -3 .. -1 ]));
		$text .= row($name{$system}, number($first), number($last), sprintf('%.2f', $last / $first));
	}
	return $text;
}

my %remark = (
	queue => 'Who sleeps has a connection (or, in the C++ client, a thread) each, here up to 500 of them. Tickets, and names in a '
	  . "row, are one session's,\nup to 100,000. Advisory try-locks and SKIP LOCKED have no queue.",
	pools => 'With advisory try-locks there is one key a pool to try. The C++ library sends the statements of "numpool, SQL".',
	snapshot => 'One minute, once, each in its own slices of it.');

sub growth_text
{
	my ($name, $table, $title) = @{ $_[0] };
	return '' if !systems_of($table);
	return "### $title\n\n![$title](plots/$name.svg)\n\n"
	  . ($name eq 'snapshot' ? decline() : medians($table, $_[0][3])) . "\n"
	  . ($remark{$name} ? "$remark{$name}\n\n" : '');
}

sub write_results
{
	my $folder = shift;
	mkdir "$folder/plots";
	plot($_, "$folder/plots/$_->[0].svg") for @plots;

	my @one = ([ 'bound', '1 client, one core' ], [ 1, '1 client' ], [ 8, '8 clients' ], [ 32, '32 clients' ],
		[ 200, '200 clients' ]);
	my @few = map { [ $_, "$_ clients" ] } 8, 32, 200;
	my $text = "# Results of `make bench`\n\nWritten by `make bench`; see `tests/bench/run` for what is run.\n\n";
	$text .= table_head('', '');
	$text .= row($_, $meta{$_}) for grep { defined $meta{$_} } qw(machine load date server redis compiler disk);
	$text .= row('how', 'median (least..most) of 5 rounds, in which all take turns; fsync and synchronous_commit on');
	$text .= "\n## Aims\n\n" . table_head('what', 'aim', 'figure', '');
	$text .= row($_->[0], $_->[1], $_->[3], !defined $_->[2] ? '' : $_->[2] ? 'met' : '**missed**') for @aims;

	$text .= "\n## Pairs of acquire and release a second, 64 numbers\n\n" . rates('uncontended', @one);
	$text .= "\n" . against_floor('uncontended', @one);
	$text .= "\nOne core: server and client share it. On a virtual machine a core that idles is slow to wake, which\n"
	  . "otherwise hides what a lone client's calls cost.\n";
	$text .= "\n### What a backend executes for a pair\n\nInstructions of user space, counted by callgrind: the same on every run.\n\n"
	  . table_head('', 'instructions', 'times the floor');
	my $floor = median_of('instructions', '-', 'floor');
	$text .= row($name{$_}, number(median_of('instructions', '-', $_)),
		sprintf('%.2f', median_of('instructions', '-', $_) / $floor)) for $floor ? systems_of('instructions') : ();
	$text .= "\n## The same with 4 numbers\n\n" . rates('contended', @few);
	$text .= "\nWith advisory locks each client waits for a key of its own choice (its number modulo 4), since there\n"
	  . "is no waiting for any of several. SKIP LOCKED has no queue: who finds nothing asks again after 1 ms.\n";
	$text .= "\n## Hand-off: from giving up to having\n\nOne number, one who waits, 1,000 samples a round (250 for what writes to disk).\n\n"
	  . latencies('handoff', 0);
	$text .= "\n## The death of a holder, to the next grant\n\n" . death_table();
	$text .= "\n## Growth\n\nMedians; the bars in the plots are the spread.\n\n" . join('', map { growth_text($_) } @plots);
	$text .= "## Core\n\n" . core_table();
	$text .= "\n## Threads on one connection\n\n```\n" . join("\n", @library) . "\n```\n" if @library;
	open(my $out, '>', "$folder/RESULTS.md") or die "$folder/RESULTS.md: $!\n";
	print $out $text;
	close $out;
}

sub death_table
{
	my $text = table_head('microseconds from SIGKILL of the client', 'p50', 'p99', 'p99.9');
	for my $how ([ 'holder', 'numpool', 'numpool, a holder' ],
		[ 'asleep', 'numpool', 'numpool, a holder asleep in another queue' ],
		[ 'holder', 'advisory', 'advisory lock' ])
	{
		$text .= row($how->[2], map { with_spread(values_of("death $_", $how->[0], $how->[1])) } qw(p50 p99 p99.9));
	}
	return $text . row('SKIP LOCKED with a column, row-bitmap, Redis list',
		('never: somebody has to find out and clean up') x 3);
}

1;
