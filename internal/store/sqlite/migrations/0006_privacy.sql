-- What the law asks of us about people. The key with which people are hashed is made by the
-- program when it opens the database, and what had been kept in plain words is hashed then.

create table installation (
  name  text primary key, -- 'key'
  value text not null
) without rowid;

-- the keyed hash of an id, '' where a server of the version before has written it
alter table identities add column token text not null default '';
create index identities_untold on identities (inbox) where token = '';

-- messages that are gone and stay known: the keyed hash of their identity
create table forgotten (
  token blob primary key
) without rowid;

-- people who were erased: what came from them before and arrives late is dropped
create table erased (
  token text primary key, -- of an id
  at    integer not null
) without rowid;
create index erased_at on erased (at);

-- who looked at somebody's data or changed it by hand; never the data
create table audit (
  id      integer primary key autoincrement,
  at      integer not null,
  actor   text not null,            -- 'user:ana', 'token:painel', 'system'
  action  text not null,            -- 'contact.export', 'contact.erase' …
  subject text not null default '', -- keyed hash of the person
  detail  text not null default ''  -- numbers and bounded words
);
create index audit_at on audit (at);
create index audit_subject on audit (subject, id) where subject <> '';
