-- What a desk remembers, starts and must not do. A server of the version before works on with it,
-- but knows of no opt-outs: while processes are replaced one by one, it may still say something.

alter table conversations add column episode integer not null default 0;    -- times the bot got it back
alter table conversations add column changed_at integer not null default 0; -- 0: before this column was

alter table deliveries add column farewell integer not null default 0; -- decided with an opt-out: the last that is sent

-- of the desk, about a conversation
create table memories (
  conversation_id integer primary key references conversations (id),
  body            text not null -- json of the desk's
) without rowid;

-- of the desk, about a person
create table profiles (
  contact_id integer primary key references contacts (id),
  body       text not null -- json of the desk's
) without rowid;

create table leads (
  conversation_id integer primary key references conversations (id),
  desk            text not null,
  contact_name    text not null default '',
  state           text not null,
  score           integer not null default 0,
  max_score       integer not null default 0,
  score_table     text not null default '',
  body            text not null, -- json of the playbook's
  updated_at      integer not null
) without rowid;
create index leads_updated on leads (updated_at, conversation_id);

-- the workflows that a conversation has started: the same arguments once
create table firings (
  conversation_id integer not null references conversations (id),
  workflow        text not null,
  key             text not null, -- of the arguments
  delivery_id     text not null,
  at              integer not null,
  primary key (conversation_id, workflow, key)
) without rowid;

-- who wants no more messages: by each id, and by the contact (kind 'contact', its number), which may have none
create table opt_outs (
  inbox           text not null,
  kind            text not null,
  value           text not null,
  at              integer not null,
  conversation_id integer not null, -- where they said so
  primary key (inbox, kind, value)
) without rowid;
create index opt_outs_conversation on opt_outs (conversation_id);
