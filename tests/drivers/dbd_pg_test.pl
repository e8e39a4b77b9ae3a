# DBD::Pg, by the recipe of client/drivers.md. Prints TAP: a line a scene.
use strict;
use warnings;
use Time::HiRes qw(sleep time);

require "$ENV{NUMPOOL_RECIPES}/dbd_pg_recipe.pl";

my @options = ('dbi:Pg:', '', '', { AutoCommit => 1, RaiseError => 1, PrintError => 0, PrintWarn => 0 });
my $watcher = DBI->connect(@options);

sub fresh { return DBI->connect(@options) }
sub number { my ($dbh, $sql) = @_; return ($dbh->selectrow_array($sql))[0] }
sub of_pool { return number($watcher, "SELECT $_[0] FROM numpool_pools WHERE pool = 'gpu'") }
sub check { my ($good, $what) = @_; die "$what\n" if !$good; return }
sub fails { my ($function) = @_; return !eval { $function->(); 1 } }
sub token { return number($watcher, 'SELECT gen_random_uuid()') }

sub eventually {
    my ($condition, $what) = @_;
    my $end = time + 60;
    until ($condition->()) {
        check(time < $end, $what);
        sleep 0.01;
    }
    return;
}

# In a process of its own, after a while.
sub in_a_moment {
    my ($condition, @sql) = @_;
    my $pid = fork // die "fork: $!";
    return $pid if $pid;
    $watcher->{InactiveDestroy} = 1;
    my $dbh = fresh();
    sleep 0.01 until number($dbh, $condition);
    sleep 0.1;
    $dbh->do($_) for @sql;
    $dbh->disconnect;
    exec 'true'; # without what Perl does at its end to the connections of the parent
}

my $one_waits = 'SELECT count(*) FROM numpool_waiters';
my %scenes = (
    'acquire and release' => sub {
        my $dbh = fresh();
        my @first = acquire($dbh, 'gpu', 5);
        my @second = acquire($dbh, 'gpu', 5);
        check($first[0] == 0 && $second[0] == 1 && $second[1] > $first[1], 'numbers');
        release($dbh, 'gpu', @first);
        check(of_pool('in_use') == 1, 'one is released');
        check(fails(sub { release($dbh, 'gpu', @first) }), 'released what it did not have');
    },
    timeout => sub {
        my ($holder, $dbh) = (fresh(), fresh());
        acquire($holder, 'gpu', 5) for 1 .. 2;
        my $start = time;
        check(!(() = acquire($dbh, 'gpu', 0.2)), 'none');
        check(time - $start >= 0.199, 'it waits');
        check(!(() = acquire($dbh, 'gpu', 0)), 'none at once');
    },
    transaction => sub {
        my $dbh = fresh();
        $dbh->begin_work;
        check(number($dbh, "SELECT numpool_acquire('gpu')") == 0, 'number 0');
        $dbh->rollback;
        check(of_pool('in_use') == 0, 'undone');
        my @lease = acquire($dbh, 'gpu', 5);
        $dbh->begin_work;
        release($dbh, 'gpu', @lease);
        check(of_pool('in_use') == 1, 'not before COMMIT');
        $dbh->commit;
        check(of_pool('in_use') == 0, 'at COMMIT');
        $dbh->begin_work;
        check(number($dbh, "SELECT numpool_acquire_xact('gpu')") == 0, 'number 0');
        check(of_pool('in_use') == 1, 'held in the transaction');
        $dbh->commit;
        check(of_pool('in_use') == 0, 'ends with it');
    },
    ticket => sub {
        my ($holder, $dbh) = (fresh(), fresh());
        my @lease = acquire_by_ticket($dbh, 'gpu', 5);
        check($lease[0] == 0, 'number 0');
        release($dbh, 'gpu', @lease);
        acquire($holder, 'gpu', 5) for 1 .. 2;
        check(!(() = acquire_by_ticket($dbh, 'gpu', 0.2)), 'none');
        check(of_pool('waiting') == 0, 'it left');
        my $pid = number($holder, 'SELECT pg_backend_pid()');
        my $child = in_a_moment($one_waits, "SELECT pg_terminate_backend($pid)");
        my $start = time;
        @lease = acquire_by_ticket($dbh, 'gpu', 20);
        waitpid $child, 0;
        check(defined $lease[0] && time - $start < 10, 'woken');
        release($dbh, 'gpu', @lease);
        $watcher->do("SELECT numpool_create('short', 1)");
        $watcher->do("SELECT numpool_acquire('short')");
        $child = in_a_moment($one_waits, "SELECT numpool_drop('short', true)");
        check(fails(sub { acquire_by_ticket($dbh, 'short', 20) }) && $@ =~ /the ticket is (?:dropped|gone)/, 'told of the drop');
        waitpid $child, 0;
    },
    reset => sub {
        my %pids;
        for my $turn (0 .. 11) {
            my $dbh = connection(@options[0 .. 2]);
            $pids{ number($dbh, 'SELECT pg_backend_pid()') } = 1;
            check((acquire($dbh, 'gpu', 5))[0] == 0, 'number 0');
            check((acquire($dbh, 'gpu', 5))[0] == 1, 'number 1');
            $dbh->do("SELECT numpool_enqueue('gpu')");
            if ($turn % 3 == 1) { # and leave it open, broken
                $dbh->begin_work;
                eval { $dbh->do('SELECT 1 / 0') };
            }
        }
        connection(@options[0 .. 2]);
        check(of_pool('in_use + waiting') == 0, 'it keeps what it had');
        check(keys %pids == 1, 'the connection is not used again');
    },
    cancel => sub {
        my ($holder, $dbh) = (fresh(), fresh());
        acquire($holder, 'gpu', 5) for 1 .. 2;
        check(!(() = acquire($dbh, 'gpu', 20, sub { of_pool('waiting') == 1 })), 'given up');
        check(of_pool('waiting') == 0, 'it left');
        # A cancel that meets a grant: none of the two numbers may be lost.
        for (1 .. 20) {
            my @lease = acquire($dbh, 'gpu', 20, sub {
                return 0 if of_pool('waiting') == 0;
                $holder->do("SELECT numpool_release('gpu', 1)");
                return 1;
            });
            check(!@lease && of_pool('in_use') == 1 && of_pool('waiting') == 0, 'a number is lost');
            check((acquire($holder, 'gpu', 5))[0] == 1, 'number 1');
        }
        check(number($dbh, 'SELECT 1') == 1, 'it is usable');
    },
    lost => sub {
        my $dbh = fresh();
        my @lease = acquire($dbh, 'gpu', 5);
        my $pid = number($dbh, 'SELECT pg_backend_pid()');
        number($watcher, "SELECT pg_terminate_backend($pid, 10000)");
        check(of_pool('in_use') == 0, 'the number is free');
        check(fails(sub { release($dbh, 'gpu', @lease) }), 'released what was lost') for 1 .. 2;
        # connect_cached finds out and opens another.
        my $cached = connection(@options[0 .. 2]);
        $pid = number($cached, 'SELECT pg_backend_pid()');
        number($watcher, "SELECT pg_terminate_backend($pid, 10000)");
        check((acquire(connection(@options[0 .. 2]), 'gpu', 5))[0] == 0, 'a new connection');
        connection(@options[0 .. 2]);
    },
    timed => sub {
        my ($token, $second, $third) = (token(), token(), token());
        my ($number, $fence) = lease_timed(fresh(), 'gpu', $token);
        my $dbh = fresh();
        my @again = lease_timed($dbh, 'gpu', $token);
        check($number == 0 && $again[0] == 0 && $again[1] == $fence, 'the same');
        check(renew($dbh, $token) == $fence, 'renewed');
        check((lease_timed($dbh, 'gpu', $second))[0] == 1, 'number 1');
        check(!defined((lease_timed($dbh, 'gpu', $third))[0]), 'its place is kept');
        check(give_back($dbh, $token), 'given back');
        check((lease_timed($dbh, 'gpu', $third))[0] == 0, 'its turn');
        check(!defined renew($dbh, $token), 'over');
        check(give_back($dbh, $second) && give_back($dbh, $third), 'given back');
    },
);

$| = 1;
my $status = 0;
for my $name ('acquire and release', qw(timeout transaction ticket reset cancel lost timed)) {
    my $good = eval {
        $scenes{$name}->();
        eventually(sub { of_pool('in_use + waiting') == 0 }, 'something is left');
        1;
    };
    print "# $@\n" if !$good;
    print $good ? '' : 'not ', "ok - $name\n";
    $status = 1 if !$good;
}
exit $status;
