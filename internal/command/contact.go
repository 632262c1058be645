package command

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"secretaria/internal/app"
	"secretaria/internal/channel"
	"secretaria/internal/conversation"
	"secretaria/internal/fault"
	"secretaria/internal/phone"
	"secretaria/internal/spool"
	"secretaria/internal/store"
)

type contactCmd struct {
	Find   contactFindCmd   `cmd:"" help:"Find the contacts that belong to a person."`
	Export contactExportCmd `cmd:"" help:"Write down everything that is kept of a person, for the person."`
	Erase  contactEraseCmd  `cmd:"" help:"Erase everything that is kept of a person."`
}

// Help implements kong.HelpProvider.
func (contactCmd) Help() string {
	return `Works beside a running server, from the same directory and environment. A person who writes to two inboxes is two contacts.

Example:

	secretaria contact find --phone "+55 11 98765-4321"`
}

// whoFlags say who is meant.
type whoFlags struct {
	configFlag
	ID    int64  `arg:"" optional:"" help:"Number of a contact, as find shows it."`
	Phone string `help:"By telephone number, in any form." placeholder:"NUMBER"`
	Email string `help:"By an e-mail address that a desk has noted." placeholder:"ADDRESS"`
	Key   string `help:"By the helpdesk's own id of the person." placeholder:"ID"`
	Name  string `help:"By a part of the name." placeholder:"NAME"`
	Inbox string `help:"Only in this inbox." placeholder:"NAME"`
}

func (f whoFlags) filter() (store.PersonFilter, error) {
	if f.ID == 0 && f.Phone == "" && f.Email == "" && f.Key == "" && f.Name == "" {
		return store.PersonFilter{}, errors.New("who is meant? Give a number, or --phone, --email, --key or --name")
	}
	out := store.PersonFilter{Contact: conversation.ContactID(f.ID), Name: f.Name, Text: f.Email, Inbox: f.Inbox}
	if f.Phone != "" {
		values := phoneValues(f.Phone)
		if len(values) == 0 {
			return out, errors.New("--phone: that is no telephone number")
		}
		out.Values = values
	}
	if f.Key != "" {
		out.Values = append(out.Values, f.Key)
	}
	return out, nil
}

// phoneValues are the forms in which a number may be kept.
func phoneValues(text string) (out []string) {
	if number, ok := phone.Canonical(text, "55"); ok {
		out = append(out, number)
	}
	if digits := phone.Digits(text); digits != "" && !slices.Contains(out, digits) {
		out = append(out, digits)
	}
	return out
}

// shownPerson is a contact as it is printed.
type shownPerson struct {
	ID            int64      `json:"id"`
	Inbox         string     `json:"inbox"`
	Name          string     `json:"name"`
	Identities    []string   `json:"identities"`
	Conversations []int64    `json:"conversations"`
	CreatedAt     *time.Time `json:"created_at"`
	LastAt        *time.Time `json:"last_at"`
	OptedOutAt    *time.Time `json:"opted_out_at"`
}

func showPerson(p store.Person) shownPerson {
	out := shownPerson{ID: int64(p.Contact), Inbox: p.Inbox, Name: p.Name, CreatedAt: moment(p.CreatedAt), LastAt: moment(p.LastAt), OptedOutAt: moment(p.OptedOutAt),
		Identities: []string{}, Conversations: []int64{}}
	for _, id := range p.Identities {
		out.Identities = append(out.Identities, string(id.Kind)+":"+id.Value)
	}
	for _, id := range p.Conversations {
		out.Conversations = append(out.Conversations, int64(id))
	}
	return out
}

func (e *Env) people(found []store.Person) error {
	w := tabwriter.NewWriter(e.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "CONTACT\tINBOX\tNAME\tIDS\tCONVERSATIONS\tLAST")
	for _, p := range found {
		one := showPerson(p)
		_, _ = fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%d\t%s\n", one.ID, one.Inbox, cmp.Or(one.Name, "-"), cmp.Or(strings.Join(one.Identities, " "), "-"), len(one.Conversations), timeOf(one.LastAt))
	}
	return w.Flush()
}

type contactFindCmd struct {
	whoFlags
	JSON bool `help:"As a JSON array."`
}

// Help implements kong.HelpProvider.
func (contactFindCmd) Help() string {
	return `Example:

	secretaria contact find --name "Maria Souza"`
}

// Run finds.
func (c contactFindCmd) Run(ctx context.Context, env *Env) (err error) {
	filter, err := c.filter()
	if err != nil {
		return err
	}
	st, err := c.store(ctx, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	found, err := st.People(ctx, filter)
	if err != nil {
		return err
	}
	if c.JSON {
		list := make([]shownPerson, 0, len(found))
		for _, p := range found {
			list = append(list, showPerson(p))
		}
		return env.json(list)
	}
	if len(found) == 0 {
		env.printf("nobody\n")
		return nil
	}
	return env.people(found)
}

// meant finds who is meant, so that nobody else is exported or erased: a name may be several
// people's, and has to lead to one contact.
func (f whoFlags) meant(ctx context.Context, env *Env, st store.Store) ([]store.Person, error) {
	filter, err := f.filter()
	if err != nil {
		return nil, err
	}
	found, err := st.People(ctx, filter)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, errors.New("nobody is known by that")
	}
	if len(found) > 1 && (f.Name != "" || f.Email != "" || f.Key != "") {
		if err := env.people(found); err != nil {
			return nil, err
		}
		return nil, errors.New("that may be several people: name one contact by its number")
	}
	return found, nil
}

// actor is who runs the command, for the audit.
func actor() string {
	u, err := user.Current()
	if err != nil {
		return "user:" + strconv.Itoa(os.Getuid())
	}
	return "user:" + u.Username
}

type contactExportCmd struct {
	whoFlags
	Out string `help:"Folder for the files, made where it is missing; without it the JSON is printed." placeholder:"DIR"`
}

// Help implements kong.HelpProvider.
func (contactExportCmd) Help() string {
	return `Writes contato-NUMBER.json and contato-NUMBER.html, a page in Portuguese that the person can read. Nobody else can read the files. That data was exported is noted in the audit.

Example:

	secretaria contact export 7 --out ./entrega`
}

// Run exports.
func (c contactExportCmd) Run(ctx context.Context, env *Env) (err error) {
	st, err := c.store(ctx, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	found, err := c.meant(ctx, env, st)
	if err != nil {
		return err
	}
	now := time.Now()
	var files []dossierFile
	for _, p := range found {
		d, err := st.Dossier(ctx, p.Contact)
		if err != nil {
			return err
		}
		// Noted before anybody has seen it.
		if err := st.Note(ctx, store.Act{At: now, Actor: actor(), Action: "contact.export", Contact: p.Contact, Detail: "conversations=" + strconv.Itoa(len(d.Conversations))}); err != nil {
			return err
		}
		files = append(files, fileOf(d, now))
	}
	if c.Out == "" {
		return env.json(files)
	}
	dir := c.Out
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(env.Dir, dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	for _, f := range files {
		base := filepath.Join(dir, "contato-"+strconv.FormatInt(f.Contact.ID, 10))
		text, err := f.json()
		if err != nil {
			return err
		}
		for path, text := range map[string]string{base + ".json": text, base + ".html": f.page()} {
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				return fmt.Errorf("write export: %w", err)
			}
		}
		env.printf("%s.json\n%s.html\n", base, base)
	}
	return nil
}

type contactEraseCmd struct {
	whoFlags
	Yes      bool          `help:"Do not ask."`
	Wait     time.Duration `help:"How long something that is being sent at this moment is waited for." default:"15s"`
	NoVacuum bool          `name:"no-vacuum" help:"Do not write the file of the embedded database anew. Without this no byte is left in it, and the server waits meanwhile: seconds, with a large database more."`
	JSON     bool          `help:"The report as a JSON object."`
}

// Help implements kong.HelpProvider.
func (contactEraseCmd) Help() string {
	return `Shows first whom it is about, and asks. What stays is said in the report: that messages were known, so that a repeat changes nothing, and that the person wants no more messages, both as keyed hashes; and the audit. What the helpdesk, the workflows, the providers of models and backups hold is not ours to erase.

Example:

	secretaria contact erase 7`
}

// erasedReport is what was done.
type erasedReport struct {
	Contacts []int64          `json:"contacts"`
	Removed  map[string]int64 `json:"removed"`
	Kept     map[string]int64 `json:"kept"`
	// Forced says that something was being sent and was not waited for any longer.
	Forced bool `json:"forced"`
	// Spool is how many webhooks that waited on this machine were dropped.
	Spool int `json:"spool"`
	// SpoolHeld says that a server has the spool open, and drops them itself within seconds.
	SpoolHeld bool `json:"spool_held"`
	Scrubbed  bool `json:"scrubbed"`
}

// Run erases.
func (c contactEraseCmd) Run(ctx context.Context, env *Env) (err error) {
	cfg, err := c.load(env, nil)
	if err != nil {
		return err
	}
	st, err := openStore(ctx, cfg.Options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	found, err := c.meant(ctx, env, st)
	if err != nil {
		return err
	}
	if !c.Yes {
		if err := env.people(found); err != nil {
			return err
		}
		if err := env.asked(ctx, "Erase all that is kept of them, for ever? Type erase: ", "erase"); err != nil {
			return err
		}
	}
	report := erasedReport{Removed: map[string]int64{}, Kept: map[string]int64{}}
	for _, p := range found {
		out, forced, err := eraseOne(ctx, st, p.Contact, c.Wait)
		if err != nil {
			return fmt.Errorf("contact %d: %w", p.Contact, err)
		}
		report.Contacts = append(report.Contacts, int64(p.Contact))
		report.Forced = report.Forced || forced
		for _, n := range out.Removed {
			report.Removed[n.Table] += n.Rows
		}
		for _, n := range out.Kept {
			report.Kept[n.Table] += n.Rows
		}
	}
	if report.Spool, report.SpoolHeld, err = dropSpooled(ctx, cfg.Options, found); err != nil {
		return fmt.Errorf("everything in the database was erased, and the spool was not: %w", err)
	}
	if !c.NoVacuum {
		if err := st.Scrub(ctx); err != nil {
			return fmt.Errorf("everything was erased, and its bytes may still be in the database's files: %w", err)
		}
		report.Scrubbed = true
	}
	if c.JSON {
		return env.json(report)
	}
	return env.erased(report)
}

// asked reads an answer; without it the command ends.
func (e *Env) asked(ctx context.Context, question, want string) error {
	if e.Stdin == nil {
		return errors.New("nobody is there to be asked: say --yes")
	}
	e.printf("%s", question)
	answer, err := bufio.NewReader(e.Stdin).ReadString('\n')
	if strings.TrimSpace(answer) == want {
		return ctx.Err()
	}
	if err != nil && answer == "" {
		return errors.New("nobody is there to be asked: say --yes")
	}
	return errors.New("nothing was erased")
}

// eraseOne waits a little for what is being sent, and no longer than that.
func eraseOne(ctx context.Context, st store.Store, id conversation.ContactID, wait time.Duration) (out store.Erased, forced bool, err error) {
	until := time.Now().Add(wait)
	for {
		now := time.Now()
		forced = !now.Before(until)
		out, err = st.Erase(ctx, store.Erasure{Contact: id, Now: now, Force: forced, Act: store.Act{Actor: actor(), Action: "contact.erase"}})
		if !errors.Is(err, store.ErrBusy) {
			return out, forced && wait > 0, err
		}
		select {
		case <-ctx.Done():
			return out, false, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// dropSpooled drops what waits on this machine from the people who were erased. held says that
// a server has a file of the spool open: it learns of the erasure from the database.
func dropSpooled(ctx context.Context, o app.Options, people []store.Person) (dropped int, held bool, err error) {
	if o.Postgres.IsZero() || o.Spool.Dir == "" || !spool.Used(o.Spool.Dir) {
		return 0, false, nil
	}
	return spool.Purge(ctx, o.Spool.Dir, func(e spool.Entry) bool {
		ids := spooledIDs(o, e)
		return slices.ContainsFunc(people, func(p store.Person) bool {
			return p.Inbox == e.Inbox && slices.ContainsFunc(p.Identities, func(id channel.Identity) bool { return slices.Contains(ids, id) })
		})
	})
}

// spooledIDs are the ids of whom a spooled webhook is about.
func spooledIDs(o app.Options, e spool.Entry) []channel.Identity {
	ids := app.Numbers(e.Body)
	i := slices.IndexFunc(o.Inboxes, func(i app.Inbox) bool { return i.Name == e.Inbox })
	if i < 0 {
		return ids
	}
	ch, done, err := connect(o, o.Inboxes[i])
	if err != nil {
		return ids
	}
	defer done()
	events, err := ch.Parse(&channel.Request{Header: http.Header{}, Body: e.Body, Received: e.Received})
	if err != nil {
		return ids
	}
	for _, ev := range events {
		ids = append(ids, ev.Contact.Identities...)
	}
	return ids
}

func (e *Env) erased(r erasedReport) error {
	w := tabwriter.NewWriter(e.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintf(w, "erased\t%d contacts\n", len(r.Contacts))
	for _, table := range sortedNames(r.Removed) {
		_, _ = fmt.Fprintf(w, "  %s\t%d\n", table, r.Removed[table])
	}
	if r.Spool > 0 {
		_, _ = fmt.Fprintf(w, "  spooled webhooks\t%d\n", r.Spool)
	}
	_, _ = fmt.Fprintln(w, "kept")
	for _, table := range sortedNames(r.Kept) {
		_, _ = fmt.Fprintf(w, "  %s\t%d\t%s\n", table, r.Kept[table], why(table))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if r.Forced {
		e.printf("something was being sent and was not waited for any longer: it may have arrived\n")
	}
	if r.SpoolHeld {
		e.printf("a server has the spool open: it drops what waits there within seconds\n")
	}
	if !r.Scrubbed {
		e.printf("the bytes may still be in the database's files\n")
	}
	e.printf("not ours to erase: what the helpdesk, workflows, providers of models and backups hold\n")
	return nil
}

// why says why something is kept.
func why(table string) string {
	switch table {
	case "forgotten":
		return "keyed hashes of messages: a repeat changes nothing"
	case "opt_outs":
		return "keyed hashes of ids: they want no more messages"
	case "erased":
		return "keyed hashes of ids: what arrives late from before is dropped"
	case "audit":
		return "who erased, when, and the keyed hash of whom"
	}
	return ""
}

func sortedNames(counts map[string]int64) []string {
	var out []string
	for name, n := range counts {
		if n > 0 {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// noted adds to the audit what was done by hand; the command has done it by then.
func noted(ctx context.Context, env *Env, st store.Store, a store.Act) {
	a.At, a.Actor = time.Now(), actor()
	if err := st.Note(ctx, a); err != nil && !fault.Is(err, fault.NotFound) {
		env.plain(fmt.Errorf("it is done and could not be noted in the audit: %w", err))
	}
}
