# A standby has the definitions and refuses the rest (25006); promoted, it grants larger fences.
use strict;
use warnings;
use IPC::Run;
use Pair 'start_pair';
use PostgreSQL::Test::Utils;
use Session 'open_session';
use Test::More;

my $user = getpwuid $<;
my $fence = q(SELECT numpool_fence('p', i) FROM numpool_acquire('p', '5 s') AS i);

for my $mode ('async', 'sync')
{
	my ($primary, $standby) =
		start_pair('standby', $mode, q(CREATE EXTENSION numpool; SELECT numpool_create('p', 3, '{"k": 1}')));

	my $before = $primary->safe_psql('postgres', $fence);
	$primary->wait_for_catchup($standby) if $mode eq 'async';

	is($standby->safe_psql('postgres', 'SELECT * FROM numpool_list()'), 'p', "$mode: definitions are on the standby");
	is($standby->safe_psql('postgres', q(SELECT numpool_metadata('p'))), '{"k": 1}', "$mode: so are metadata");
	is($standby->safe_psql('postgres', 'SELECT * FROM numpool_pools'),
		qq(p|3|||||{"k": 1}|||||||||||||$user||f|||{public}), "$mode: numpool_pools shows definitions, and NULL for what only the primary knows");
	is($standby->safe_psql('postgres', 'SELECT size IS NULL AND used IS NULL AND tickets IS NULL AND configured_size > 0 FROM numpool_memory'),
		't', "$mode: nor memory");
	is($standby->safe_psql('postgres', 'SELECT (SELECT count(*) FROM numpool_leases) + (SELECT count(*) FROM numpool_waiters)'),
		0, "$mode: no leases, no waiters");
	for my $call ($fence, q(SELECT numpool_try_acquire('p')), q(SELECT numpool_acquire('p', '0')),
		q(SELECT numpool_acquire_xact('p')), q(SELECT numpool_try_acquire_xact('p')),
		q(SELECT numpool_release('p', 0)), q(SELECT numpool_release_all()), q(SELECT numpool_fence('p', 0)),
		q(SELECT numpool_enqueue('p')), q(SELECT numpool_poll(1)), q(SELECT numpool_cancel(1)),
		q(SELECT numpool_channel()), q(SELECT numpool_xact_lock('p')),
		q(SELECT numpool_create('q', 1)), q(SELECT numpool_create('p', 3, if_not_exists => true)),
		q(SELECT numpool_drop('p')), q(SELECT numpool_drop('none', if_exists => true)), q(SELECT numpool_resize('p', 4)),
		q(SELECT numpool_set_metadata('p', '2')), q(SELECT numpool_replace_metadata('p', '{"k": 1}', '2')))
	{
		my ($status, $out, $err) = $standby->psql('postgres', "\\set VERBOSITY sqlstate\n$call");
		like($err, qr/25006/, "$mode: refused on a standby: $call");
	}

	# The command says where it is, and one that needs a primary waits for it.
	local @ENV{qw(PGHOST PGPORT PGUSER PGDATABASE)} =
		($standby->host, $standby->port, $user, 'postgres');
	my ($heading, $owner) = length $user < 5 ? ('OWNER', sprintf('%-5s', $user)) : (sprintf('%-*s', length $user, 'OWNER'), $user);
	my ($shown) = run_command([ 'build/numpool', 'status' ]);
	is($shown, "This server is a standby: only the primary knows what is leased.\n"
		  . "POOL  SIZE  IN USE  FREE  WAITING  $heading  NUMBERS\np        3       ?     ?        ?  $owner  ?",
		"$mode: status says that it is a standby");
	($shown) = run_command([ 'build/numpool', 'status', 'p' ]);
	is($shown, "This server is a standby: only the primary knows what is leased.\n"
		  . "p: 3 numbers\nowner: $user; users: public\nmetadata: {\"k\": 1}", "$mode: the same of one pool");
	($shown) = run_command([ 'build/numpool', 'status', 'p', '--json' ]);
	like($shown, qr/"in_use": null, "free": null.*"grants": null.*"counting_since": null/,
		"$mode: as JSON what is not known is null");
	my ($ran, $said) = ('', '');
	my $run = IPC::Run::start([ 'build/numpool', 'run', 'p', '--', 'echo', 'promoted' ],
		'>' => \$ran, '2>' => \$said);
	sleep 1;
	ok($run->pumpable, "$mode: run waits for a primary");

	# A session that was there before the promotion is a session of the primary afterwards.
	my $early = open_session($standby, on_error_stop => 0);
	$early->query(q(SELECT numpool_try_acquire('p')));
	$primary->stop('immediate');
	$standby->promote;
	# Perhaps behind the program that waits for a number, which then has 0. While that draws the first block
	# of fences, a call that may not wait comes back without a number.
	like($early->query(q(SELECT numpool_acquire('p', '1 min'))), qr/^[01]$/, "$mode: a session from before the promotion acquires after it");
	$run->finish;
	is($ran, "promoted\n", "$mode: run has a number after the promotion");
	is($said, '', "$mode: and nothing to say");
	$early->quit;
	cmp_ok($standby->safe_psql('postgres', $fence), '>', $before, "$mode: the fence has grown over the failover");
	$standby->stop;
}

done_testing();
