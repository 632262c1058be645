-- What a desk remembers, starts and must not do. A server of the version before works on with it,
-- but knows of no opt-outs: while processes are replaced one by one, it may still say something.

alter table conversations add column episode bigint not null default 0;    -- times the bot got it back
alter table conversations add column changed_at bigint not null default 0; -- 0: before this column was

alter table deliveries add column farewell boolean not null default false; -- decided with an opt-out: the last that is sent

-- of the desk, about a conversation
create table memories (
  conversation_id bigint primary key references conversations (id),
  body            text not null -- json of the desk's
);

-- of the desk, about a person
create table profiles (
  contact_id bigint primary key references contacts (id),
  body       text not null -- json of the desk's
);

create table leads (
  conversation_id bigint primary key references conversations (id),
  desk            text collate "C" not null,
  contact_name    text not null default '',
  state           text collate "C" not null,
  score           bigint not null default 0,
  max_score       bigint not null default 0,
  score_table     text not null default '',
  body            text not null, -- json of the playbook's
  updated_at      bigint not null
);
create index leads_updated on leads (updated_at, conversation_id);

-- the workflows that a conversation has started: the same arguments once
create table firings (
  conversation_id bigint not null references conversations (id),
  workflow        text collate "C" not null,
  key             text collate "C" not null, -- of the arguments
  delivery_id     text collate "C" not null,
  at              bigint not null,
  primary key (conversation_id, workflow, key)
);

-- who wants no more messages: by each id, and by the contact (kind 'contact', its number), which may have none
create table opt_outs (
  inbox           text collate "C" not null,
  kind            text collate "C" not null,
  value           text collate "C" not null,
  at              bigint not null,
  conversation_id bigint not null, -- where they said so
  primary key (inbox, kind, value)
);
create index opt_outs_conversation on opt_outs (conversation_id);
