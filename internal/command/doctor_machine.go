package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"time"

	"secretaria/internal/app"
	"secretaria/internal/conversation"
	"secretaria/internal/store"
)

// How slow a disk is noted, and how slow it is a problem. A webhook is acknowledged after its
// commit is on the disk, and Chatwoot waits for five seconds; a turn takes some commits.
const (
	diskSlow   = 50 * time.Millisecond
	diskBroken = time.Second
)

// How many files are few: a connection is one, and each peer, customer and database has some.
const (
	filesFew    = 4096
	filesTooFew = 256
)

// quietNoted is how long an inbox may hear nothing before it is noted: longer than a weekend.
const quietNoted = 72 * time.Hour

// diskFindings measure the disk that what is acknowledged has to be on, where its folder is
// there already: check creates none.
func diskFindings(o app.Options, sync func(*os.File) error) []finding {
	dir := filepath.Dir(o.Database)
	if !o.Postgres.IsZero() {
		if dir = o.Spool.Dir; dir == "" {
			return nil // the database has a disk of its own, elsewhere
		}
	}
	if at, err := os.Stat(dir); err != nil || !at.IsDir() {
		return nil
	}
	took, err := syncTime(dir, sync)
	if err != nil {
		return []finding{{problem, "disk", fmt.Sprintf("the folder %s cannot be written to: %v", dir, err),
			"make room, or let the user that the server runs as write there (libere espaço ou dê permissão de escrita ao usuário do servidor)"}}
	}
	const remedy = "move the folder to a local SSD, away from network storage and from what else writes much (mova a pasta para um SSD local, longe de disco de rede e de quem grava muito)"
	switch text := fmt.Sprintf("to write in %s for good takes %v", dir, took.Round(10*time.Microsecond)); {
	case took >= diskBroken:
		return []finding{{problem, "disk", text + ": helpdesks give up before their webhooks are stored", remedy}}
	case took >= diskSlow:
		return []finding{{hint, "disk", text + ", which is slow: every message waits for it some times", remedy}}
	default:
		return []finding{{fine, "disk", text, ""}}
	}
}

// syncTime is the median of some small writes that wait for the disk; at most ten, and no new
// one after a second.
func syncTime(dir string, sync func(*os.File) error) (_ time.Duration, err error) {
	f, err := os.CreateTemp(dir, ".check-*")
	if err != nil {
		return 0, pathless(err)
	}
	defer func() {
		err = errors.Join(err, pathless(f.Close()), pathless(os.Remove(f.Name())))
	}()
	block := make([]byte, 4096)
	var took []time.Duration
	for begun := time.Now(); len(took) < 10 && (len(took) == 0 || time.Since(begun) < time.Second); {
		start := time.Now()
		if _, err := f.Write(block); err != nil {
			return 0, pathless(err)
		}
		if err := sync(f); err != nil {
			return 0, pathless(err)
		}
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}

// pathless is the cause alone: the folder has been named.
func pathless(err error) error {
	var pe *os.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// filesFindings say how many files may be open at once; limit 0 is not known here.
func filesFindings(limit uint64) []finding {
	const remedy = "raise it: LimitNOFILE=65536 in the systemd unit, --ulimit nofile=65536:65536 for a container, or ulimit -n 65536 before (aumente: as mesmas opções)"
	text := fmt.Sprintf("%d files may be open at once", limit)
	switch {
	case limit == 0:
		return nil
	case limit < filesTooFew:
		return []finding{{problem, "open files", text + ": connections will be refused", remedy}}
	case limit < filesFew:
		return []finding{{hint, "open files", text + ", which is few for a busy day", remedy}}
	case limit > math.MaxInt64/2:
		text = "any number of files may be open"
	}
	return []finding{{fine, "open files", text, ""}}
}

// heard is when a customer's message came last through each inbox; absent: never. nil where
// there is no database that could tell.
func heard(ctx context.Context, o app.Options) map[string]time.Time {
	st, err := openStore(ctx, o)
	if err != nil {
		return nil // the database's finding says why
	}
	last := map[string]time.Time{}
	for _, i := range o.Inboxes {
		at, herr := heardThrough(ctx, st, i.Name)
		err = errors.Join(err, herr)
		if !at.IsZero() {
			last[i.Name] = at
		}
	}
	if errors.Join(err, st.Close()) != nil {
		return nil
	}
	return last
}

// heardThrough looks at the conversations that changed last: a message changes its own.
func heardThrough(ctx context.Context, st store.Store, inbox string) (time.Time, error) {
	var last time.Time
	all, err := st.Conversations(ctx, store.ConversationFilter{Inbox: inbox, Limit: 20})
	if err != nil {
		return last, err
	}
	for _, c := range all {
		said, err := st.Transcript(ctx, c.ID, 50)
		if err != nil {
			return last, err
		}
		for _, m := range said {
			if m.Author == conversation.Customer && m.At.After(last) {
				last = m.At
			}
		}
	}
	return last, nil
}

// silenceFindings tell of inboxes that hear nothing. An inbox that has only been set up is
// told where its webhooks go.
func silenceFindings(o app.Options, last map[string]time.Time, now time.Time) []finding {
	if last == nil {
		return nil
	}
	var found []finding
	for _, i := range o.Inboxes {
		at, ever := last[i.Name]
		remedy := fmt.Sprintf("see that the helpdesk posts to %s at this server's address, and try it with secretaria send (veja se o helpdesk envia para %s no endereço deste servidor e teste com secretaria send)",
			webhookPath(i), webhookPath(i))
		switch {
		case !ever:
			found = append(found, finding{hint, "events of " + i.Name, "no customer's message has ever come", remedy})
		case now.Sub(at) >= quietNoted:
			found = append(found, finding{hint, "events of " + i.Name, fmt.Sprintf("no customer's message has come for %d hours", int(now.Sub(at).Hours())), remedy})
		default:
			found = append(found, finding{fine, "events of " + i.Name, fmt.Sprintf("the last customer's message came %v ago", cmp.Or(now.Sub(at).Truncate(time.Minute), time.Minute)), ""})
		}
	}
	return found
}
