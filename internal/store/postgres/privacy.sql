-- What is found, shown, erased and outlived of people; called by package forget. As in queries.sql.

-- name: person
select c.inbox, coalesce(nullif(c.name, ''), (select v.contact_name from conversations v where v.contact_id = c.id and v.contact_name <> '' order by v.id desc limit 1), ''), c.created_at,
  coalesce((select max(greatest(v.changed_at, v.created_at)) from conversations v where v.contact_id = c.id), 0),
  coalesce((select min(o.at) from identities i join opt_outs o on o.inbox = i.inbox and o.kind = i.kind and o.value = i.token where i.contact_id = c.id),
    (select o.at from opt_outs o where o.inbox = c.inbox and o.kind = 'contact' and o.value = cast(c.id as text)), 0)
from contacts c where c.id = $1

-- name: person_identities
select kind, value from identities where contact_id = $1 order by kind, value

-- name: person_conversations
select id from conversations where contact_id = $1 order by id

-- name: people_by_value
select contact_id, '' from identities where value = $1 order by contact_id

-- name: people_named
-- all names, to be searched by who knows capital letters
select id, name from contacts where name <> '' union select contact_id, contact_name from conversations where contact_name <> '' order by 1

-- name: people_mentioning
-- what desks know of people; $1 is a pattern in small letters
select v.contact_id, '' from leads l join conversations v on v.id = l.conversation_id where lower(l.body) like $1 escape '\'
union select contact_id, '' from profiles where lower(body) like $1 escape '\'
union select v.contact_id, '' from memories m join conversations v on v.id = m.conversation_id where lower(m.body) like $1 escape '\'
order by 1

-- name: profile_of
select body from profiles where contact_id = $1

-- name: memory_of
select body from memories where conversation_id = $1

-- name: conversations_of
select id, inbox, channel, thread, contact_id, contact_name, address_to, address_thread, holder, reason, held_until, epoch, status, status_at, revision, last_at, first_pending, correlation, created_at, episode, coalesce(due_at, 0), coalesce(deliver_at, 0)
from conversations where contact_id = $1 order by id

-- name: turns_of
select outcome, reason, model, input_tokens, cached_tokens, output_tokens, model_ms, started_at, correlation from turns where conversation_id = $1 order by id

-- name: attempts_of
select d.id, a.number, a.started_at, a.ended_at, a.outcome, a.http_status, a.cause
from deliveries d join attempts a on a.delivery_seq = d.seq where d.conversation_id = $1 order by d.seq, a.number

-- name: erase_lock
select id from conversations where contact_id = $1 order by id for update

-- name: erase_lock_contact
-- nobody begins a conversation with them from here on
select id from contacts where id = $1 for update

-- name: erase_sending
select count(*) from deliveries d join conversations c on c.id = d.conversation_id where c.contact_id = $1 and d.in_flight and c.lane_lease > $2

-- name: contact_inbox
select inbox from contacts where id = $1

-- name: contact_of
select contact_id from conversations where id = $1

-- name: contact_conversation
select id from conversations where contact_id = $1 limit 1

-- name: messages_identities
select identity from messages where conversation_id = $1 and identity is not null

-- name: forgotten_insert
insert into forgotten (token) values ($1) on conflict do nothing

-- name: erased_insert
insert into erased (token, at) values ($1, $2) on conflict (token) do update set at = greatest(erased.at, excluded.at)

-- name: erased_at
select at from erased where token = $1

-- name: opt_outs_count
select count(*) from identities i join opt_outs o on o.inbox = i.inbox and o.kind = i.kind and o.value = i.token where i.contact_id = $1

-- name: opt_out_thread
-- who has no id and wants no messages is known again by the thread, of which $2 is the keyed hash
insert into opt_outs (inbox, kind, value, at, conversation_id)
select c.inbox, 'thread', $2::text, o.at, o.conversation_id from conversations c join opt_outs o on o.inbox = c.inbox and o.kind = 'contact' and o.value = cast(c.contact_id as text)
where c.id = $1 and not exists (select 1 from identities i where i.contact_id = c.contact_id)
on conflict (inbox, kind, value) do nothing

-- name: erase_thread
select inbox, thread from conversations where id = $1

-- name: erase_attempts
delete from attempts where delivery_seq in (select seq from deliveries where conversation_id = $1)

-- name: erase_deliveries
delete from deliveries where conversation_id = $1

-- name: erase_firings
delete from firings where conversation_id = $1

-- name: erase_turns
delete from turns where conversation_id = $1

-- name: erase_memories
delete from memories where conversation_id = $1

-- name: erase_leads
delete from leads where conversation_id = $1

-- name: erase_messages
delete from messages where conversation_id = $1

-- name: erase_conversations
delete from conversations where id = $1

-- name: erase_budget
delete from budget_lines where key = $1

-- name: erase_profiles
delete from profiles where contact_id = $1

-- name: erase_identities
delete from identities where contact_id = $1

-- name: erase_contacts
delete from contacts where id = $1

-- name: erase_contact_opt_out
delete from opt_outs where kind = 'contact' and value = $1

-- name: erase_contact_budget
delete from budget_lines where key like $1

-- name: sweep_conversations
-- nothing is due, nothing waits, nothing is held by a lease, and nothing has happened since $2
select c.id from conversations c
where c.id > $1 and c.due_at is null and c.deliver_at is null and c.turn_lease <= $3 and c.lane_lease <= $3 and greatest(c.changed_at, c.created_at) < $2
  and not exists (select 1 from messages m where m.conversation_id = c.id and (m.pending or m.at >= $2))
  and not exists (select 1 from deliveries d where d.conversation_id = c.id and (d.status in ('PENDING', 'FAILED_TEMPORARY') or d.in_flight or d.created_at >= $2))
order by c.id limit $4 for update of c skip locked

-- name: sweep_messages
select m.id, m.at, coalesce(d.status, ''), m.pending, m.identity from messages m left join deliveries d on d.id = m.delivery_id where m.id > $1 order by m.id limit $2

-- name: swept_messages
delete from messages where id = $1 and not pending

-- name: sweep_deliveries
select seq, greatest(created_at, done_at), status, in_flight, null::bytea from deliveries where seq > $1 order by seq limit $2

-- name: sweep_attempts
delete from attempts where delivery_seq = $1

-- name: swept_deliveries
delete from deliveries where seq = $1 and status not in ('PENDING', 'FAILED_TEMPORARY') and not in_flight

-- name: sweep_turns
select id, decided_at, '', false, null::bytea from turns where id > $1 order by id limit $2

-- name: swept_turns
delete from turns where id = $1

-- name: sweep_contacts
select c.id from contacts c where c.id > $1 and c.created_at < $2 and not exists (select 1 from conversations v where v.contact_id = c.id) order by c.id limit $3 for update of c skip locked

-- name: sweep_audit
delete from audit where id in (select id from audit where at < $1 order by at limit $2)

-- name: sweep_erased
delete from erased where token in (select token from erased where at < $1 order by at limit $2)

-- name: audit_insert
insert into audit (at, actor, action, subject, detail) values ($1, $2, $3, $4, $5)

-- name: audit_list
select id, at, actor, action, subject, detail from audit where ($1::text = '' or action = $1) and ($2::text = '' or subject = $2) order by id desc limit $3

-- name: jobs_there
select to_regclass('river_job') is not null

-- name: jobs_erase
delete from river_job where state <> 'running' and (args ->> 'conversation')::bigint = $1
