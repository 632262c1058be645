-- What calls to language models have cost, in millionths of the unit of the price table.

create table budget_lines (
  key        text collate "C" primary key, -- 'day/2026-11-22', 'conversation/7'
  spent      bigint not null, -- reservations included
  expires_at bigint not null  -- 0: never
);
create index budget_lines_expiring on budget_lines (expires_at) where expires_at > 0;

-- Calls under way, and those during which a process died: they stay in their lines at their worst.
create table budget_reservations (
  id     text collate "C" primary key,
  lines  text[] collate "C" not null, -- their keys
  amount bigint not null,
  at     bigint not null
);
create index budget_reservations_at on budget_reservations (at);
