package transfer

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"secretaria/internal/fault"
	"secretaria/internal/store"
	"secretaria/internal/store/sqlite"
)

const customers = 24

func TestSQLiteThereAndBack(t *testing.T) {
	t.Parallel()
	path, backup, back := file(t, "a.db"), file(t, "backup.db"), file(t, "b.db")
	a := openSQLite(t, path)
	town(t, a, customers)
	made, err := BackupSQLite(t.Context(), path, backup)
	must(t, err)
	want := tell(t, a, customers)
	if made.total("conversations") != customers || made.total("messages") < customers || made.Deliveries != int64(want.Open) {
		t.Errorf("BackupSQLite = %+v", made)
	}
	if slices.ContainsFunc(made.Tables, func(t Table) bool { return strings.HasPrefix(t.Name, "river") || t.Name == "workers" }) {
		t.Errorf("BackupSQLite copied %+v", made.Tables)
	}
	if info, err := os.Stat(backup); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the backup is %v, %v, want it for its owner alone", info.Mode(), err)
	}
	onlyFile(t, backup)
	got, err := RestoreSQLite(t.Context(), backup, back, false)
	must(t, err)
	if got.total("messages") != made.total("messages") || got.Deliveries != made.Deliveries || got.Turns != made.Turns {
		t.Errorf("RestoreSQLite = %+v, want what was backed up: %+v", got, made)
	}
	b := openSQLite(t, back)
	equal(t, "restored", tell(t, b, customers), want)
	works(t, b, customers)
}

func TestPostgresThereAndBack(t *testing.T) {
	t.Parallel()
	url, backup := emptyPostgres(t), file(t, "backup.db")
	a := openPostgres(t, url)
	town(t, a, customers)
	made, err := BackupPostgres(t.Context(), connect(t, url), backup)
	must(t, err)
	onlyFile(t, backup)
	want := tell(t, a, customers)

	path := file(t, "b.db")
	_, err = RestoreSQLite(t.Context(), backup, path, false)
	must(t, err)
	b := openSQLite(t, path)
	equal(t, "restored into SQLite", tell(t, b, customers), want)
	works(t, b, customers)

	other := emptyPostgres(t)
	got, err := RestorePostgres(t.Context(), backup, connect(t, other), "other", false)
	must(t, err)
	if got.Deliveries != made.Deliveries || got.Turns != made.Turns || got.Mended != 0 {
		t.Errorf("RestorePostgres = %+v, want what was backed up: %+v", got, made)
	}
	c := openPostgres(t, other)
	equal(t, "restored into PostgreSQL", tell(t, c, customers), want)
	works(t, c, customers)

	// Back over the database that has moved on since.
	db := connect(t, url)
	if _, err := RestorePostgres(t.Context(), backup, db, "own", false); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "--overwrite") {
		t.Errorf("RestorePostgres over %d conversations: %v, want it refused", customers, err)
	}
	_, err = a.Receive(t.Context(), arrival(epoch, said(customers, 1, "Sou novo"), said(customers, 2, "Alô?")))
	must(t, err)
	_, err = RestorePostgres(t.Context(), backup, db, "own", true)
	must(t, err)
	equal(t, "overwritten", tell(t, a, customers), want)
	works(t, a, customers)
}

// Both databases sum the same rows to the same.
func TestMove(t *testing.T) {
	t.Parallel()
	const customers = 60
	path, url := file(t, "a.db"), emptyPostgres(t)
	a := openSQLite(t, path)
	town(t, a, customers)
	want := tell(t, a, customers)
	must(t, a.Close())
	before, err := os.ReadFile(path)
	must(t, err)

	release, err := sqlite.Lock(path)
	must(t, err)
	if _, err := Move(t.Context(), path, connect(t, url), "it"); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "another server is running") {
		t.Errorf("Move beside a server: %v, want it refused", err)
	}
	release()
	got, err := Move(t.Context(), path, connect(t, url), "it")
	must(t, err)
	if got.total("conversations") != customers {
		t.Errorf("Move = %+v, want %d conversations", got, customers)
	}
	after, err := os.ReadFile(path)
	must(t, err)
	if !bytes.Equal(before, after) {
		t.Error("Move changed the file")
	}
	if _, err := Move(t.Context(), path, connect(t, url), "it"); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "already") {
		t.Errorf("Move into what is not empty: %v, want it refused", err)
	}
	b := openPostgres(t, url)
	equal(t, "moved", tell(t, b, customers), want)
	works(t, b, customers)
	// And nothing of it went into the file it came from.
	equal(t, "left", tell(t, openSQLite(t, path), customers), want)
}

// A process that was killed leaves its last steps in the log beside the file.
func TestMoveReadsTheLog(t *testing.T) {
	t.Parallel()
	path, url := file(t, "a.db"), emptyPostgres(t)
	killed := left(t, path)
	_, err := Move(t.Context(), killed, connect(t, url), "it")
	must(t, err)
	equal(t, "moved", tell(t, openPostgres(t, url), customers), tell(t, openSQLite(t, killed), customers))
}

// left makes the files of a server that was killed.
func left(t *testing.T, path string) string {
	t.Helper()
	a := openSQLite(t, path)
	town(t, a, customers)
	killed := file(t, "killed.db")
	for _, suffix := range []string{"", "-wal"} {
		data, err := os.ReadFile(path + suffix)
		must(t, err)
		if len(data) == 0 {
			t.Fatalf("%s%s is empty", path, suffix)
		}
		must(t, os.WriteFile(killed+suffix, data, 0o600))
	}
	return killed
}

func TestRestoreOverTheFilesOfAKilledServer(t *testing.T) {
	t.Parallel()
	path, backup := file(t, "a.db"), file(t, "backup.db")
	a := openSQLite(t, path)
	town(t, a, 10)
	_, err := BackupSQLite(t.Context(), path, backup)
	must(t, err)
	killed := left(t, file(t, "b.db"))
	if _, err := RestoreSQLite(t.Context(), backup, killed, false); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "--overwrite") {
		t.Errorf("RestoreSQLite over conversations: %v, want it refused", err)
	}
	_, err = RestoreSQLite(t.Context(), backup, killed, true)
	must(t, err)
	onlyFile(t, killed)
	b := openSQLite(t, killed)
	equal(t, "restored", tell(t, b, 10), tell(t, a, 10))
	works(t, b, 10)
}

func TestRestoreOverDamage(t *testing.T) {
	t.Parallel()
	path, backup, target := file(t, "a.db"), file(t, "backup.db"), file(t, "b.db")
	a := openSQLite(t, path)
	town(t, a, 10)
	_, err := BackupSQLite(t.Context(), path, backup)
	must(t, err)
	junk := bytes.Repeat([]byte("not a database "), 1000)
	must(t, os.WriteFile(target, junk, 0o600))
	if _, err := RestoreSQLite(t.Context(), backup, target, false); !fault.Is(err, fault.Conflict) {
		t.Errorf("RestoreSQLite over a damaged file: %v, want it refused", err)
	}
	got, err := RestoreSQLite(t.Context(), backup, target, true)
	must(t, err)
	if kept, err := os.ReadFile(got.Kept); err != nil || !bytes.Equal(kept, junk) {
		t.Errorf("what was damaged is not kept in %q: %v", got.Kept, err)
	}
	equal(t, "restored", tell(t, openSQLite(t, target), 10), tell(t, a, 10))
}

// A backup that is not what it was is refused, and the target stays what it is. Or else the
// damage is where nothing is kept.
func TestDamagedBackups(t *testing.T) {
	t.Parallel()
	path, backup, target := file(t, "a.db"), file(t, "backup.db"), file(t, "b.db")
	a := openSQLite(t, path)
	town(t, a, 10)
	_, err := BackupSQLite(t.Context(), path, backup)
	must(t, err)
	whole, err := os.ReadFile(backup)
	must(t, err)
	b := openSQLite(t, target)
	town(t, b, 4)
	want := tell(t, b, 4)
	must(t, b.Close())

	word := bytes.Index(whole, []byte("quero saber"))
	if word < 0 {
		t.Fatal("the backup does not say what was said")
	}
	flip := func(at int) []byte {
		b := bytes.Clone(whole)
		b[at] ^= 1
		return b
	}
	for what, data := range map[string][]byte{
		"a word changed":   flip(word),
		"half of it":       whole[:len(whole)/2],
		"a page missing":   whole[:len(whole)-4096],
		"another header":   flip(3),
		"text":             []byte(strings.Repeat("olá", 5000)),
		"nothing":          {},
		"a newer version":  slices.Concat(whole[:60], []byte{0, 0, 3, 231}, whole[64:]),
		"an older version": slices.Concat(whole[:60], []byte{0, 0, 0, 0}, whole[64:]),
	} {
		bad := file(t, "bad.db")
		must(t, os.WriteFile(bad, data, 0o600))
		if _, err := RestoreSQLite(t.Context(), bad, target, true); err == nil {
			t.Errorf("%s: restored", what)
		} else if what == "a newer version" && !strings.Contains(err.Error(), "install the newer program") {
			t.Errorf("%s: %v", what, err)
		} else if what != "an older version" && fault.KindOf(err) != fault.Invalid && fault.KindOf(err) != fault.Permanent {
			t.Errorf("%s: %v, of kind %v", what, err, fault.KindOf(err))
		}
	}
	if _, err := RestoreSQLite(t.Context(), file(t, "none.db"), target, true); !fault.Is(err, fault.NotFound) {
		t.Errorf("restore of a file that is not there: %v", err)
	}
	if _, err := RestoreSQLite(t.Context(), target, target, true); !fault.Is(err, fault.Invalid) {
		t.Errorf("restore of the database itself: %v", err)
	}
	onlyFile(t, target)
	equal(t, "the target", tell(t, openSQLite(t, target), 4), want)

	// Bytes all over the file.
	from, err := look(t.Context(), backup)
	must(t, err)
	sound, err := counts(t.Context(), from.tx, from.tables)
	must(t, err)
	must(t, from.close())
	bad := file(t, "flipped.db")
	refused := 0
	var written []int
	for at := 100; at < len(whole); at++ {
		if whole[at] != 0 {
			written = append(written, at)
		}
	}
	for i := 0; i < len(written); i += len(written)/16 | 1 {
		at := written[i]
		must(t, os.WriteFile(bad, flip(at), 0o600))
		s, end, err := trusted(t.Context(), bad, bad, from.version)
		if err != nil {
			refused++
			continue
		}
		got, err := counts(t.Context(), s.tx, s.tables)
		if diff := cmp.Diff(sound, got); diff != "" || err != nil {
			t.Errorf("byte %d changed, and the backup is trusted: %v (-want +got):\n%s", at, err, diff)
		}
		end()
	}
	if refused < 4 {
		t.Errorf("%d of 16 changed backups were refused, which is too few to be true", refused)
	}
}

func TestBackupNeverOverwrites(t *testing.T) {
	t.Parallel()
	path := file(t, "a.db")
	town(t, openSQLite(t, path), 4)
	for _, taken := range []string{path, filepath.Dir(path), filepath.Join(t.TempDir(), "none", "x.db")} {
		if _, err := BackupSQLite(t.Context(), path, taken); err == nil {
			t.Errorf("BackupSQLite into %s succeeded", taken)
		}
	}
	// Of many at once one gets the name.
	backup := file(t, "backup.db")
	var mu sync.Mutex
	var all sync.WaitGroup
	won := 0
	for range 4 {
		all.Go(func() {
			_, err := BackupSQLite(t.Context(), path, backup)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				won++
			} else if !fault.Is(err, fault.Conflict) {
				t.Errorf("BackupSQLite: %v", err)
			}
		})
	}
	all.Wait()
	if won != 1 {
		t.Errorf("%d of 4 backups got the same name, want 1", won)
	}
	onlyFile(t, backup)
}

// What arrives together is in a backup together, or not at all, while it arrives.
func TestBackupWhileWriting(t *testing.T) {
	t.Parallel()
	t.Run("SQLite", func(t *testing.T) {
		t.Parallel()
		path := file(t, "a.db")
		whileWriting(t, openSQLite(t, path), func(to string) (Report, error) { return BackupSQLite(t.Context(), path, to) })
	})
	t.Run("PostgreSQL", func(t *testing.T) {
		t.Parallel()
		url := emptyPostgres(t)
		db := connect(t, url)
		whileWriting(t, openPostgres(t, url), func(to string) (Report, error) { return BackupPostgres(t.Context(), db, to) })
	})
}

func whileWriting(t *testing.T, m *memory, backup func(to string) (Report, error)) {
	t.Helper()
	stop := make(chan struct{})
	var writers sync.WaitGroup
	// So much is written during each backup, and no more, however slow it is.
	room := make(chan struct{}, 1000)
	more := func() {
		for range cap(room) - len(room) {
			room <- struct{}{}
		}
	}
	for w := range 2 {
		writers.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				case <-room:
				}
				c := 1000*w + n%50
				if _, err := m.Receive(t.Context(), arrival(epoch.Add(time.Duration(n)*time.Second), said(c, 2*n, "um"), said(c, 2*n+1, "dois"))); err != nil {
					t.Errorf("Receive: %v", err)
					return
				}
			}
		})
	}
	var last int64
	for n := range 3 {
		more()
		// At least this is new since the last backup.
		_, err := m.Receive(t.Context(), arrival(epoch, said(9000+n, 1, "um"), said(9000+n, 2, "dois")))
		must(t, err)
		to := file(t, "backup.db")
		r, err := backup(to)
		if err != nil {
			t.Errorf("backup: %v", err)
			break
		}
		if r.total("messages") <= last || r.total("messages")%2 != 0 {
			t.Errorf("a backup has %d messages after one with %d, want more and pairs", r.total("messages"), last)
		}
		last = r.total("messages")
		s, err := look(t.Context(), to)
		must(t, err)
		var odd, strangers int
		must(t, s.tx.QueryRowContext(t.Context(), "select count(*) from (select conversation_id, sum(text = 'um') - sum(text = 'dois') as d from messages group by 1) where d <> 0").Scan(&odd))
		must(t, s.tx.QueryRowContext(t.Context(), "select count(*) from pragma_foreign_key_check").Scan(&strangers))
		if odd != 0 || strangers != 0 {
			t.Errorf("%d conversations have half of what arrived, %d rows refer to nothing", odd, strangers)
		}
		must(t, s.close())
		_, err = RestoreSQLite(t.Context(), to, file(t, "restored.db"), false)
		must(t, err)
	}
	close(stop)
	writers.Wait()
}

// A restore that fails in the middle changes nothing.
func TestFailedRestoreIntoPostgres(t *testing.T) {
	t.Parallel()
	path, backup, url := file(t, "a.db"), file(t, "backup.db"), emptyPostgres(t)
	town(t, openSQLite(t, path), 10)
	_, err := BackupSQLite(t.Context(), path, backup)
	must(t, err)
	// Nothing that SQLite minds, in the last rows that are copied.
	db, err := sqlite.Open(t.Context(), backup, true)
	must(t, err)
	_, err = db.Writer().ExecContext(t.Context(), "drop table "+sums+"; update deliveries set in_flight = 7 where seq = (select max(seq) from deliveries)")
	must(t, err)
	must(t, db.Close())
	m := openPostgres(t, url)
	town(t, m, customers)
	want := tell(t, m, customers)
	target := connect(t, url)
	if _, err := RestorePostgres(t.Context(), backup, target, "it", true); !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), "in_flight") {
		t.Fatalf("RestorePostgres of nonsense: %v, want it refused", err)
	}
	equal(t, "the target", tell(t, m, customers), want)

	// Somebody is at work.
	must(t, m.Beat(t.Context(), store.Process{ID: "w"}, time.Now()))
	if _, err := RestorePostgres(t.Context(), backup, target, "it", true); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "stop the servers") {
		t.Errorf("RestorePostgres beside a worker: %v, want it refused", err)
	}
	equal(t, "the target", tell(t, m, customers), want)
}

func TestRestoreBesideAServer(t *testing.T) {
	t.Parallel()
	path, backup := file(t, "a.db"), file(t, "backup.db")
	town(t, openSQLite(t, path), 4)
	_, err := BackupSQLite(t.Context(), path, backup)
	must(t, err)
	release, err := sqlite.Lock(path)
	must(t, err)
	defer release()
	if _, err := RestoreSQLite(t.Context(), backup, path, true); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "another server is running") {
		t.Errorf("RestoreSQLite beside a server: %v, want it refused", err)
	}
	// A program that merely reads has the old file's log open: it would end up beside the new file.
	other := file(t, "b.db")
	town(t, openSQLite(t, other), 4)
	if _, err := RestoreSQLite(t.Context(), backup, other, true); !fault.Is(err, fault.Conflict) || !strings.Contains(err.Error(), "another program") {
		t.Errorf("RestoreSQLite beside a program that has the file open: %v, want it refused", err)
	}
}

// SQLite keeps texts that PostgreSQL does not.
func TestMoveMends(t *testing.T) {
	t.Parallel()
	path, url := file(t, "a.db"), emptyPostgres(t)
	a := openSQLite(t, path)
	_, err := a.Receive(t.Context(), arrival(epoch, said(1, 1, "a\x00b"), said(1, 2, "c\xffd"), said(1, 3, "")))
	must(t, err)
	must(t, a.Close())
	got, err := Move(t.Context(), path, connect(t, url), "it")
	must(t, err)
	if got.Mended != 2 {
		t.Errorf("Move mended %d texts, want 2", got.Mended)
	}
	b := openPostgres(t, url)
	said, err := b.Transcript(t.Context(), 1, 10)
	must(t, err)
	if len(said) != 3 || said[0].Content.Text != "ab" || said[1].Content.Text != "c\uFFFDd" {
		t.Errorf("moved: %+v", said)
	}
}

// Numbers of rows that are gone are not given out again.
func TestNumbersGoOn(t *testing.T) {
	t.Parallel()
	path, url := file(t, "a.db"), emptyPostgres(t)
	a := openSQLite(t, path)
	_, err := a.Receive(t.Context(), arrival(epoch, said(1, 1, "oi")))
	must(t, err)
	must(t, a.Close())
	db, err := sqlite.Open(t.Context(), path, true)
	must(t, err)
	_, err = db.Writer().ExecContext(t.Context(), "update sqlite_sequence set seq = 5000 where name = 'messages'")
	must(t, err)
	must(t, db.Close())
	pg := connect(t, url)
	_, err = Move(t.Context(), path, pg, "it")
	must(t, err)
	one, two := file(t, "1.db"), file(t, "2.db")
	_, err = BackupPostgres(t.Context(), pg, one)
	must(t, err)
	_, err = RestoreSQLite(t.Context(), one, two, false)
	must(t, err)
	for what, m := range map[string]*memory{"PostgreSQL": openPostgres(t, url), "SQLite": openSQLite(t, two)} {
		got, err := m.Receive(t.Context(), arrival(epoch, said(1, 2, "oi de novo")))
		must(t, err)
		if got[0].Message != 5001 {
			t.Errorf("%s: the next message is %d, want 5001", what, got[0].Message)
		}
	}
}

// A backup of an older version is brought up to date in a copy of its own.
func TestNewer(t *testing.T) {
	t.Parallel()
	path, backup := file(t, "a.db"), file(t, "backup.db")
	town(t, openSQLite(t, path), 10)
	_, err := BackupSQLite(t.Context(), path, backup)
	must(t, err)
	before, err := os.ReadFile(backup)
	must(t, err)
	s, err := look(t.Context(), backup)
	must(t, err)
	defer s.close()
	want, err := counts(t.Context(), s.tx, s.tables)
	must(t, err)
	up, end, err := newer(t.Context(), s, file(t, "x.db"))
	must(t, err)
	got, err := counts(t.Context(), up.tx, up.tables)
	must(t, err)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("newer (-want +got):\n%s", diff)
	}
	end()
	if after, err := os.ReadFile(backup); err != nil || !bytes.Equal(before, after) {
		t.Errorf("the backup changed: %v", err)
	}
}

// The two databases have the same tables, as far as a copy is concerned.
func TestTablesMatch(t *testing.T) {
	t.Parallel()
	db := connect(t, emptyPostgres(t))
	d, _, err := empty(t.Context(), file(t, "x.db"))
	must(t, err)
	defer d.discard()
	tables, err := layout(t.Context(), d.Writer())
	must(t, err)
	var want []string
	for _, table := range tables {
		want = append(want, table.name)
	}
	slices.Sort(want)
	found, err := db.Pool().Query(t.Context(), "select relname::text from pg_class where relkind = 'r' and relnamespace = current_schema()::regnamespace and relname not like 'river%' and relname not like 'house\\_%' and relname not in ('schema_version', 'workers', 'budget_reservations') order by relname collate \"C\"")
	must(t, err)
	var got []string
	for found.Next() {
		var name string
		must(t, found.Scan(&name))
		got = append(got, name)
	}
	must(t, found.Err())
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("PostgreSQL has other tables (-SQLite +PostgreSQL):\n%s", diff)
	}
}

func TestTally(t *testing.T) {
	t.Parallel()
	sum := func(rows ...[]any) string {
		var s tally
		for _, r := range rows {
			s.add(r)
		}
		return fmt.Sprint(s.table(""))
	}
	a, b := []any{int64(1), "a"}, []any{int64(2), nil}
	if sum(a, b) != sum(b, a) {
		t.Error("the order of rows matters")
	}
	seen := map[string]bool{}
	for _, s := range []string{sum(), sum(a), sum(a, a), sum(a, a, a), sum(b), sum(a, b), sum([]any{"1", "a"}), sum([]any{"ab", ""}), sum([]any{"a", "b"}), sum([]any{"", "ab"}),
		sum([]any{[]byte("a"), "b"}), sum([]any{nil, ""}), sum([]any{"", nil}), sum([]any{[]byte{}, nil})} {
		if seen[s] {
			t.Errorf("%s is the sum of two different things", s)
		}
		seen[s] = true
	}
}

// onlyFile checks that nothing is beside a file except a lock.
func onlyFile(t *testing.T, path string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	must(t, err)
	for _, e := range entries {
		if name := e.Name(); name != filepath.Base(path) && name != filepath.Base(path)+".lock" {
			t.Errorf("%s is left beside %s", name, path)
		}
	}
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%s is not there", path)
	}
}
