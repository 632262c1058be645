package command

import (
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

// running are the processes that share the database of a configuration, and the sealed parts
// of that configuration; nil where there is no database that could tell.
func running(ctx context.Context, o app.Options, now time.Time) (all []store.Process, mine map[string]string) {
	st, err := openStore(ctx, o)
	if err != nil {
		return nil, nil // the database's finding says why
	}
	all, err = st.Processes(ctx, now.Add(-aliveWithin))
	var serr error
	mine, serr = st.Seal(ctx, o.Fingerprint())
	if errors.Join(err, serr, st.Close()) != nil {
		return nil, nil
	}
	return all, mine
}

// processFindings compare how the processes that run are configured: with each other, and with
// the configuration that lies here.
func processFindings(all []store.Process, mine map[string]string) []finding {
	if len(all) == 0 {
		return nil
	}
	var found []finding
	versions := map[string]bool{}
	var told []map[string]string
	for _, p := range all {
		versions[p.Version] = true
		if p.Parts != nil { // those of 0.1.0 tell nothing
			told = append(told, p.Parts)
		}
	}
	if len(versions) > 1 {
		found = append(found, finding{hint, "processes", fmt.Sprintf("run in different versions: %s", strings.Join(slices.Sorted(maps.Keys(versions)), ", ")),
			"let the upgrade come to its end: start the others anew with the new program (termine a atualização: reinicie os demais com o programa novo)"})
	}
	if keys := differences(told...); len(keys) > 0 {
		return append(found, finding{problem, "processes", fmt.Sprintf("%s run on this database with different configurations; they differ in %s", roles(all), strings.Join(keys, ", ")),
			"give all of them the same .env and secretaria.yaml, desks' files included, and start anew those that had another (dê a todos o mesmo .env e secretaria.yaml, com os arquivos das mesas, e reinicie os que tinham outro)"})
	}
	if len(told) > 0 {
		if keys := differences(told[0], mine); len(keys) > 0 {
			return append(found, finding{hint, "processes", fmt.Sprintf("%s with another configuration than the one here; they differ in %s", runs(all), strings.Join(keys, ", ")),
				"start the server anew; or run check as the server's user, in its folder and with its environment (reinicie o servidor; ou rode check como o usuário do servidor, na pasta e com o ambiente dele)"})
		}
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
