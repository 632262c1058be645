-- What the houses of desks say, as far as it can be searched. All of it is made anew from the
-- configuration, so a copy of the database goes without.

create table house_versions (
  id      integer primary key autoincrement,
  desk    text not null,
  version text not null,
  used_at integer not null,
  unique (desk, version)
);

create table house_passages (
  id      integer primary key autoincrement,
  house   integer not null references house_versions (id),
  key     text not null,
  kind    text not null,
  title   text not null,
  text    text not null,
  source  text not null, -- json
  terms   text not null, -- stems, of a-z and 0-9
  unique (house, key)
);

-- Only the index: the terms themselves are in house_passages. Stems are split at blanks and
-- at nothing else, as PostgreSQL is told to.
create virtual table house_terms using fts5 (terms, content = '', contentless_delete = 1, tokenize = 'ascii');
