# The making of the arena: every way in which memory is missing has one error and one hint, and views
# work without it; numpool_memory says how full it is.
use strict;
use warnings;
use Cwd qw(abs_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Session 'open_session';
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q(shared_preload_libraries = 'numpool'));
$node->append_conf('postgresql.conf', 'max_connections = 10');
$node->start;
my $use_up = abs_path('build/tests/use_up.so');
$node->safe_psql('postgres', qq{
	CREATE EXTENSION numpool;
	SELECT numpool_create('a', 3);
	CREATE ROLE joe LOGIN;
	CREATE FUNCTION use_up_segments() RETURNS int LANGUAGE C AS '$use_up';
	CREATE FUNCTION use_up_main_segment() RETURNS bigint LANGUAGE C AS '$use_up';
});

sub set
{
	my (%settings) = @_;
	$node->append_conf('postgresql.conf', "$_ = '$settings{$_}'") for sort keys %settings;
	$node->restart;
}

# Files of shared memory that are larger than PostgreSQL's own, where they are files of the server.
sub mapped_files { return scalar(grep { -f && -s > 2**20 } glob($node->data_dir . '/pg_dynshmem/mmap.*')) }

my $live = q(SELECT pool || ' ' || size || ' ' || in_use || ' ' || free || ' ' || waiting FROM numpool_pools);
my $nothing = q(SELECT size IS NULL AND used IS NULL AND idle IS NULL AND free IS NULL AND largest_pool IS NULL
	AND pools IS NULL AND max_pools IS NULL AND tickets IS NULL AND max_tickets IS NULL FROM numpool_memory);

sub views_work
{
	my ($when) = @_;
	is($node->safe_psql('postgres', $live), 'a 3 0 3 0', "definitions are shown $when, with nothing live");
	is($node->safe_psql('postgres', q(SELECT count(*) FROM numpool_leases)), 0, 'no lease');
	is($node->safe_psql('postgres', q(SELECT count(*) FROM numpool_waiters)), 0, 'no waiter');
	is($node->safe_psql('postgres', $nothing), 't', 'and NULLs of the memory');
	is($node->safe_psql('postgres', q(SELECT * FROM numpool_list())), 'a', 'pools can be listed');
}

# 53200, and what can be done about it; for whatever needs the memory.
sub memory_is_missing
{
	my ($way, $detail) = @_;
	for my $sql (q(SELECT numpool_acquire('a')), q(SELECT numpool_enqueue('a')), q(SELECT numpool_resize('a', 3)))
	{
		my ($status, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\n$sql");
		like($err, qr/ERROR:  53200: not enough shared memory for numpool/, "$way: 53200 from $sql");
		like($err, $detail, 'which says why');
		like($err, qr/HINT: .*numpool\.shared_memory_size.*\/dev\/shm.*dynamic_shared_memory_type/, 'and names both ways out');
	}
	views_work("where $way");
}

set();
views_work('before the first use');
is($node->safe_psql('postgres', $nothing), 't', 'and looking does not make the memory');
is($node->safe_psql('postgres', q(SELECT numpool_acquire('a'))), 0, 'the first use does');

# The file system has no room.
for my $type (qw(posix mmap))
{
	set(dynamic_shared_memory_type => $type, 'numpool.shared_memory_size' => '1TB');
	memory_is_missing("$type has no room", qr/DETAIL: .*No space left on device/);
	is(mapped_files(), 0, 'and nothing of it stays') if $type eq 'mmap';
}

# The segment is made in steps, or at once.
for my $type (qw(posix mmap sysv))
{
	for my $size (qw(1500kB 16MB 17MB 50MB))
	{
		set(dynamic_shared_memory_type => $type, 'numpool.shared_memory_size' => $size);
		is($node->safe_psql('postgres', q(SELECT numpool_acquire('a'), numpool_acquire('a'))), '0|1', "$size of $type: the maker has it");
		is($node->safe_psql('postgres', q(SELECT pg_size_pretty(size) FROM numpool_memory)), $size =~ s/(?=[Mk]B)/ /r, 'whole');
		is($node->safe_psql('postgres', q(SELECT size = configured_size FROM numpool_memory)), 't', 'as it was asked for');
		is($node->safe_psql('postgres', q(SELECT numpool_acquire('a'))), '0', 'and so have others');
		is(mapped_files(), 1, 'one segment') if $type eq 'mmap';
	}
}
set(dynamic_shared_memory_type => 'posix', min_dynamic_shared_memory => '30MB', 'numpool.shared_memory_size' => '16MB');
is($node->safe_psql('postgres', q(SELECT numpool_acquire('a'))), '0', 'in memory that was set aside at the start');
set('numpool.shared_memory_size' => '40MB');
is($node->safe_psql('postgres', q(SELECT numpool_acquire('a'))), '0', 'and where that is too small');
is($node->safe_psql('postgres', q(SELECT size FROM numpool_memory)), 40 * 1024 * 1024, 'all of it');
set(min_dynamic_shared_memory => '0');

# Too small for the sessions that may come.
set(max_connections => 6000, 'numpool.shared_memory_size' => '1MB');
memory_is_missing('it is too small', qr/DETAIL: .*1024 kB are too few for the \d+ sessions/);
set(max_connections => 10);
is($node->safe_psql('postgres', q(SELECT numpool_acquire('a'))), 0, 'it is large enough for fewer');

# No slot is left for a segment.
set('numpool.shared_memory_size' => '16MB');
cmp_ok($node->safe_psql('postgres', q(SELECT use_up_segments())), '>', 60, 'all slots of segments are used up');
memory_is_missing('no slot is left', qr/DETAIL: .*too many dynamic shared memory segments/);
set('numpool.shared_memory_size' => '50MB');
$node->safe_psql('postgres', q(SELECT use_up_segments()));
memory_is_missing('no slot is left for a large one', qr/DETAIL: .*too many dynamic shared memory segments/);

# No room in the main segment for the header, where that is there.
SKIP:
{
	skip 'the header is in dynamic shared memory', 15 if $node->safe_psql('postgres', 'SHOW server_version_num') >= 170000;
	set('numpool.shared_memory_size' => '16MB');
	cmp_ok($node->safe_psql('postgres', q(SELECT use_up_main_segment())), '>', 1024, 'the main segment is used up');
	memory_is_missing('the main segment is full', qr/DETAIL: .*not enough shared memory for data structure "numpool"/);
}

# How full it is.
set('numpool.shared_memory_size' => '3MB');
$node->safe_psql('postgres', q(SELECT numpool_create('p', 100)));
sub memory { return $node->safe_psql('postgres', 'SELECT ' . shift() . ' FROM numpool_memory') }
is(memory('size'), 3 * 1024 * 1024, 'the size');
is($node->safe_psql('postgres', q(SELECT size = used + free AND used > 0 AND free > 0 FROM numpool_memory), connstr => $node->connstr('postgres') . ' user=joe'), 't',
	'anybody may see it');
is($node->safe_psql('postgres', q(SELECT numpool_acquire('p') IS NOT NULL)), 't', 'a pool is loaded');
is(memory('pools'), 1, 'a pool');
my $idle = memory('idle');
cmp_ok($idle, '>', 4000, 'nobody uses it any more');
my $holder = open_session($node);
is($holder->query_safe(q(SELECT count(numpool_acquire('p')) FROM generate_series(1, 100))), 100, 'somebody does');
is(memory('idle'), 0, 'it is in use');
$holder->query_safe(q(SET numpool.max_tickets_per_session = 1000000));
# The first wait brings the pool's histogram.
$holder->query_safe(q(SELECT numpool_cancel((numpool_enqueue('p')).ticket)));
is(memory('tickets'), 0, 'no ticket');
my $most = memory('max_tickets');
$holder->query_safe(q(SELECT count(numpool_enqueue('p')) FROM generate_series(1, 1000)));
is(memory('tickets'), 1000, 'a thousand tickets');
cmp_ok(memory('max_tickets'), '<=', $most, 'do not change how many there can be');
cmp_ok(memory('max_tickets'), '>', $most - 30, 'by more than what a piece of memory holds');

# What it says of room is so: the largest pool has room, and a larger one has not.
$holder->query_safe(q(SELECT numpool_release_all()));
my $largest = memory('largest_pool');
cmp_ok($largest, '>', 40000, 'a large pool has room');
cmp_ok($largest, '<', 65536, 'but not the largest there may be');
$holder->query_safe(qq(SELECT numpool_create('fits', $largest), numpool_acquire('p')));
is($holder->query_safe(q(SELECT numpool_acquire('fits'))), 0, 'a pool of the size that is shown fits');
cmp_ok(memory('largest_pool'), '<', 200, 'and then no other one');
$holder->query_safe(q(SELECT numpool_release_all()));
is(memory('largest_pool') < 200 && memory('idle') > 40 * $largest, 1, 'until nobody uses it: then it makes room');
$holder->query_safe(q(SELECT numpool_drop('fits')));
is(memory('largest_pool'), $largest, 'it is gone');

# What is set later counts for the next start.
$node->append_conf('postgresql.conf', q(numpool.shared_memory_size = '8MB'));
$node->reload;
ok($node->poll_query_until('postgres', q(SELECT configured_size = 8 * 1024 * 1024 FROM numpool_memory)), 'a size is set');
is(memory('size'), 3 * 1024 * 1024, 'the memory has the one it was made with');
$holder->quit;
$node->stop;
done_testing();
