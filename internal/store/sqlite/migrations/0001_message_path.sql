-- Times are Unix milliseconds, UTC; 0 means "none". Booleans are 0 and 1.

create table inboxes (
  name    text primary key,
  self_id text not null default ''        -- our own bot's id at the helpdesk, once learnt
) without rowid;

create table contacts (
  id         integer primary key autoincrement,
  inbox      text not null,
  name       text not null default '',
  created_at integer not null
);

create table identities (
  inbox      text not null,
  kind       text not null,
  value      text not null,
  contact_id integer not null references contacts (id),
  primary key (inbox, kind, value)
) without rowid;
create index identities_contact on identities (contact_id);

create table conversations (
  id             integer primary key autoincrement,
  inbox          text not null,
  channel        text not null,
  thread         text not null,            -- the helpdesk's, or contact:<id>
  contact_id     integer not null references contacts (id),
  contact_name   text not null default '',
  address_to     text not null default '',
  address_thread text not null default '',
  holder         text not null,
  reason         text not null default '',
  held_until     integer not null default 0,
  epoch          integer not null default 0,
  status         text not null default '',
  status_at      integer not null default 0,
  revision       integer not null default 0,
  last_at        integer not null default 0, -- when the customer last wrote, by the channel's clock
  first_pending  integer not null default 0,
  correlation    text not null default '',
  created_at     integer not null,
  -- the lane of turns
  due_at         integer,                  -- null: nothing to answer
  turn_lease     integer not null default 0,
  turn_fence     integer not null default 0,
  failures       integer not null default 0,
  restarts       integer not null default 0,
  -- the lane of deliveries
  deliver_at     integer,                  -- null: nothing to send
  lane_lease     integer not null default 0,
  lane_fence     integer not null default 0,
  unique (inbox, thread)
);
create index conversations_due on conversations (due_at) where due_at is not null;
create index conversations_deliver on conversations (deliver_at) where deliver_at is not null;
create index conversations_contact on conversations (contact_id);

create table messages (
  id              integer primary key autoincrement,
  conversation_id integer not null references conversations (id),
  author          text not null,
  kind            text not null,
  text            text not null default '',
  extra           text,                    -- json: what the kind needs besides text
  key             text not null default '',
  identity        blob,                    -- hash of (inbox, chat, key): kept for ever
  delivery_id     text,
  said_at         integer not null,
  at              integer not null,
  pending         integer not null default 0,
  turn_id         integer,
  revoked         integer not null default 0
);
create unique index messages_identity on messages (identity) where identity is not null;
create index messages_conversation on messages (conversation_id, id);
create index messages_delivery on messages (delivery_id) where delivery_id is not null;
create index messages_pending on messages (conversation_id) where pending = 1;

create table turns (
  id              integer primary key autoincrement,
  conversation_id integer not null references conversations (id),
  outcome         text not null,
  reason          text not null default '',
  model           text not null default '',
  input_tokens    integer not null default 0,
  cached_tokens   integer not null default 0,
  output_tokens   integer not null default 0,
  model_ms        integer not null default 0,
  started_at      integer not null,
  decided_at      integer not null,
  correlation     text not null default ''
);
create index turns_conversation on turns (conversation_id, id);

create table deliveries (
  seq             integer primary key autoincrement,
  id              text not null unique,
  conversation_id integer not null references conversations (id),
  turn_id         integer not null default 0,
  kind            text not null,
  body            text not null default '{}', -- json: the order
  fingerprint     blob,                       -- of the words of a say, to know its echo by
  echoed          integer not null default 0, -- echoes seen
  status          text not null,
  in_flight       integer not null default 0,
  attempts        integer not null default 0,
  base            integer not null default 0, -- attempts before the last replay by hand
  uncertain       integer not null default 0,
  blind           integer not null default 0,
  forced          integer not null default 0, -- an operator asked for it: no matter who holds
  epoch           integer not null,
  blocked_by      text not null default '',
  cause           text not null default '',
  http_status     integer not null default 0,
  key             text not null default '',
  correlation     text not null default '',
  created_at      integer not null,
  accepted_at     integer not null default 0,
  first_at        integer not null default 0,
  next_at         integer not null default 0,
  done_at         integer not null default 0
);
create index deliveries_open on deliveries (conversation_id, seq) where status in ('PENDING', 'FAILED_TEMPORARY');
create index deliveries_echo on deliveries (conversation_id, done_at) where fingerprint is not null;
create index deliveries_conversation on deliveries (conversation_id, seq);
create index deliveries_blocked on deliveries (blocked_by) where blocked_by <> '';
create index deliveries_dead on deliveries (seq) where status = 'FAILED_PERMANENT';

create table attempts (
  delivery_seq integer not null references deliveries (seq),
  number       integer not null,
  started_at   integer not null,
  ended_at     integer not null default 0,
  outcome      text not null default '',
  http_status  integer not null default 0,
  cause        text not null default '',
  primary key (delivery_seq, number)
) without rowid;

create table workers (
  id text primary key,
  at integer not null
) without rowid;
