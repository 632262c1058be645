pragma foreign_keys = off;
begin;
CREATE TABLE inboxes (
  name    text primary key,
  self_id text not null default ''        -- our own bot's id at the helpdesk, once learnt
) without rowid;
CREATE TABLE contacts (
  id         integer primary key autoincrement,
  inbox      text not null,
  name       text not null default '',
  created_at integer not null
);
insert into "contacts" values (1, 'whaticket', 'Freguês 1', 1795176000000);
insert into "contacts" values (2, 'whaticket', 'Freguês 2', 1795176000000);
insert into "contacts" values (3, 'whaticket', 'Freguês 3', 1795176000000);
insert into "contacts" values (4, 'whaticket', 'Freguês 4', 1795176000000);
insert into "contacts" values (5, 'whaticket', 'Freguês 5', 1795176000000);
insert into "contacts" values (6, 'whaticket', 'Freguês 6', 1795176000000);
insert into "contacts" values (7, 'whaticket', 'Freguês 7', 1795176000000);
CREATE TABLE identities (
  inbox      text not null,
  kind       text not null,
  value      text not null,
  contact_id integer not null references contacts (id),
  primary key (inbox, kind, value)
) without rowid;
insert into "identities" values ('whaticket', 'phone', '+5511988870001', 1);
insert into "identities" values ('whaticket', 'phone', '+5511988870002', 2);
insert into "identities" values ('whaticket', 'phone', '+5511988870003', 3);
insert into "identities" values ('whaticket', 'phone', '+5511988870004', 4);
insert into "identities" values ('whaticket', 'phone', '+5511988870005', 5);
insert into "identities" values ('whaticket', 'phone', '+5511988870006', 6);
insert into "identities" values ('whaticket', 'phone', '+5511988870007', 7);
CREATE TABLE conversations (
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
insert into "conversations" values (1, 'whaticket', 'whaticket', 'contact:1', 1, 'Freguês 1', '5511988870001', '', 'bot', '', 0, 0, '', 0, 1, 1795176000000, 0, 'c-SNAPSHOT01', 1795176000000, NULL, 0, 2, 0, 0, 1795176004100, 1795176014100, 1);
insert into "conversations" values (2, 'whaticket', 'whaticket', 'contact:2', 2, 'Freguês 2', '5511988870002', '', 'bot', '', 0, 0, '', 0, 2, 1795176000000, 1795176000000, 'c-SNAPSHOT-MORE', 1795176000000, 1795176008000, 0, 0, 0, 0, NULL, 0, 0);
insert into "conversations" values (3, 'whaticket', 'whaticket', 'contact:3', 3, 'Freguês 3', '5511988870003', '', 'bot', '', 0, 0, '', 0, 1, 1795176000000, 1795176000000, 'c-SNAPSHOT03', 1795176000000, 1795176004000, 1795176014100, 1, 0, 1, NULL, 0, 0);
insert into "conversations" values (4, 'whaticket', 'whaticket', 'contact:4', 4, 'Freguês 4', '5511988870004', '', 'bot', '', 0, 0, '', 0, 1, 1795176000000, 0, 'c-SNAPSHOT04', 1795176000000, NULL, 0, 2, 0, 0, 1795176004100, 1795176014100, 1);
insert into "conversations" values (5, 'whaticket', 'whaticket', 'contact:5', 5, 'Freguês 5', '5511988870005', '', 'bot', '', 0, 0, '', 0, 1, 1795176000000, 0, 'c-SNAPSHOT05', 1795176000000, NULL, 0, 2, 0, 0, 1795176004100, 1795176014100, 1);
insert into "conversations" values (6, 'whaticket', 'whaticket', 'contact:6', 6, 'Freguês 6', '5511988870006', '', 'bot', '', 0, 0, '', 0, 1, 1795176000000, 0, 'c-SNAPSHOT06', 1795176000000, NULL, 0, 2, 0, 0, 1795176004100, 1795176014100, 1);
insert into "conversations" values (7, 'whaticket', 'whaticket', 'contact:7', 7, 'Freguês 7', '5511988870007', '', 'human', 'human_message', 0, 1, '', 0, 1, 1795176000000, 0, 'c-SNAPSHOT07', 1795176000000, NULL, 0, 0, 0, 0, NULL, 0, 0);
CREATE TABLE messages (
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
insert into "messages" values (1, 1, 'customer', 'text', 'pergunta-1', NULL, 'SNAPSHOT01', X'292B2FE62A208CAA109C76FC2B73424C', NULL, 1795176000000, 1795176000000, 0, 1, 0);
insert into "messages" values (2, 2, 'customer', 'text', 'pergunta-2', NULL, 'SNAPSHOT02', X'B53E61FE269B7FD930C1D2E2B349D966', NULL, 1795176000000, 1795176000000, 1, NULL, 0);
insert into "messages" values (3, 3, 'customer', 'text', 'pergunta-3', NULL, 'SNAPSHOT03', X'61D3D0D8F4179E43A0316E3EAC9E66CE', NULL, 1795176000000, 1795176000000, 1, NULL, 0);
insert into "messages" values (4, 4, 'customer', 'text', 'pergunta-4', NULL, 'SNAPSHOT04', X'4BACF8F130B8B59CDB9C786416B6D8CB', NULL, 1795176000000, 1795176000000, 0, 2, 0);
insert into "messages" values (5, 5, 'customer', 'text', 'pergunta-5', NULL, 'SNAPSHOT05', X'8155D8515A4858EEE95CCAF2979D71DE', NULL, 1795176000000, 1795176000000, 0, 3, 0);
insert into "messages" values (6, 6, 'customer', 'text', 'pergunta-6', NULL, 'SNAPSHOT06', X'A4CC55029F649C718F26355B33C35374', NULL, 1795176000000, 1795176000000, 0, 4, 0);
insert into "messages" values (7, 7, 'customer', 'text', 'pergunta-7', NULL, 'SNAPSHOT07', X'03A7CB08DC4275E2D6F6ED8D19DE8DF2', NULL, 1795176000000, 1795176000000, 0, NULL, 0);
insert into "messages" values (8, 7, 'person', 'text', 'resposta-7', NULL, 'SNAPSHOT-PERSON', X'1CCC9A50DB3976B0535570E537EF6CCE', NULL, 1795176000000, 1795176000000, 0, NULL, 0);
insert into "messages" values (9, 2, 'customer', 'text', 'mais uma coisa', NULL, 'SNAPSHOT-MORE', X'0E3D47052CF74C7701C64BD221B06FAD', NULL, 1795176000000, 1795176004000, 1, NULL, 0);
insert into "messages" values (10, 1, 'bot', 'text', 'resposta-1', NULL, '', NULL, '60b9e735-171e-440b-ab3e-4b77b67168ca', 1795176004100, 1795176004100, 0, NULL, 0);
insert into "messages" values (11, 4, 'bot', 'text', 'resposta-4', NULL, '', NULL, '626b4f56-4ac7-4ea0-b144-384ad7c90fd0', 1795176004100, 1795176004100, 0, NULL, 0);
insert into "messages" values (12, 5, 'bot', 'text', 'resposta-5', NULL, '', NULL, 'ef7a745c-ccf0-4d0b-a784-0fcb9f94c4a6', 1795176004100, 1795176004100, 0, NULL, 0);
insert into "messages" values (13, 6, 'bot', 'text', 'resposta-6', NULL, '', NULL, 'dba1d3d5-a533-4588-aede-7a3d3573e59f', 1795176004100, 1795176004100, 0, NULL, 0);
CREATE TABLE turns (
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
insert into "turns" values (1, 1, 'replied', 'model', 'test', 100, 0, 10, 0, 1795176004100, 1795176004100, 'c-SNAPSHOT01');
insert into "turns" values (2, 4, 'replied', 'model', 'test', 100, 0, 10, 0, 1795176004100, 1795176004100, 'c-SNAPSHOT04');
insert into "turns" values (3, 5, 'replied', 'model', 'test', 100, 0, 10, 0, 1795176004100, 1795176004100, 'c-SNAPSHOT05');
insert into "turns" values (4, 6, 'replied', 'model', 'test', 100, 0, 10, 0, 1795176004100, 1795176004100, 'c-SNAPSHOT06');
CREATE TABLE deliveries (
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
insert into "deliveries" values (1, '60b9e735-171e-440b-ab3e-4b77b67168ca', 1, 1, 'say', '{"text":"resposta-1"}', X'32C882E237230D38FAFFFB91A04B9BBD', 0, 'SENT', 0, 1, 0, 0, 0, 0, 0, '', '', 200, '', 'c-SNAPSHOT01', 1795176004100, 1795176000000, 1795176004100, 0, 1795176004180);
insert into "deliveries" values (2, '626b4f56-4ac7-4ea0-b144-384ad7c90fd0', 4, 2, 'say', '{"text":"resposta-4"}', X'512A2BE50C87D7D0874DCE6BBD483319', 0, 'PENDING', 0, 0, 0, 0, 0, 0, 0, '', '', 0, '', 'c-SNAPSHOT04', 1795176004100, 1795176000000, 0, 0, 0);
insert into "deliveries" values (3, 'ef7a745c-ccf0-4d0b-a784-0fcb9f94c4a6', 5, 3, 'say', '{"text":"resposta-5"}', X'8A7D576FF46D9151ACF8B223734C7BD8', 0, 'PENDING', 1, 1, 0, 0, 0, 0, 0, '', '', 0, '', 'c-SNAPSHOT05', 1795176004100, 1795176000000, 1795176004100, 0, 0);
insert into "deliveries" values (4, 'dba1d3d5-a533-4588-aede-7a3d3573e59f', 6, 4, 'say', '{"text":"resposta-6"}', X'3D3DDF6E166FC33CF3B382ED7FA48DED', 0, 'FAILED_PERMANENT', 0, 1, 0, 0, 0, 0, 0, '', 'http 400', 400, '', 'c-SNAPSHOT06', 1795176004100, 1795176000000, 1795176004100, 0, 1795176004180);
CREATE TABLE attempts (
  delivery_seq integer not null references deliveries (seq),
  number       integer not null,
  started_at   integer not null,
  ended_at     integer not null default 0,
  outcome      text not null default '',
  http_status  integer not null default 0,
  cause        text not null default '',
  primary key (delivery_seq, number)
) without rowid;
insert into "attempts" values (1, 1, 1795176004100, 1795176004180, 'sent', 200, '');
insert into "attempts" values (3, 1, 1795176004100, 0, '', 0, '');
insert into "attempts" values (4, 1, 1795176004100, 1795176004180, 'failed', 400, 'http 400');
CREATE TABLE workers (
  id text primary key,
  at integer not null
) without rowid;
insert into "workers" values ('worker', 1795176004100);
CREATE TABLE river_leader (
    elected_at timestamp NOT NULL,
    expires_at timestamp NOT NULL,
    leader_id text NOT NULL,
    name text PRIMARY KEY NOT NULL DEFAULT 'default' CHECK (name = 'default'),
    CONSTRAINT name_length CHECK (length(name) > 0 AND length(name) < 128),
    CONSTRAINT leader_id_length CHECK (length(leader_id) > 0 AND length(leader_id) < 128)
);
CREATE TABLE river_migration (
    line text NOT NULL,
    version integer NOT NULL,
    created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    CONSTRAINT line_length CHECK (length(line) > 0 AND length(line) < 128),
    CONSTRAINT version_gte_1 CHECK (version >= 1),
    PRIMARY KEY (line, version)
);
insert into "river_migration" values ('main', 1, '2026-11-22 00:28:02');
insert into "river_migration" values ('main', 2, '2026-11-22 00:28:02');
insert into "river_migration" values ('main', 3, '2026-11-22 00:28:02');
insert into "river_migration" values ('main', 4, '2026-11-22 00:28:02');
insert into "river_migration" values ('main', 5, '2026-11-22 00:28:02');
insert into "river_migration" values ('main', 6, '2026-11-22 00:28:02');
insert into "river_migration" values ('main', 7, '2026-11-22 00:28:02');
CREATE TABLE river_notification (
    id integer PRIMARY KEY AUTOINCREMENT,
    created_at timestamp NOT NULL DEFAULT (datetime('now', 'subsec')),
    payload text NOT NULL,
    topic text NOT NULL,
    CONSTRAINT topic_length CHECK (length(topic) > 0 AND length(topic) < 128)
);
CREATE TABLE river_job (
    id integer PRIMARY KEY, -- SQLite makes this autoincrementing automatically
    args blob NOT NULL DEFAULT (jsonb('{}')),
    attempt integer NOT NULL DEFAULT 0,
    attempted_at timestamp,
    attempted_by blob, -- json
    created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    errors blob, -- json
    finalized_at timestamp,
    kind text NOT NULL,
    metadata blob NOT NULL DEFAULT (jsonb('{}')),
    priority integer NOT NULL DEFAULT 1,
    queue text NOT NULL DEFAULT 'default',
    state text NOT NULL DEFAULT 'available',
    scheduled_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    tags blob NOT NULL DEFAULT (jsonb('[]')),
    unique_key blob,
    unique_states integer, max_attempts integer NOT NULL DEFAULT 25,
    CONSTRAINT finalized_or_finalized_at_null CHECK (
        (finalized_at IS NULL AND state NOT IN ('cancelled', 'completed', 'discarded')) OR
        (finalized_at IS NOT NULL AND state IN ('cancelled', 'completed', 'discarded'))
    ),
    CONSTRAINT priority_in_range CHECK (priority >= 1 AND priority <= 4),
    CONSTRAINT queue_length CHECK (length(queue) > 0 AND length(queue) < 128),
    CONSTRAINT kind_length CHECK (length(kind) > 0 AND length(kind) < 128),
    CONSTRAINT state_valid CHECK (state IN ('available', 'cancelled', 'completed', 'discarded', 'pending', 'retryable', 'running', 'scheduled'))
);
insert into "river_job" values (1, X'CC18C70C636F6E766572736174696F6E13315766656E63651331', 0, NULL, NULL, '2026-11-22 00:28:02.626', NULL, NULL, 'turn', X'0C', 1, 'turn', 'available', '2026-11-22 00:28:02.626', X'0B', NULL, NULL, 1);
insert into "river_job" values (2, X'CC18C70C636F6E766572736174696F6E13335766656E63651331', 0, NULL, NULL, '2026-11-22 00:28:02.626', NULL, NULL, 'turn', X'0C', 1, 'turn', 'available', '2026-11-22 00:28:02.626', X'0B', NULL, NULL, 1);
insert into "river_job" values (3, X'CC18C70C636F6E766572736174696F6E13345766656E63651331', 0, NULL, NULL, '2026-11-22 00:28:02.626', NULL, NULL, 'turn', X'0C', 1, 'turn', 'available', '2026-11-22 00:28:02.626', X'0B', NULL, NULL, 1);
insert into "river_job" values (4, X'CC18C70C636F6E766572736174696F6E13355766656E63651331', 0, NULL, NULL, '2026-11-22 00:28:02.626', NULL, NULL, 'turn', X'0C', 1, 'turn', 'available', '2026-11-22 00:28:02.626', X'0B', NULL, NULL, 1);
insert into "river_job" values (5, X'CC18C70C636F6E766572736174696F6E13365766656E63651331', 0, NULL, NULL, '2026-11-22 00:28:02.626', NULL, NULL, 'turn', X'0C', 1, 'turn', 'available', '2026-11-22 00:28:02.626', X'0B', NULL, NULL, 1);
insert into "river_job" values (6, X'CC18C70C636F6E766572736174696F6E13315766656E63651331', 0, NULL, NULL, '2026-11-22 00:28:02.630', NULL, NULL, 'delivery', X'0C', 1, 'delivery', 'available', '2026-11-22 00:28:02.630', X'0B', NULL, NULL, 1);
insert into "river_job" values (7, X'CC18C70C636F6E766572736174696F6E13345766656E63651331', 0, NULL, NULL, '2026-11-22 00:28:02.634', NULL, NULL, 'delivery', X'0C', 1, 'delivery', 'available', '2026-11-22 00:28:02.634', X'0B', NULL, NULL, 1);
insert into "river_job" values (8, X'CC18C70C636F6E766572736174696F6E13355766656E63651331', 0, NULL, NULL, '2026-11-22 00:28:02.638', NULL, NULL, 'delivery', X'0C', 1, 'delivery', 'available', '2026-11-22 00:28:02.638', X'0B', NULL, NULL, 1);
insert into "river_job" values (9, X'CC18C70C636F6E766572736174696F6E13365766656E63651331', 0, NULL, NULL, '2026-11-22 00:28:02.641', NULL, NULL, 'delivery', X'0C', 1, 'delivery', 'available', '2026-11-22 00:28:02.641', X'0B', NULL, NULL, 1);
CREATE TABLE river_queue (
    name text PRIMARY KEY NOT NULL,
    created_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP,
    metadata blob NOT NULL DEFAULT (jsonb('{}')),
    paused_at timestamp,
    updated_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP
);
CREATE INDEX identities_contact on identities (contact_id);
CREATE INDEX conversations_due on conversations (due_at) where due_at is not null;
CREATE INDEX conversations_deliver on conversations (deliver_at) where deliver_at is not null;
CREATE INDEX conversations_contact on conversations (contact_id);
CREATE UNIQUE INDEX messages_identity on messages (identity) where identity is not null;
CREATE INDEX messages_conversation on messages (conversation_id, id);
CREATE INDEX messages_delivery on messages (delivery_id) where delivery_id is not null;
CREATE INDEX messages_pending on messages (conversation_id) where pending = 1;
CREATE INDEX turns_conversation on turns (conversation_id, id);
CREATE INDEX deliveries_open on deliveries (conversation_id, seq) where status in ('PENDING', 'FAILED_TEMPORARY');
CREATE INDEX deliveries_echo on deliveries (conversation_id, done_at) where fingerprint is not null;
CREATE INDEX deliveries_conversation on deliveries (conversation_id, seq);
CREATE INDEX deliveries_blocked on deliveries (blocked_by) where blocked_by <> '';
CREATE INDEX deliveries_dead on deliveries (seq) where status = 'FAILED_PERMANENT';
CREATE INDEX river_notification_created_at_idx ON river_notification (created_at);
CREATE INDEX river_notification_topic_id_idx ON river_notification (topic, id);
CREATE INDEX river_job_kind ON river_job (kind);
CREATE INDEX river_job_state_and_finalized_at_index ON river_job (state, finalized_at) WHERE finalized_at IS NOT NULL;
CREATE INDEX river_job_prioritized_fetching_index ON river_job (state, queue, priority, scheduled_at, id);
CREATE UNIQUE INDEX river_job_unique_idx ON river_job (unique_key)
    WHERE unique_key IS NOT NULL
        AND unique_states IS NOT NULL
        AND CASE state
            WHEN 'available' THEN unique_states & (1 << 0)
            WHEN 'cancelled' THEN unique_states & (1 << 1)
            WHEN 'completed' THEN unique_states & (1 << 2)
            WHEN 'discarded' THEN unique_states & (1 << 3)
            WHEN 'pending'   THEN unique_states & (1 << 4)
            WHEN 'retryable' THEN unique_states & (1 << 5)
            WHEN 'running'   THEN unique_states & (1 << 6)
            WHEN 'scheduled' THEN unique_states & (1 << 7)
            ELSE 0
        END >= 1;
update sqlite_sequence set seq = 7 where name = 'contacts';
update sqlite_sequence set seq = 7 where name = 'conversations';
update sqlite_sequence set seq = 4 where name = 'deliveries';
update sqlite_sequence set seq = 13 where name = 'messages';
update sqlite_sequence set seq = 4 where name = 'turns';
pragma user_version = 1;
commit;
