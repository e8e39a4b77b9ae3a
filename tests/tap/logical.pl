# Logical replication of the definitions: live pools on the subscriber follow the rows.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Session 'open_session';
use Test::More;

my $publisher = PostgreSQL::Test::Cluster->new('publisher');
$publisher->init(allows_streaming => 'logical');
$publisher->start;
my $subscriber = PostgreSQL::Test::Cluster->new('subscriber');
$subscriber->init(allows_streaming => 'logical');
$subscriber->start;
$_->safe_psql('postgres', 'CREATE EXTENSION numpool') for $publisher, $subscriber;
$publisher->safe_psql('postgres', q(SELECT numpool_create('before', 2)));
$publisher->safe_psql('postgres', 'CREATE PUBLICATION pools FOR TABLE numpool_definitions');
my $from = 'port=' . $publisher->port . ' host=' . $publisher->host . ' dbname=postgres';
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION pools CONNECTION '$from' PUBLICATION pools");
$subscriber->wait_for_subscription_sync($publisher, 'pools');

sub publish
{
	my ($sql) = @_;
	$publisher->safe_psql('postgres', $sql);
	$publisher->wait_for_catchup('pools');
}

is($subscriber->safe_psql('postgres', q(SELECT numpool_acquire('before'))), 0, 'a pool of the first copy works');
publish(q(SELECT numpool_create('p', 1)));
my $holder = open_session($subscriber, on_error_stop => 0);
is($holder->query_safe(q(SELECT numpool_acquire('p'))), 0, 'a pool that came by INSERT works');
my $sleeper = open_session($subscriber, on_error_stop => 0);
$sleeper->query_until(qr/begun/, "\\echo begun\nSELECT numpool_acquire('p');\n");
$subscriber->poll_query_until('postgres', q(SELECT waiting = 1 FROM numpool_pools WHERE pool = 'p'));
publish(q(SELECT numpool_resize('p', 2)));
is($sleeper->query_safe('SELECT 1'), "1\n1", 'a replicated growth serves the sleeper');
is($subscriber->safe_psql('postgres', q(SELECT size || ' ' || in_use FROM numpool_pools WHERE pool = 'p')), '2 2', 'the live pool has grown');

# Roles go by name: those of the subscriber count, where there are any.
$subscriber->safe_psql('postgres', 'CREATE ROLE filler; CREATE ROLE ann; CREATE ROLE bob');
publish(q(CREATE ROLE ann; CREATE ROLE bob; CREATE ROLE gone; SELECT numpool_grant('p', 'gone'), numpool_grant('p', 'bob'), numpool_set_owner('p', 'ann')));
my $roles = q(SELECT concat_ws(' ', owner, owner_oid::regrole, users, user_oids::regrole[]) FROM numpool_definitions WHERE name = 'p');
is($subscriber->safe_psql('postgres', $roles), 'ann ann {public,bob} {-,bob}', 'owner and users came, but for a role that is missing there');
$subscriber->safe_psql('postgres', 'ALTER ROLE bob RENAME TO bert; CREATE ROLE bob');
publish(q(SELECT numpool_revoke('p', 'public')));
is($subscriber->safe_psql('postgres', $roles), 'ann ann {bob} {bert}', 'who was renamed there keeps his rights');

publish(q(UPDATE numpool_definitions SET name = 'q' WHERE name = 'p'));
is($holder->query_safe(q(SELECT numpool_fence('q', 0) > 0)), 't', 'a replicated new name reaches the live pool');
$holder->query_until(qr/begun/, "\\echo begun\n\\set VERBOSITY sqlstate\nSELECT numpool_acquire('q');\n");
$subscriber->poll_query_until('postgres', q(SELECT waiting = 1 FROM numpool_pools WHERE pool = 'q'));
publish(q(DELETE FROM numpool_definitions WHERE name = 'q'));
my $after = $holder->query('SELECT 1');
like($holder->{stderr}, qr/42704/, 'a replicated DELETE ends the sleep');
is($subscriber->safe_psql('postgres', q(SELECT count(*) FROM numpool_leases WHERE pool = 'q')), 0, 'and the leases');
$holder->quit;
$sleeper->quit;
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION pools');
$_->stop for $subscriber, $publisher;
done_testing();
