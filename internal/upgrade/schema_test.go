package upgrade

import (
	"context"
	"database/sql"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// describeSQLite reads columns, indexes, foreign keys and triggers. Not the words that made
// the tables: a column that was added later is the same column.
func describeSQLite(t *testing.T, path string) []string {
	db, err := sql.Open("sqlite", "file:"+path)
	must(t, err)
	defer db.Close()
	var out []string
	for _, query := range []string{
		`select 'column', s.name, c.name, c.type, c."notnull", coalesce(c.dflt_value, '-'), c.pk, s.sql like '%autoincrement%'
		 from sqlite_schema s, pragma_table_xinfo(s.name) c where s.type = 'table'`,
		`select 'key', s.name, f."from", f."table", f."to", f.on_delete from sqlite_schema s, pragma_foreign_key_list(s.name) f where s.type = 'table'`,
		`select 'unique', s.name, i."unique", i.origin, (select group_concat(c.name) from pragma_index_info(i.name) c)
		 from sqlite_schema s, pragma_index_list(s.name) i where s.type = 'table' and i.origin <> 'c'`,
		`select type, name, sql from sqlite_schema where type <> 'table' and sql is not null`,
		`select 'version', user_version from pragma_user_version`,
		`select 'queue', line, version from river_migration`,
	} {
		for _, row := range rows(t, db, query) {
			out = append(out, strings.Join(strings.Fields(strings.Join(row, " ")), " "))
		}
	}
	slices.Sort(out)
	return out
}

// describePostgres reads columns, indexes, constraints, options, triggers and functions.
func describePostgres(t *testing.T, at string) []string {
	conn, err := pgx.Connect(t.Context(), at)
	must(t, err)
	defer conn.Close(context.Background())
	var out []string
	for _, query := range []string{
		`select concat_ws(' ', 'column', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity, coalesce(pg_get_expr(d.adbin, d.adrelid), '-'),
		   (select collname from pg_collation l where l.oid = a.attcollation))
		 from pg_attribute a join pg_class c on c.oid = a.attrelid left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
		 where c.relkind = 'r' and a.attnum > 0 and not a.attisdropped and c.relnamespace = current_schema()::regnamespace`,
		`select concat_ws(' ', 'table', relname, relkind, relpersistence, array_to_string(reloptions, ',')) from pg_class where relkind in ('r', 'S', 'v', 'm') and relnamespace = current_schema()::regnamespace`,
		`select concat_ws(' ', 'index', pg_get_indexdef(i.indexrelid), i.indisvalid) from pg_index i join pg_class c on c.oid = i.indexrelid where c.relnamespace = current_schema()::regnamespace`,
		`select concat_ws(' ', 'constraint', conrelid::regclass, conname, pg_get_constraintdef(oid)) from pg_constraint where connamespace = current_schema()::regnamespace`,
		`select concat_ws(' ', 'trigger', pg_get_triggerdef(t.oid)) from pg_trigger t join pg_class c on c.oid = t.tgrelid where not t.tgisinternal and c.relnamespace = current_schema()::regnamespace`,
		`select concat_ws(' ', 'function', pg_get_functiondef(oid)) from pg_proc where pronamespace = current_schema()::regnamespace`,
		`select concat_ws(' ', 'type', t.typname, string_agg(e.enumlabel, ',' order by e.enumsortorder)) from pg_type t join pg_enum e on e.enumtypid = t.oid where t.typnamespace = current_schema()::regnamespace group by t.typname`,
		`select concat_ws(' ', 'version', version) from schema_version`,
		`select concat_ws(' ', 'queue', line, version) from river_migration`,
	} {
		found, err := conn.Query(t.Context(), query)
		must(t, err)
		lines, err := pgx.CollectRows(found, pgx.RowTo[string])
		must(t, err)
		out = append(out, lines...)
	}
	var schema string
	must(t, conn.QueryRow(t.Context(), "select current_schema()").Scan(&schema))
	for i := range out {
		out[i] = strings.Join(strings.Fields(strings.ReplaceAll(out[i], schema+".", "")), " ")
	}
	slices.Sort(out)
	return out
}
