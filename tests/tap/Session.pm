# Sessions that stay, and are asked one thing after another.
package Session;
use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::BackgroundPsql;

our @EXPORT_OK = qw(open_session);
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
