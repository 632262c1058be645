package sqlite

import (
	"path/filepath"
	"testing"

	"secretaria/internal/conversation"
	"secretaria/internal/store"
)

// What an earlier version kept in plain words is hashed when the store is opened, and works
// as before; the next to open it finds the same key.
func TestPlainOptOutsAreHashed(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "secretaria.db")
	db, err := Open(t.Context(), path, false)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	if _, err := db.Migrate(t.Context()); err != nil {
		t.Fatalf("Migrate: %v", err)
	}
	for _, query := range []string{
		"insert into contacts (id, inbox, created_at) values (900, 'vendas', 1), (901, 'vendas', 1)",
		"insert into identities (inbox, kind, value, contact_id) values ('vendas', 'raw', '77', 900), ('vendas', 'raw', '78', 901)",
		"insert into opt_outs (inbox, kind, value, at, conversation_id) values ('vendas', 'raw', '77', 5, 1), ('vendas', 'contact', '900', 5, 1)",
	} {
		if _, err := db.write.Exec(query); err != nil {
			t.Fatalf("%s: %v", query, err)
		}
	}
	first, err := New(t.Context(), db, nil)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	var plain, known int
	if err := db.read.QueryRow(`select (select count(*) from opt_outs where value = '77' or kind = 'contact' and value <> '900'),
		(select count(*) from identities i join opt_outs o on o.value = i.token where i.value = '77' and o.value like 'k1:%')`).Scan(&plain, &known); err != nil || plain != 0 || known != 1 {
		t.Errorf("%d opt-outs in plain words, %d known by the hash, %v, want 0 and 1", plain, known, err)
	}
	for contact, out := range map[conversation.ContactID]bool{900: true, 901: false} {
		if p, err := first.People(t.Context(), store.PersonFilter{Contact: contact}); err != nil || len(p) != 1 || p[0].OptedOutAt.IsZero() == out {
			t.Errorf("People(%d) = %+v, %v, want opted out: %v", contact, p, err, out)
		}
	}
	key := first.key.Text()
	if err := first.Close(); err != nil {
		t.Fatalf("Close: %v", err)
	}
	if again := open(t, path, nil); again.key.Text() != key {
		t.Error("the key of the installation is another one the second time")
	}
}
