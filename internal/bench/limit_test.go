package bench

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"secretaria/internal/store/postgres"
	"secretaria/internal/store/sqlite"
)

// What the stores' group commit does, so that the plain inserts are grouped in the same way.
const (
	groupMost       = 128
	groupsWaiting   = 4 * groupMost
	postgresWriters = 1
	sqliteWriters   = 1
)

// plainText is as long as the text of the webhooks that are compared with it.
const plainText = "Olá, bom dia! Vocês atendem amanhã de manhã? Queria marcar um horário."

// plainRow is a row of a message's size with one unique index, and nothing else of ours.
type plainRow struct {
	identity     []byte
	conversation int64
	key          string
	at           int64
}

func newPlainRow(n int64) plainRow {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // it does not fail
	return plainRow{identity: id, conversation: 1 + n*2654435761%5000, key: strconv.FormatInt(1<<40+n, 10), at: time.Now().UnixMilli()}
}

// plain is a table to insert into, one row at a time or many.
type plain struct {
	database string // as DATABASE_URL has it
	writers  int
	insert   func([]plainRow) error
}

const plainPostgres = `create table plain (identity bytea not null unique, conversation_id bigint not null, author text not null, kind text not null,
  text text not null, key text not null, said_at bigint not null, at bigint not null, pending boolean not null)`

const plainSQLite = `create table if not exists plain (identity blob not null unique, conversation_id integer not null, author text not null, kind text not null,
  text text not null, key text not null, said_at integer not null, at integer not null, pending integer not null)`

// openPlain inserts through the store's driver with the store's own settings. callers is how
// many may do so at once; a file has one connection, so that one by one means one after the
// other.
func openPlain(ctx context.Context, database string, callers int) (plain, io.Closer, error) {
	path, file := strings.CutPrefix(database, "sqlite:")
	if !file {
		db, err := postgres.Open(ctx, database+"&pool_max_conns="+strconv.Itoa(callers))
		if err != nil {
			return plain{}, nil, err
		}
		return plain{database, postgresWriters, func(rows []plainRow) error { return plainUnnest(db.Pool(), rows) }}, db, nil
	}
	db, err := sqlite.Open(ctx, path, false)
	if err != nil {
		return plain{}, nil, err
	}
	if _, err := db.Writer().ExecContext(ctx, plainSQLite); err != nil {
		return plain{}, nil, errors.Join(err, db.Close())
	}
	f := &plainFile{db: db}
	if f.conn, err = db.Writer().Conn(ctx); err != nil {
		return plain{}, nil, errors.Join(err, db.Close())
	}
	if err := f.prepare(ctx); err != nil {
		return plain{}, nil, errors.Join(err, f.Close())
	}
	return plain{database, sqliteWriters, f.insert}, f, nil
}

// plainFile inserts at the driver, as the store does, beneath database/sql.
type plainFile struct {
	db                           *sqlite.DB
	conn                         *sql.Conn
	begin, row, commit, rollback driver.StmtExecContext
}

func (f *plainFile) Close() error { return errors.Join(f.conn.Close(), f.db.Close()) }

func (f *plainFile) prepare(ctx context.Context) error {
	return f.conn.Raw(func(c any) error {
		for text, into := range map[string]*driver.StmtExecContext{
			"begin immediate": &f.begin, "commit": &f.commit, "rollback": &f.rollback,
			"insert into plain values (?, ?, 'customer', 'text', ?, ?, ?, ?, 1)": &f.row,
		} {
			st, err := c.(driver.ConnPrepareContext).PrepareContext(ctx, text)
			if err != nil {
				return err
			}
			*into = st.(driver.StmtExecContext)
		}
		return nil
	})
}

// insert holds the connection, and so keeps others waiting, until the rows are on disk.
func (f *plainFile) insert(rows []plainRow) error {
	ctx := context.Background()
	return f.conn.Raw(func(any) error {
		if _, err := f.begin.ExecContext(ctx, nil); err != nil {
			return err
		}
		for _, r := range rows {
			args := []driver.NamedValue{{Ordinal: 1, Value: r.identity}, {Ordinal: 2, Value: r.conversation}, {Ordinal: 3, Value: plainText}, {Ordinal: 4, Value: r.key}, {Ordinal: 5, Value: r.at}, {Ordinal: 6, Value: r.at}}
			if _, err := f.row.ExecContext(ctx, args); err != nil {
				_, _ = f.rollback.ExecContext(ctx, nil)
				return err
			}
		}
		_, err := f.commit.ExecContext(ctx, nil)
		return err
	})
}

// newPlain is openPlain for as long as b runs.
func newPlain(b *testing.B, database string, callers int) plain {
	b.Helper()
	t, shut, err := openPlain(b.Context(), database, callers)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { shut.Close() })
	return t
}

func plainUnnest(pool *pgxpool.Pool, rows []plainRow) error {
	if len(rows) == 1 {
		r := rows[0]
		_, err := pool.Exec(context.Background(), "insert into plain values ($1, $2, 'customer', 'text', $3, $4, $5, $5, true)", r.identity, r.conversation, plainText, r.key, r.at)
		return err
	}
	identities, texts, keys := make([][]byte, len(rows)), make([]string, len(rows)), make([]string, len(rows))
	conversations, at := make([]int64, len(rows)), make([]int64, len(rows))
	for i, r := range rows {
		identities[i], conversations[i], texts[i], keys[i], at[i] = r.identity, r.conversation, plainText, r.key, r.at
	}
	_, err := pool.Exec(context.Background(), `insert into plain select i, c, 'customer', 'text', t, k, a, a, true
from unnest($1::bytea[], $2::bigint[], $3::text[], $4::text[], $5::bigint[]) as r (i, c, t, k, a)`, identities, conversations, texts, keys, at)
	return err
}

// inserter is one caller of plain inserts, which commits by itself.
type inserter struct {
	p plain
}

func (i inserter) do() error { return i.p.insert([]plainRow{newPlainRow(numbers.Add(1))}) }
func (inserter) end()        {}

// grouped is one caller of plain inserts that share commits with those of other callers.
type grouped struct {
	waiting chan<- *member
	m       member
}

type member struct {
	row   plainRow
	ended chan error
}

func (g *grouped) do() error {
	g.m.row = newPlainRow(numbers.Add(1))
	g.waiting <- &g.m
	return <-g.m.ended
}

func (*grouped) end() {}

// singly and together are limits: callers that insert plain rows for a time.
func (s site) singly(b *testing.B, p plan, table plain, callers int) sample {
	b.Helper()
	all := make([]caller, callers)
	for i := range all {
		all[i] = inserter{table}
	}
	drive(b, p.warm, all)
	return s.watch(b, func() result { return drive(b, p.measure, all) })
}

func (s site) together(b *testing.B, p plan, table plain, callers int) sample {
	b.Helper()
	waiting, stop := table.group()
	defer stop()
	all := make([]caller, callers)
	for i := range all {
		all[i] = &grouped{waiting: waiting, m: member{ended: make(chan error, 1)}}
	}
	drive(b, p.warm, all)
	return s.watch(b, func() result { return drive(b, p.measure, all) })
}

// group starts the writers of groups.
func (p plain) group() (waiting chan<- *member, stop func()) {
	ch := make(chan *member, groupsWaiting)
	var writing sync.WaitGroup
	for range p.writers {
		writing.Go(func() { writeGroups(ch, p.insert) })
	}
	return ch, func() {
		close(ch)
		writing.Wait()
	}
}

// writeGroups commits together whatever waits, as the stores do.
func writeGroups(waiting <-chan *member, insert func([]plainRow) error) {
	group := make([]*member, 0, groupMost)
	rows := make([]plainRow, 0, groupMost)
	for first := range waiting {
		group, rows = append(group[:0], first), append(rows[:0], first.row)
	fill:
		for len(group) < groupMost {
			select {
			case m, ok := <-waiting:
				if !ok {
					break fill
				}
				group, rows = append(group, m), append(rows, m.row)
			default:
				break fill
			}
		}
		err := insert(rows)
		for _, m := range group {
			m.ended <- err
		}
	}
}
