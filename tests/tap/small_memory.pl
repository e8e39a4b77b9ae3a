# Changes of definitions with a small arena, where allocations fail and idle pools are evicted.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Session 'open_session';
use Test::More;
use Time::HiRes qw(sleep time);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q(shared_preload_libraries = 'numpool'));
$node->append_conf('postgresql.conf', q(numpool.shared_memory_size = '2MB'));
$node->append_conf('postgresql.conf', q(restart_after_crash = off));
$node->start;
# 'big' does not fit: to try evicts whatever may be evicted.
$node->safe_psql('postgres', q(CREATE EXTENSION numpool; SELECT numpool_create('big', 65536)));

sub session
{
	my $session = open_session($node, on_error_stop => 0);
	$session->query('\set VERBOSITY sqlstate');
	return $session;
}

# The answer to statements of which some may fail.
sub ask
{
	my ($session, $sql) = @_;
	$session->{stderr} = '';
	my $answer = $session->query($sql);
	my @states = $session->{stderr} =~ /ERROR:  (\w{5})/g;
	$session->{stderr} = '';
	return join(' ', grep { $_ ne '' } split(/\n/, $answer), @states);
}

# A growth that fails leaves what an earlier one in the transaction has reserved.
my $one = session();
$node->safe_psql('postgres', q(SELECT numpool_create('p', 10)));
ask($one, q(SELECT numpool_acquire('p')));
ask($one, q(BEGIN; SELECT numpool_resize('p', 1000); SAVEPOINT s));
is(ask($one, q(SELECT numpool_resize('p', 65536))), '53200', 'a growth that does not fit');
is(ask($one, q(ROLLBACK TO s; COMMIT)), '', 'the growth before it commits');
is(ask($one, q(SELECT size || ' ' || free FROM numpool_pools WHERE pool = 'p')), '1000 999', 'and is there');
is(ask($one, q(SELECT count(numpool_acquire('p')) FROM generate_series(1, 999))), '999', 'each of its numbers can be had');
is(ask($one, q(SELECT numpool_release_all())), '1000', 'and given back');

# What a failed one had found is free again at once, while the transaction is still open.
$node->safe_psql('postgres', q(SELECT numpool_drop('p'), numpool_create('p', 10), numpool_create('q', 512)));
ask($one, q(SELECT numpool_acquire('p')));
ask($one, q(BEGIN; SELECT numpool_resize('p', 100); SAVEPOINT s));
is(ask($one, q(SELECT numpool_resize('p', 65536))), '53200', 'again a growth that does not fit');
is($node->safe_psql('postgres', q(SELECT numpool_acquire('q'))), '0', 'another pool finds room meanwhile');
is(ask($one, q(ROLLBACK TO s; SELECT numpool_resize('p', 50); ROLLBACK)), '100', 'another size instead, all rolled back');
is(ask($one, q(SELECT size FROM numpool_pools WHERE pool = 'p')), '10', 'as it was');
ask($one, q(SELECT numpool_release_all()));
$node->safe_psql('postgres', q(SELECT numpool_drop('p'), numpool_drop('q')));

# A pool whose row the open transaction has changed is not evicted, whatever else is undone.
my ($two, $three) = (session(), session());
for my $change (q(SELECT numpool_set_metadata('k', '2')), q(SELECT numpool_resize('k', 3)),
	q(UPDATE numpool_definitions SET name = 'k' WHERE name = 'k'))
{
	$node->safe_psql('postgres', q(SELECT numpool_create('k', 2)));
	ask($one, qq(BEGIN; $change; SAVEPOINT s; SELECT numpool_set_metadata('k', '3'); ROLLBACK TO s; SAVEPOINT t));
	is(ask($one, q(SELECT numpool_try_acquire('big'))), '53200', "$change: all that is idle is evicted");
	is(ask($one, q(ROLLBACK TO t; SELECT numpool_try_acquire('k'))), '0', 'its pool is used by the changer');
	is(ask($two, q(SELECT numpool_acquire('k'))), '1', 'and by another');
	ask($one, q(ROLLBACK));
	is(ask($three, q(SELECT numpool_try_acquire('k'))), '0', 'after its rollback one number is free');
	is(ask($three, q(SELECT numpool_try_acquire('k') IS NULL)), 't', 'and no more');
	is(ask($two, q(SELECT numpool_release('k', 1))), 't', 'the other has kept its own');
	ask($three, q(SELECT numpool_release('k', 0)));
	is(ask($three, q(SELECT numpool_drop('k'))), 't', 'and nothing is left');
}

# Nor is one that another session puts back in place of the one that was pinned, in a transaction that
# was rolled back to a savepoint; and a pin goes to nobody else's pool.
my $put_back = q(BEGIN; CREATE TEMP TABLE saved AS SELECT * FROM numpool_definitions WHERE name = 'k';
	DELETE FROM numpool_definitions WHERE name = 'k'; INSERT INTO numpool_definitions SELECT * FROM saved; DROP TABLE saved; COMMIT);
for my $changer ($one, $two)
{
	$node->safe_psql('postgres', q(SELECT numpool_create('k', 2)));
	ask($one, q(BEGIN; SAVEPOINT s; SELECT numpool_resize('k', 3); ROLLBACK TO s));
	is(ask($two, $put_back), '', 'the pool is put back');
	is(ask($two, q(SELECT numpool_acquire('k'), numpool_release('k', 0))), '0|t', 'and used');
	ask($one, q(COMMIT)) if $changer == $two;
	is(ask($changer, q(BEGIN; SELECT numpool_resize('k', 3); SAVEPOINT t; SELECT numpool_try_acquire('big'))), '2 53200',
		'it is changed, and all that is idle is evicted');
	is(ask($changer, q(ROLLBACK TO t; SELECT numpool_try_acquire('k'))), '0', 'it is used by the changer');
	is(ask($three, q(SELECT numpool_try_acquire('k'))), '1', 'and by another');
	is(ask($three, q(SELECT numpool_try_acquire('k') IS NULL)), 't', 'who gets no number that is not committed');
	ask($changer, q(ROLLBACK));
	is(ask($three, q(SELECT size FROM numpool_pools WHERE pool = 'k')), '2', 'after the rollback the size is as it was');
	ask($three, q(SELECT numpool_release_all()));
	is(ask($three, q(SELECT numpool_drop('k'))), 't', 'and nothing is left');
}

# An ephemeral pool that is evicted has not been idle for longer on account of that.
sub create
{
	my ($name, $settings) = @_;
	return ask($two, "SELECT numpool_create('$name', 1, settings => '$settings')");
}
create('e', '{"ephemeral": "1 s"}');
sleep 1.2;
my $since = time;
ask($one, q(SELECT numpool_acquire('e'), numpool_release('e', 0)));
is(ask($one, q(SELECT numpool_try_acquire('big'))), '53200', 'all that is idle is evicted');
create('f', '{}');
my $kept = ask($one, q(SELECT numpool_list('e')));
SKIP:
{
	skip 'the machine is too slow to tell', 1 if time - $since >= 1;
	is($kept, 'e', 'it is there for as long as it may be');
}
sleep 1.2;
create('g', '{}');
is(ask($one, q(SELECT numpool_list('e'))), '', 'and goes after that, though it is not live');

# The segment has the size that was set when it was made, whatever is set later.
is($node->safe_psql('postgres', 'SHOW numpool.shared_memory_size'), '2MB', 'the setting is read');
$node->append_conf('postgresql.conf', q(numpool.shared_memory_size = '16MB'));
$node->reload;
ok($node->poll_query_until('postgres', q(SELECT current_setting('numpool.shared_memory_size') = '16MB')), 'the setting can be changed');
is(ask(session(), q(SELECT numpool_try_acquire('big'))), '53200', 'but the memory is of the size it was made with');
$_->quit for $one, $two, $three;
$node->restart;
is($node->safe_psql('postgres', q(SELECT numpool_try_acquire('big'))), '0', 'until the restart');
$node->stop;
done_testing();
