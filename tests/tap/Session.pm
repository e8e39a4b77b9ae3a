# Sessions that stay, and are asked one thing after another.
package Session;
use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::BackgroundPsql;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC CLOCK_PROCESS_CPUTIME_ID);

our @EXPORT_OK = qw(open_session slowness);
our @ISA = ('PostgreSQL::Test::BackgroundPsql');

# A psql in the node's database postgres. PostgreSQL's own has one time limit from its start on, in which
# everything else counts that the test does; here it begins anew with all that is asked of the session, so
# that only what hangs is ended.
sub open_session
{
	my ($node, %options) = @_;
	my $session = $node->background_psql('postgres', %options);
	$session->set_query_timer_restart;
	return bless $session, __PACKAGE__;
}

# How many times longer work takes now than if the processors had nothing else to do: for times that
# the server is told, and within which a test has something to do.
sub slowness
{
	my @start = map { clock_gettime($_) } (CLOCK_MONOTONIC, CLOCK_PROCESS_CPUTIME_ID);
	my $worked = 0;
	$worked = clock_gettime(CLOCK_PROCESS_CPUTIME_ID) - $start[1] while $worked < 0.15;
	my $slowness = (clock_gettime(CLOCK_MONOTONIC) - $start[0]) / $worked;
	return $slowness > 1 ? $slowness : 1;
}

# Sends it lines, and waits for no answer.
sub send_lines
{
	my ($self, $lines) = @_;
	$self->{timeout}->start;
	$self->{stdin} .= $lines;
	$self->{run}->pump_nb;
}

# Waits until what it has said since it was last asked matches.
sub wait_for_output
{
	my ($self, $pattern) = @_;
	$self->{timeout}->start;
	$self->{run}->pump until $self->{stdout} =~ $pattern;
}

# Takes in what has come, if anything has.
sub take_in_output
{
	my ($self) = @_;
	$self->{timeout}->start;
	$self->{run}->pump_nb;
}

sub quit
{
	my ($self) = @_;
	$self->{timeout}->start;
	return $self->SUPER::quit;
}

1;
