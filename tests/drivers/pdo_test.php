<?php
// PDO, by the recipe of client/drivers.md. Prints TAP: a line a scene.
require getenv('NUMPOOL_RECIPES') . '/pdo_recipe.php';

$watcher = fresh();

function fresh(): PDO {
    return new PDO('pgsql:', null, null, [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION]);
}

function number(PDO $db, string $sql) {
    return $db->query($sql)->fetchColumn();
}

function of_pool(string $what): int {
    global $watcher;
    return number($watcher, "SELECT $what FROM numpool_pools WHERE pool = 'gpu'");
}

function check(bool $good, string $what): void {
    if (!$good) throw new LogicException($what);
}

function eventually(callable $condition, string $what): void {
    $end = microtime(true) + 60;
    while (!$condition()) {
        check(microtime(true) < $end, $what);
        usleep(10000);
    }
}

function fails(callable $function): bool {
    try {
        $function();
    } catch (PDOException | RuntimeException $e) {
        return true;
    }
    return false;
}

/** In another process, once one waits. */
function in_a_moment(string $sql) {
    $until = 'DO $$BEGIN WHILE NOT EXISTS (SELECT FROM numpool_waiters) LOOP PERFORM pg_sleep(0.01); END LOOP; PERFORM pg_sleep(0.1); END$$';
    return proc_open(['psql', '-qXAt', '-c', $until, '-c', $sql], [1 => ['file', '/dev/null', 'w']], $pipes);
}

$scenes = [
    'acquire and release' => function () {
        $db = fresh();
        [$first, $second] = [acquire($db, 'gpu', 5), acquire($db, 'gpu', 5)];
        check($first[0] === 0 && $second[0] === 1 && $second[1] > $first[1], 'numbers');
        release($db, 'gpu', $first);
        check(of_pool('in_use') === 1, 'one is released');
        check(fails(fn() => release($db, 'gpu', $first)), 'released what it did not have');
    },
    'timeout' => function () {
        [$holder, $db] = [fresh(), fresh()];
        acquire($holder, 'gpu', 5);
        acquire($holder, 'gpu', 5);
        $start = microtime(true);
        check(acquire($db, 'gpu', 0.2) === null, 'none');
        check(microtime(true) - $start >= 0.199, 'it waits');
        check(acquire($db, 'gpu', 0) === null, 'none at once');
    },
    'transaction' => function () {
        $db = fresh();
        $db->beginTransaction();
        check(number($db, "SELECT numpool_acquire('gpu')") === 0, 'number 0');
        $db->rollBack();
        check(of_pool('in_use') === 0, 'undone');
        $lease = acquire($db, 'gpu', 5);
        $db->beginTransaction();
        release($db, 'gpu', $lease);
        check(of_pool('in_use') === 1, 'not before COMMIT');
        $db->commit();
        check(of_pool('in_use') === 0, 'at COMMIT');
        $db->beginTransaction();
        check(number($db, "SELECT numpool_acquire_xact('gpu')") === 0, 'number 0');
        check(of_pool('in_use') === 1, 'held in the transaction');
        $db->commit();
        check(of_pool('in_use') === 0, 'ends with it');
    },
    'ticket' => function () {
        global $watcher;
        [$holder, $db] = [fresh(), fresh()];
        $lease = acquire_by_ticket($db, 'gpu', 5);
        check($lease[0] === 0, 'number 0');
        release($db, 'gpu', $lease);
        acquire($holder, 'gpu', 5);
        acquire($holder, 'gpu', 5);
        check(acquire_by_ticket($db, 'gpu', 0.2) === null, 'none');
        check(of_pool('waiting') === 0, 'it left');
        $process = in_a_moment('SELECT pg_terminate_backend(' . number($holder, 'SELECT pg_backend_pid()') . ')');
        $start = microtime(true);
        $lease = acquire_by_ticket($db, 'gpu', 20);
        proc_close($process);
        check($lease !== null && microtime(true) - $start < 10, 'woken');
        release($db, 'gpu', $lease);
        $watcher->exec("SELECT numpool_create('short', 1)");
        $watcher->exec("SELECT numpool_acquire('short')");
        $process = in_a_moment("SELECT numpool_drop('short', true)");
        check(fails(fn() => acquire_by_ticket($db, 'short', 20)), 'told of the drop');
        proc_close($process);
    },
    'reset' => function () {
        $pids = [];
        for ($turn = 0; $turn < 12; $turn++) {
            $db = connection('pgsql:');
            $pids[number($db, 'SELECT pg_backend_pid()')] = true;
            check(acquire($db, 'gpu', 5)[0] === 0, 'number 0');
            check(acquire($db, 'gpu', 5)[0] === 1, 'number 1');
            $db->query("SELECT ticket FROM numpool_enqueue('gpu')");
            if ($turn % 3 === 1) { // and leave it open, broken
                $db->beginTransaction();
                check(fails(fn() => $db->exec('SELECT 1 / 0')), 'no error');
            }
            $db = null;
        }
        connection('pgsql:');
        check(of_pool('in_use + waiting') === 0, 'it keeps what it had');
        check(count($pids) === 1, 'the connection is not used again');
    },
    'cancel' => function () {
        [$holder, $db] = [fresh(), fresh()];
        acquire($holder, 'gpu', 5);
        $held = acquire($holder, 'gpu', 5);
        $pid = number($db, 'SELECT pg_backend_pid()');
        $process = in_a_moment("SELECT pg_cancel_backend($pid)");
        check(fails(fn() => acquire($db, 'gpu', 20)), 'cancelled');
        proc_close($process);
        check(of_pool('waiting') === 0, 'it left');
        release($holder, 'gpu', $held);
        $lease = acquire($db, 'gpu', 5);
        check($lease[0] === 1, 'it is usable');
        release($db, 'gpu', $lease);
    },
    'lost' => function () {
        global $watcher;
        $db = fresh();
        $lease = acquire($db, 'gpu', 5);
        number($watcher, 'SELECT pg_terminate_backend(' . number($db, 'SELECT pg_backend_pid()') . ', 10000)');
        check(of_pool('in_use') === 0, 'the number is free');
        check(fails(fn() => release($db, 'gpu', $lease)), 'released what was lost');
        check(fails(fn() => release($db, 'gpu', $lease)), 'nor on a new connection');
        // A persistent one that is broken is found out.
        $db = connection('pgsql:');
        number($watcher, 'SELECT pg_terminate_backend(' . number($db, 'SELECT pg_backend_pid()') . ', 10000)');
        $db = null;
        $db = connection('pgsql:');
        check(acquire($db, 'gpu', 5)[0] === 0, 'a new connection');
        connection('pgsql:');
    },
    'timed' => function () {
        global $watcher;
        [$token, $second, $third] = array_map(fn() => number($watcher, 'SELECT gen_random_uuid()'), [1, 2, 3]);
        $lease = lease_timed(fresh(), 'gpu', $token);
        $db = fresh();
        check($lease[0] === 0 && lease_timed($db, 'gpu', $token) === $lease, 'the same');
        check(renew($db, $token) === $lease[1], 'renewed');
        check(lease_timed($db, 'gpu', $second)[0] === 1, 'number 1');
        check(lease_timed($db, 'gpu', $third)[0] === null, 'its place is kept');
        check(give_back($db, $token), 'given back');
        check(lease_timed($db, 'gpu', $third)[0] === 0, 'its turn');
        check(renew($db, $token) === null, 'over');
        check(give_back($db, $second) && give_back($db, $third), 'given back');
    },
];

$status = 0;
foreach ($scenes as $name => $scene) {
    try {
        $scene();
        eventually(fn() => of_pool('in_use + waiting') === 0, 'something is left');
        echo "ok - $name\n";
    } catch (Throwable $e) {
        echo "# ", str_replace("\n", "\n# ", (string) $e), "\nnot ok - $name\n";
        $status = 1;
    }
}
exit($status);
