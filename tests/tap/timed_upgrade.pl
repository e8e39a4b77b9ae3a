# pg_upgrade carries timed leases as a restart does: each is there again with its token, a larger fence and its whole
# time. The old server is of the version that $OLD_PG_CONFIG names; else of the same one.
use strict;
use warnings;
use Lease qw(token lease keep release renew wait_in_use);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $bin = $ENV{NUMPOOL_PGBIN};
my $old_bin = $bin;
my %old;
if ($ENV{OLD_PG_CONFIG})
{
	chomp($old_bin = `$ENV{OLD_PG_CONFIG} --bindir`);
	$old{install_path} = $old_bin =~ s{/bin$}{}r;
}
my $old = PostgreSQL::Test::Cluster->new('old', %old);
my $new = PostgreSQL::Test::Cluster->new('new');
$old->init;
$old->start;
sub old { return $old->safe_psql($_[0], join ' ', @_[1 .. $#_]); }
sub new { return $new->safe_psql($_[0], join ' ', @_[1 .. $#_]); }

# Two databases; what is held, by whom, and what an expiry has left.
old('postgres', 'CREATE ROLE holder LOGIN; CREATE DATABASE other;');
for my $database ('postgres', 'other')
{
	old($database, 'CREATE EXTENSION numpool; GRANT EXECUTE ON FUNCTION numpool_lease TO holder;',
		q(SELECT numpool_create('p', 5, '{"kept": 1}');));
}
old('postgres', lease('p', 1, '100 ms'));
ok(wait_in_use($old, 'p', 0), 'one has ended, and left its row');
old('postgres', 'SET ROLE holder;', lease('p', 2));
old('postgres', q(SELECT numpool_acquire('p');), keep('p', 1, 3));
my $fence = old('postgres', renew(3));
old('other', lease('p', 4, '2 s'));
my $drawn = old('postgres', 'SELECT last_value FROM numpool_fence_seq');
# pg_upgrade wants both alike; from 18 on initdb makes them by itself.
my @checksums = old('postgres', 'SHOW data_checksums') eq 'on' ? '--data-checksums' : $new->pg_version >= 18 ? '--no-data-checksums' : ();
$old->stop;

$new->init(extra => \@checksums);
chdir PostgreSQL::Test::Utils::tempdir() or die "chdir: $!";
command_ok([ "$bin/pg_upgrade", '-d', $old->data_dir, '-D', $new->data_dir, '-b', $old_bin, '-B', $bin, '-s', $new->host,
		'-p', $old->port, '-P', $new->port ], 'pg_upgrade');
$new->start;

is(new('postgres', q(SELECT string_agg(index || ':' || left(token::text, 8)::int || ':' || usename, ' ' ORDER BY index) FROM numpool_leases)),
	'0:2:holder 1:3:' . scalar(getpwuid($<)), 'each lease is there, of its role; the later one of an index');
cmp_ok(new('postgres', renew(3)), '>', $fence, 'with a larger fence');
cmp_ok(new('postgres', 'SELECT last_value FROM numpool_fence_seq'), '>=', $drawn, 'fences go on');
is(new('postgres', q(SELECT size || ' ' || metadata FROM numpool_pools)), '5 {"kept": 1}', 'the definition is as it was');
is(new('postgres', q(SELECT numpool_acquire('p'))), 2, 'a session gets the next number');
my (undef, undef, $error) = $new->psql('postgres', 'SET ROLE holder;' . release(3));
like($error, qr/permission denied|privileges/, 'a token is still that of its role');
is(new('postgres', 'SET ROLE holder;', release(2)), 't', 'which can give it back');
is(new('postgres', release(3)), 't', 'as can the other');
new('postgres', lease('p', 5));
is(new('postgres', 'SELECT count(*) FROM numpool_timed'), 1, 'no row is left of what has ended');
is(new('other', q(SELECT index FROM numpool_leases)), '0', 'that of another database is there');
ok($new->poll_query_until('other', 'SELECT in_use = 0 FROM numpool_pools'), 'and ends in time');
is(new('postgres', q(SELECT bool_and(tgenabled = 'A') FROM pg_trigger WHERE NOT tgisinternal)), 't', 'the triggers are ENABLE ALWAYS');
is(new('postgres', q(SELECT numpool_create('new', 1), numpool_drop('p', true))), 't|t', 'pools are made and dropped');
$new->stop;
done_testing();
