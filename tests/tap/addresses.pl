# The views tell a session's address to whom pg_stat_activity tells it, and to nobody else.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Session 'open_session';
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q(listen_addresses = '127.0.0.1'));
$node->start;
$node->safe_psql('postgres', q(CREATE EXTENSION numpool; SELECT numpool_create('p', 1);
	CREATE ROLE plain LOGIN; CREATE ROLE reader LOGIN IN ROLE pg_read_all_stats;
	CREATE ROLE holder LOGIN));

my $tcp = 'host=127.0.0.1 user=holder dbname=postgres port=' . $node->port;
my $holder = open_session($node, extra_params => [ '-d', $tcp ]);
is($holder->query_safe(q(SELECT numpool_acquire('p'))), 0, 'held over TCP');
my $look = q(SELECT client_addr IS NOT NULL FROM numpool_leases UNION ALL SELECT client_addr IS NOT NULL FROM pg_stat_activity WHERE pid IN (SELECT pid FROM numpool_leases));
my $address = q(SELECT client_addr FROM numpool_leases);
is($node->safe_psql('postgres', $address), '127.0.0.1', 'a superuser sees the address');
is($node->safe_psql('postgres', $address, extra_params => [ '-U', 'reader' ]), '127.0.0.1', 'so does a member of pg_read_all_stats');
is($node->safe_psql('postgres', $look, extra_params => [ '-U', 'plain' ]), "f\nf", 'a plain role does not');
is($node->safe_psql('postgres', q(SELECT index || ' ' || scope FROM numpool_leases), extra_params => [ '-U', 'plain' ]), '0 session', 'it sees that the number is taken');
is($holder->query_safe($address), '127.0.0.1', 'one sees oneself');
$holder->quit;
$node->stop;
done_testing();
