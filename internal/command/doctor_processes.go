package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"secretaria/internal/app"
	"secretaria/internal/store"
)

// aliveWithin is how old the last sign of life of a process that runs may be; it gives one
// every five seconds.
const aliveWithin = 30 * time.Second

// running are the processes that share the database of a configuration, and what this program
// would tell of itself with it; nil where there is no database that could tell.
func running(ctx context.Context, o app.Options, now time.Time) (all []store.Process, mine store.Process) {
	st, err := openStore(ctx, o)
	if err != nil {
		return nil, mine // the database's finding says why
	}
	all, err = st.Processes(ctx, now.Add(-aliveWithin))
	var serr error
	mine.Version = o.Version
	mine.Parts, serr = st.Seal(ctx, o.Fingerprint())
	if errors.Join(err, serr, st.Close()) != nil {
		return nil, mine
	}
	return all, mine
}

// processFindings compare how the processes that run are configured: with each other, and with
// the configuration that lies here. Those of other versions are not compared: a setting that
// one of them does not know yet makes a difference that is none.
func processFindings(all []store.Process, mine store.Process) []finding {
	if len(all) == 0 {
		return nil
	}
	var found []finding
	told := map[string][]map[string]string{} // by version
	for _, p := range all {
		if p.Parts == nil {
			p.Version = cmp.Or(p.Version, "0.1.0 or older") // which do not tell
		}
		parts := told[p.Version]
		if p.Parts != nil {
			parts = append(parts, p.Parts)
		}
		told[p.Version] = parts
	}
	versions := slices.Sorted(maps.Keys(told))
	if len(versions) > 1 {
		found = append(found, finding{hint, "processes", fmt.Sprintf("run in different versions: %s", strings.Join(versions, ", ")),
			"let the upgrade come to its end: start the others anew with the new program (termine a atualização: reinicie os demais com o programa novo)"})
	}
	var keys []string
	for _, version := range versions {
		keys = append(keys, differences(told[version]...)...)
	}
	if keys = slices.Compact(slices.Sorted(slices.Values(keys))); len(keys) > 0 {
		return append(found, finding{problem, "processes", fmt.Sprintf("%s run on this database with different configurations; they differ in %s", roles(all), strings.Join(keys, ", ")),
			"give all of them the same .env and secretaria.yaml, desks' files included, and start anew those that had another (dê a todos o mesmo .env e secretaria.yaml, com os arquivos das mesas, e reinicie os que tinham outro)"})
	}
	switch same := told[mine.Version]; {
	case len(versions) == 1 && versions[0] != mine.Version:
		return append(found, finding{hint, "processes", fmt.Sprintf("%s in version %s, and this program is %s: configurations are not compared", runs(all), versions[0], mine.Version),
			"start the server anew with this program, or check with the server's (reinicie o servidor com este programa, ou rode o check do programa do servidor)"})
	case len(same) > 0:
		if keys := differences(same[0], mine.Parts); len(keys) > 0 {
			return append(found, finding{hint, "processes", fmt.Sprintf("%s with another configuration than the one here; they differ in %s", runs(all), strings.Join(keys, ", ")),
				"start the server anew; or run check as the server's user, in its folder and with its environment (reinicie o servidor; ou rode check como o usuário do servidor, na pasta e com o ambiente dele)"})
		}
	}
	if len(versions) > 1 {
		return found // what is compared is well, and the rest is not known
	}
	return append(found, finding{fine, "processes", runs(all) + " with this configuration", ""})
}

// differences are the keys of the parts that are not the same everywhere.
func differences(all ...map[string]string) []string {
	keys := map[string]bool{}
	for _, parts := range all {
		for _, others := range all {
			for key, value := range parts {
				if others[key] != value {
					keys[key] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

// roles counts processes in words: "2 processes (web, worker)".
func roles(all []store.Process) string {
	var names []string
	for _, p := range all {
		if p.Role == "" {
			names = append(names, "all")
			continue
		}
		names = append(names, p.Role)
	}
	slices.Sort(names)
	if len(all) == 1 {
		return "1 process (" + names[0] + ")"
	}
	return fmt.Sprintf("%d processes (%s)", len(all), strings.Join(names, ", "))
}

func runs(all []store.Process) string {
	if len(all) == 1 {
		return roles(all) + " runs"
	}
	return roles(all) + " run"
}
