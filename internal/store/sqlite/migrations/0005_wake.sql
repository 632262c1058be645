-- When a conversation is due although nobody writes. A server of the version before forgets it.

alter table conversations add column wake_at integer not null default 0; -- of the last decision; 0: never
