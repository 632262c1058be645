-- What calls to language models have cost, in millionths of the unit of the price table.

create table budget_lines (
  key        text primary key, -- 'day/2026-11-22', 'conversation/7'
  spent      integer not null, -- reservations included
  expires_at integer not null  -- 0: never
) without rowid;
create index budget_lines_expiring on budget_lines (expires_at) where expires_at > 0;

-- Calls under way, and those during which a process died: they stay in their lines at their worst.
create table budget_reservations (
  id     text primary key,
  lines  text not null, -- their keys, json
  amount integer not null,
  at     integer not null
) without rowid;
create index budget_reservations_at on budget_reservations (at);
