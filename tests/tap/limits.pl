# A full arena: 53200, and everything held goes on working. PREPARE TRANSACTION. Single-user mode.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Session 'open_session';
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', 'max_prepared_transactions = 10');
$node->append_conf('postgresql.conf', q(shared_preload_libraries = 'numpool'));
$node->append_conf('postgresql.conf', q(numpool.shared_memory_size = '2MB'));
$node->start;
$node->safe_psql('postgres', q(CREATE EXTENSION numpool; SELECT numpool_create('small', 1), numpool_create('other', 2)));

my $holder = open_session($node, on_error_stop => 0);
is($holder->query_safe(q(SELECT numpool_acquire('small'))), 0, 'held before memory runs out');
my $crowd = open_session($node, on_error_stop => 0);
$crowd->query('\set VERBOSITY sqlstate');
is($crowd->query_safe(q(SELECT count(*) FROM generate_series(1, 100) AS n, LATERAL (SELECT numpool_enqueue('small') WHERE n > 0) AS t)),
	100, 'tickets while there is room');

my $hint = '';
for my $n (1 .. 100)
{
	my ($status, $out, $err) = $node->psql('postgres', qq(SELECT numpool_create('big$n', 65536), numpool_try_acquire('big$n')));
	next unless $status;
	$hint = $err;
	last;
}
like($hint, qr/numpool\.shared_memory_size/, 'the hint names the setting to raise');
my ($status, $out, $err) = $node->psql('postgres',
	qq(\\set VERBOSITY sqlstate\nSELECT numpool_create('huge', 65536), numpool_try_acquire('huge')));
like($err, qr/53200/, 'a pool that does not fit: 53200');
is($node->safe_psql('postgres', q(SELECT count(*) FROM numpool_list('huge'))), 0, 'and nothing of it stays');

is($holder->query_safe(q(SELECT numpool_release('small', 0))), 't', 'what is held can be released');
is($node->safe_psql('postgres', q(SELECT in_use || ' ' || waiting FROM numpool_pools WHERE pool = 'small')),
	'1 99', 'and is handed to the next in line');
# psql prints the notification of the hand-over beside the answer.
like($crowd->query_safe('SELECT numpool_release_all()'), qr/^100$/m, 'tickets can be given up');
is($holder->query_safe(q(SELECT numpool_acquire('small'))), 0, 'a small pool goes on working');
$holder->quit;
$crowd->quit;

for my $sql (
	q(SELECT numpool_acquire_xact('other')), q(SELECT numpool_acquire('other')),
	q(SELECT numpool_enqueue('other')), q(SELECT numpool_resize('other', 3)),
	q(SELECT numpool_create('more', 1)))
{
	($status, $out, $err) = $node->psql('postgres',
		"\\set VERBOSITY sqlstate\nBEGIN;\n$sql;\nPREPARE TRANSACTION 'x';");
	like($err, qr/0A000/, "PREPARE TRANSACTION refused after: $sql");
}
is($node->safe_psql('postgres', q(SELECT count(*) FROM pg_prepared_xacts)), 0, 'no transaction is prepared');
is($node->safe_psql('postgres', q(SELECT size || ' ' || free FROM numpool_pools WHERE pool = 'other')), '2 2', 'nothing changed');
is($node->safe_psql('postgres', q(BEGIN; SELECT count(*) FROM numpool_list(); PREPARE TRANSACTION 'fine'; ROLLBACK PREPARED 'fine')) > 0,
	1, 'a transaction that only looked can be prepared');
$node->stop;

# Every function and view: there are no other sessions, and no shared memory to meet them in.
my @single = map { "SELECT * FROM numpool_$_" } (
	q(create('more', 1)), q(drop('other')), q(resize('other', 3)), q(list()), q(metadata('other')),
	q(set_metadata('other', '1')), q(replace_metadata('other', NULL, '1')), q(xact_lock('other')),
	q(acquire('other')), q(try_acquire('other')), q(acquire_xact('other')), q(try_acquire_xact('other')),
	q(release('other', 0)), q(release_all()), q(fence('other', 0)),
	q(enqueue('other')), q(poll(1)), q(cancel(1)), q(channel()), qw(pools leases waiters memory));
my $input = join("\n", @single) . "\n";
my $output;
IPC::Run::run(['postgres', '--single', '-D', $node->data_dir, '-c', 'log_error_verbosity=verbose', 'postgres'],
	'<', \$input, '>&', \$output);
my $refused = () = $output =~ /ERROR:  0A000: numpool does not work in single-user mode/g;
is($refused, scalar @single, 'everything is refused in single-user mode');
unlike($output, qr/PANIC|FATAL|terminated/, 'and nothing worse');

done_testing();
