// pgx and pgxpool, by the recipe of client/drivers.md, which is the other file of this program. Prints
// TAP: a line a scene.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"
)

var (
	ctx     = context.Background()
	db      *pgxpool.Pool
	watcher *pgx.Conn
)

func check(good bool, what string) {
	if !good {
		panic(what)
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func eventually(condition func() bool, what string) {
	for end := time.Now().Add(60 * time.Second); !condition(); time.Sleep(10 * time.Millisecond) {
		check(time.Now().Before(end), what)
	}
}

func number(c *pgx.Conn, sql string) (value int64) {
	must(c.QueryRow(ctx, sql).Scan(&value))
	return value
}

func ofPool(what string) int64 {
	return number(watcher, "SELECT ("+what+")::bigint FROM numpool_pools WHERE pool = 'gpu'")
}

func fresh() *pgx.Conn {
	c, err := pgx.Connect(ctx, "")
	must(err)
	return c
}

func token() (value string) {
	must(watcher.QueryRow(ctx, "SELECT gen_random_uuid()::text").Scan(&value))
	return value
}

func got(mine *lease, err error) *lease {
	must(err)
	return mine
}

func terminate(c *pgx.Conn) {
	number(watcher, fmt.Sprintf("SELECT pg_terminate_backend(%d, 10000)::int", number(c, "SELECT pg_backend_pid()")))
}

func acquireAndRelease() {
	c := fresh()
	defer c.Close(ctx)
	first, second := got(acquire(ctx, c, "gpu", 5)), got(acquire(ctx, c, "gpu", 5))
	check(first.number == 0 && second.number == 1 && second.fence > first.fence, "numbers")
	must(release(ctx, c, "gpu", first))
	check(ofPool("in_use") == 1, "one is released")
	check(release(ctx, c, "gpu", first) != nil, "released what it did not have")
}

func timeout() {
	holder, c := fresh(), fresh()
	defer holder.Close(ctx)
	defer c.Close(ctx)
	got(acquire(ctx, holder, "gpu", 5))
	got(acquire(ctx, holder, "gpu", 5))
	start := time.Now()
	check(got(acquire(ctx, c, "gpu", 0.2)) == nil, "none")
	check(time.Since(start) >= 199*time.Millisecond, "it waits")
	check(got(acquire(ctx, c, "gpu", 0)) == nil, "none at once")
}

func transaction() {
	c := fresh()
	defer c.Close(ctx)
	tx, err := c.Begin(ctx)
	must(err)
	check(number(c, "SELECT numpool_acquire('gpu')") == 0, "number 0")
	must(tx.Rollback(ctx))
	check(ofPool("in_use") == 0, "undone")
	mine := got(acquire(ctx, c, "gpu", 5))
	tx, err = c.Begin(ctx)
	must(err)
	must(release(ctx, c, "gpu", mine))
	check(ofPool("in_use") == 1, "not before COMMIT")
	must(tx.Commit(ctx))
	check(ofPool("in_use") == 0, "at COMMIT")
	tx, err = c.Begin(ctx)
	must(err)
	check(number(c, "SELECT numpool_acquire_xact('gpu')") == 0, "number 0")
	check(ofPool("in_use") == 1, "held in the transaction")
	must(tx.Commit(ctx))
	check(ofPool("in_use") == 0, "ends with it")
}

func ticket() {
	holder, c := fresh(), fresh()
	defer holder.Close(ctx)
	defer c.Close(ctx)
	mine := got(acquireByTicket(ctx, c, "gpu", 5*time.Second))
	check(mine.number == 0, "number 0")
	must(release(ctx, c, "gpu", mine))
	got(acquire(ctx, holder, "gpu", 5))
	held := got(acquire(ctx, holder, "gpu", 5))
	check(got(acquireByTicket(ctx, c, "gpu", 200*time.Millisecond)) == nil, "none")
	check(ofPool("waiting") == 0, "it left")
	type answer struct {
		mine *lease
		err  error
	}
	inBackground := func(pool string) chan answer {
		answers := make(chan answer, 1)
		go func() {
			mine, err := acquireByTicket(ctx, c, pool, 20*time.Second)
			answers <- answer{mine, err}
		}()
		return answers
	}
	for turn := 0; turn < 3; turn++ {
		waiting := inBackground("gpu")
		eventually(func() bool { return ofPool("waiting") == 1 }, "it does not wait")
		time.Sleep(100 * time.Millisecond)
		start := time.Now()
		must(release(ctx, holder, "gpu", held))
		a := <-waiting
		must(a.err)
		check(a.mine.number == 1 && time.Since(start) < 10*time.Second, "woken")
		must(release(ctx, c, "gpu", a.mine))
		held = got(acquire(ctx, holder, "gpu", 5))
	}
	number(watcher, "SELECT numpool_create('short', 1)::int")
	number(holder, "SELECT numpool_acquire('short')")
	waiting := inBackground("short")
	eventually(func() bool { return number(watcher, "SELECT count(*) FROM numpool_waiters WHERE pool = 'short'") == 1 }, "it does not wait")
	number(watcher, "SELECT numpool_drop('short', true)::int")
	check((<-waiting).err == errDropped, "told of the drop")
}

func reset() {
	pids := map[int64]bool{}
	for turn := 0; turn < 12; turn++ {
		c, err := db.Acquire(ctx)
		must(err)
		pids[number(c.Conn(), "SELECT pg_backend_pid()")] = true
		check(got(acquire(ctx, c.Conn(), "gpu", 5)).number == 0, "number 0")
		check(got(acquire(ctx, c.Conn(), "gpu", 5)).number == 1, "number 1")
		number(c.Conn(), "SELECT ticket FROM numpool_enqueue('gpu')")
		if turn%3 == 1 { // and leave it open
			_, err = c.Exec(ctx, "BEGIN")
			must(err)
		}
		c.Release()
		eventually(func() bool { return ofPool("in_use + waiting") == 0 }, "it keeps what came back")
	}
	check(len(pids) <= 8, "the connections are not used again")
}

func cancel() {
	holder, c := fresh(), fresh()
	defer holder.Close(ctx)
	defer c.Close(ctx)
	got(acquire(ctx, holder, "gpu", 5))
	held := got(acquire(ctx, holder, "gpu", 5))
	pid := number(c, "SELECT pg_backend_pid()")
	go func() {
		other := fresh()
		defer other.Close(ctx)
		for number(other, "SELECT count(*) FROM numpool_waiters") != 1 {
			time.Sleep(10 * time.Millisecond)
		}
		number(other, fmt.Sprintf("SELECT pg_cancel_backend(%d)::int", pid))
	}()
	_, err := acquire(ctx, c, "gpu", 20)
	check(err != nil && !c.IsClosed(), "cancelled")
	check(ofPool("waiting") == 0, "it left")
	// The end of a context closes the connection: what it had is free, and so is what it waited for.
	must(release(ctx, holder, "gpu", held))
	got(acquire(ctx, c, "gpu", 5))
	limited, stop := context.WithTimeout(ctx, 200*time.Millisecond)
	defer stop()
	_, err = c.Exec(limited, "SELECT pg_sleep(20)")
	check(err != nil && c.IsClosed(), "the connection is closed")
	eventually(func() bool { return ofPool("in_use") == 1 }, "its leases stay")
}

func lost() {
	c, err := db.Acquire(ctx)
	must(err)
	mine := got(acquire(ctx, c.Conn(), "gpu", 5))
	terminate(c.Conn())
	check(ofPool("in_use") == 0, "the number is free")
	check(release(ctx, c.Conn(), "gpu", mine) != nil, "released what was lost")
	check(release(ctx, c.Conn(), "gpu", mine) != nil, "nor on a new connection")
	c.Release()
	c, err = db.Acquire(ctx)
	must(err)
	check(got(acquire(ctx, c.Conn(), "gpu", 5)).number == 0, "a new connection")
	c.Release()
}

func timed() {
	first, second, third := token(), token(), token()
	mine := got(leaseTimed(ctx, db, "gpu", first))
	kept, err := db.Acquire(ctx) // so that another connection is asked
	must(err)
	check(mine.number == 0 && *got(leaseTimed(ctx, db, "gpu", first)) == *mine, "the same")
	fence, err := renew(ctx, db, first)
	must(err)
	check(*fence == mine.fence, "renewed")
	kept.Release()
	check(got(leaseTimed(ctx, db, "gpu", second)).number == 1, "number 1")
	check(got(leaseTimed(ctx, db, "gpu", third)) == nil, "its place is kept")
	for i, t := range []string{first, second, third} {
		if i == 1 {
			check(got(leaseTimed(ctx, db, "gpu", third)).number == 0, "its turn")
			fence, err = renew(ctx, db, first)
			check(err == nil && fence == nil, "over")
		}
		freed, err := giveBack(ctx, db, t)
		check(err == nil && freed, "given back")
	}
}

func play(name string, scene func()) (good bool) {
	defer func() {
		if what := recover(); what != nil {
			fmt.Printf("# %v\nnot ok - %s\n", what, name)
		}
	}()
	scene()
	eventually(func() bool { return ofPool("in_use + waiting") == 0 }, "something is left")
	fmt.Println("ok - " + name)
	return true
}

func main() {
	watcher = fresh()
	var err error
	db, err = openPool(ctx, "pool_max_conns=4")
	must(err)
	scenes := []struct {
		name  string
		scene func()
	}{
		{"acquire and release", acquireAndRelease}, {"timeout", timeout}, {"transaction", transaction},
		{"ticket", ticket}, {"reset", reset}, {"cancel", cancel}, {"lost", lost}, {"timed", timed},
	}
	status := 0
	for _, s := range scenes {
		if !play(s.name, s.scene) {
			status = 1
		}
	}
	os.Exit(status)
}
