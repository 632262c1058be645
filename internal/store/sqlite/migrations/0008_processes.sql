-- What each process is and how it is configured, so that two with different configurations
-- are found. Since now processes are listed here that only take webhooks.

alter table workers add column role text not null default '';
alter table workers add column version text not null default '';
alter table workers add column parts text not null default ''; -- JSON: keyed hashes by key; '' of 0.1.0
