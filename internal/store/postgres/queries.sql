-- One text per query. Conversation columns stand in one order everywhere: see
-- scanConversation; so do those of deliveries. Every step that writes to a conversation
-- locks its row first, so the rest of a step waits for nobody else's.
-- "no key" leaves the foreign keys of others alone.

-- name: plan_once
-- for a transaction: our queries all have an index, whatever their arguments and however
-- small a table was when they were planned; planning anew takes longer than running them
select set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_seqscan', 'off', true)

-- name: plan_for_these
-- which index helps depends on which filters there are
set local plan_cache_mode = force_custom_plan

-- name: conversations_lock
-- those of a helpdesk's threads and those of people's ids, in one order whoever asks
select id, inbox, channel, thread, contact_id, contact_name, address_to, address_thread, holder, reason, held_until, epoch, status, status_at, revision, last_at, first_pending, correlation, created_at, episode,
  coalesce(due_at, 0), coalesce(deliver_at, 0), turn_fence, failures, restarts, lane_fence, lane_lease
from conversations where id = any (array(
  select c.id from unnest($1::text[], $2::text[]) as w (inbox, thread) join conversations c on c.inbox = w.inbox and c.thread = w.thread
  union
  select c.id from unnest($3::text[], $4::text[], $5::text[]) as w (inbox, kind, value)
    join identities i on i.inbox = w.inbox and i.kind = w.kind and i.value = w.value
    join conversations c on c.inbox = i.inbox and c.thread = 'contact:' || i.contact_id))
order by id for no key update

-- name: conversations_lock_free
-- the same without those that somebody else is working on: a group waits for nobody
select id, inbox, channel, thread, contact_id, contact_name, address_to, address_thread, holder, reason, held_until, epoch, status, status_at, revision, last_at, first_pending, correlation, created_at, episode,
  coalesce(due_at, 0), coalesce(deliver_at, 0), turn_fence, failures, restarts, lane_fence, lane_lease
from conversations where id = any (array(
  select c.id from unnest($1::text[], $2::text[]) as w (inbox, thread) join conversations c on c.inbox = w.inbox and c.thread = w.thread
  union
  select c.id from unnest($3::text[], $4::text[], $5::text[]) as w (inbox, kind, value)
    join identities i on i.inbox = w.inbox and i.kind = w.kind and i.value = w.value
    join conversations c on c.inbox = i.inbox and c.thread = 'contact:' || i.contact_id))
order by id for no key update skip locked

-- name: identities_known
select i.inbox, i.kind, i.value, i.contact_id
from unnest($1::text[], $2::text[], $3::text[]) as w (inbox, kind, value)
join identities i on i.inbox = w.inbox and i.kind = w.kind and i.value = w.value

-- name: messages_known
-- those that are gone, known by the keyed hashes $2, belong to no conversation
select identity, id, conversation_id from messages where identity is not null and identity = any ($1::bytea[])
union all
select w.identity, 0, 0 from unnest($1::bytea[], $2::bytea[]) as w (identity, token) join forgotten f on f.token = w.token

-- name: conversation_by_id
select id, inbox, channel, thread, contact_id, contact_name, address_to, address_thread, holder, reason, held_until, epoch, status, status_at, revision, last_at, first_pending, correlation, created_at, episode,
  coalesce(due_at, 0), coalesce(deliver_at, 0), turn_fence, failures, restarts, lane_fence, lane_lease
from conversations where id = $1

-- name: conversation_lock
select id, inbox, channel, thread, contact_id, contact_name, address_to, address_thread, holder, reason, held_until, epoch, status, status_at, revision, last_at, first_pending, correlation, created_at, episode,
  coalesce(due_at, 0), coalesce(deliver_at, 0), turn_fence, failures, restarts, lane_fence, lane_lease
from conversations where id = $1 for no key update

-- name: conversation_lock_by_delivery
select id, inbox, channel, thread, contact_id, contact_name, address_to, address_thread, holder, reason, held_until, epoch, status, status_at, revision, last_at, first_pending, correlation, created_at, episode,
  coalesce(due_at, 0), coalesce(deliver_at, 0), turn_fence, failures, restarts, lane_fence, lane_lease
from conversations where id = (select conversation_id from deliveries where id = $1) for no key update

-- name: conversation_insert
insert into conversations (id, inbox, channel, thread, contact_id, contact_name, holder, created_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)

-- name: conversation_update
update conversations set contact_name = $2, address_to = $3, address_thread = $4, holder = $5, reason = $6, held_until = $7,
  epoch = $8, status = $9, status_at = $10, revision = $11, last_at = $12, first_pending = $13, correlation = $14,
  due_at = nullif($15::bigint, 0), deliver_at = nullif($16::bigint, 0), episode = $17, changed_at = $18
where id = $1

-- name: ids_draw
-- for people and conversations that are new, so that what needs their ids can travel with them
select nextval(pg_get_serial_sequence('contacts', 'id')), nextval(pg_get_serial_sequence('conversations', 'id')) from generate_series(1, $1)

-- name: conversations_update
-- many at once: see conversation_update
update conversations c set contact_name = v.contact_name, address_to = v.address_to, address_thread = v.address_thread, holder = v.holder, reason = v.reason, held_until = v.held_until,
  epoch = v.epoch, status = v.status, status_at = v.status_at, revision = v.revision, last_at = v.last_at, first_pending = v.first_pending, correlation = v.correlation,
  due_at = nullif(v.due_at, 0), deliver_at = nullif(v.deliver_at, 0), episode = v.episode, changed_at = v.changed_at
from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::text[], $10::bigint[], $11::bigint[], $12::bigint[], $13::bigint[],
  $14::text[], $15::bigint[], $16::bigint[], $17::bigint[], $18::bigint[]) as v (id, contact_name, address_to, address_thread, holder, reason, held_until, epoch, status, status_at, revision, last_at, first_pending,
  correlation, due_at, deliver_at, episode, changed_at)
where c.id = v.id

-- name: contact_insert
insert into contacts (id, inbox, name, created_at) values ($1, $2, $3, $4)

-- name: contact_rename
update contacts set name = $2 where id = $1

-- name: identity_insert
insert into identities (inbox, kind, value, contact_id, token) values ($1, $2, $3, $4, $5)

-- name: identity_move
-- from the contact that it was seen to belong to
update identities set contact_id = $4 where inbox = $1 and kind = $2 and value = $3 and contact_id = $5

-- name: inbox_self
select self_id from inboxes where name = $1

-- name: inbox_selves
select name, self_id from inboxes

-- name: inbox_learn
insert into inboxes (name, self_id) values ($1, $2)
on conflict (name) do update set self_id = excluded.self_id where inboxes.self_id <> excluded.self_id

-- name: message_by_identity
select id, conversation_id, pending, author, revoked from messages where identity = $1

-- name: message_insert
-- no "on conflict": what somebody else has just stored must break this transaction, because
-- its commit may already be on its way
insert into messages (conversation_id, author, kind, text, extra, key, identity, delivery_id, said_at, at, pending)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning id

-- name: messages_insert
-- many at once: see message_insert
insert into messages (conversation_id, author, kind, text, extra, key, identity, said_at, at, pending)
select * from unnest($1::bigint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bytea[], $8::bigint[], $9::bigint[], $10::boolean[])
returning id, identity

-- name: message_edit
-- no row: it reads like that already
update messages set kind = $2, text = $3, extra = $4
where id = $1 and (kind <> $2 or text <> $3 or coalesce(extra, '') <> coalesce($4::text, ''))

-- name: message_revoke
update messages set revoked = true, pending = false where id = $1

-- name: message_last_said
-- the last things said, newest first, to tell a repeat without an id from a new utterance
select id, author, kind, text, coalesce(extra, ''), at, key from messages where conversation_id = $1 and kind <> 'result' order by id desc limit 8

-- name: message_confirm
update messages set key = $2, identity = $3 where delivery_id = $1 and identity is null

-- name: messages_settle
-- nobody will answer these any more: a person has the conversation
update messages set pending = false where conversation_id = $1 and pending

-- name: messages_answer
update messages set pending = false, turn_id = $2 where conversation_id = $1 and pending and id <= $3

-- name: messages_pending
select id, author, kind, text, coalesce(extra, ''), key, coalesce(delivery_id, ''), said_at, at, pending, coalesce(turn_id, 0), revoked
from messages where conversation_id = $1 and pending order by id

-- name: messages_pending_first
select coalesce(min(at), 0) from messages where conversation_id = $1 and pending

-- name: messages_history
-- what was said, newest first; what we decided to say and never could is not history, what
-- may have arrived is: after a hand-back the bot must not say it again
select m.id, m.author, m.kind, m.text, coalesce(m.extra, ''), m.key, coalesce(m.delivery_id, ''), m.said_at, m.at, m.pending, coalesce(m.turn_id, 0), m.revoked
from messages m left join deliveries d on d.id = m.delivery_id
where m.conversation_id = $1 and not m.pending and not m.revoked and (d.status is null or d.status not in ('CANCELLED', 'FAILED_PERMANENT') or d.cause = 'dry run'
  or d.uncertain or d.blind > 0)
order by m.id desc limit $2

-- name: messages_transcript
select id, author, kind, text, coalesce(extra, ''), key, coalesce(delivery_id, ''), said_at, at, pending, coalesce(turn_id, 0), revoked
from messages where conversation_id = $1 order by id desc limit $2

-- name: lane_look_turn
-- is anything due, and when will the next be?
select exists (select 1 from conversations where due_at <= $1 and turn_lease <= $1 and holder = 'bot'),
       (select coalesce(min(due_at), 0) from conversations where due_at > $1)

-- name: lane_look_delivery
select exists (select 1 from conversations where deliver_at <= $1 and lane_lease <= $1),
       (select coalesce(min(deliver_at), 0) from conversations where deliver_at > $1)

-- name: lane_claim_turn
-- materialized, or a plan could run the limit more than once
with due as materialized (
  select id from conversations where due_at <= $1 and turn_lease <= $1 and holder = 'bot' order by due_at limit $3 for no key update skip locked
), claimed as (
  update conversations c set turn_fence = c.turn_fence + 1, turn_lease = $2 from due where c.id = due.id returning c.id, c.turn_fence, c.due_at
)
select id, turn_fence from claimed order by due_at, id

-- name: lane_claim_delivery
with due as materialized (
  select id from conversations where deliver_at <= $1 and lane_lease <= $1 order by deliver_at limit $3 for no key update skip locked
), claimed as (
  update conversations c set lane_fence = c.lane_fence + 1, lane_lease = $2 from due where c.id = due.id returning c.id, c.lane_fence, c.deliver_at
)
select id, lane_fence from claimed order by deliver_at, id

-- name: lane_renew_turn
update conversations set turn_lease = $3 where id = $1 and turn_fence = $2

-- name: lane_renew_delivery
update conversations set lane_lease = $3 where id = $1 and lane_fence = $2

-- name: turn_free
update conversations set turn_lease = 0 where id = $1 and turn_fence = $2

-- name: turn_settle
-- nothing to answer: the lane is free and not due
update conversations set turn_lease = 0, due_at = null, first_pending = 0, failures = 0, restarts = 0 where id = $1

-- name: turn_forget
-- what went wrong before a person had it says nothing of the next turn, nor is anything waited for
update conversations set failures = 0, restarts = 0, wake_at = 0 where id = $1 and (failures > 0 or restarts > 0 or wake_at > 0)

-- name: delivery_opening
select 1 from deliveries where conversation_id = $1 and kind = 'open' and status in ('PENDING', 'FAILED_TEMPORARY') limit 1

-- name: delivery_known
select 1 from deliveries where id = $1

-- name: delivery_giving_back
-- we asked for this conversation ourselves, and nobody has taken it since
select 1 from deliveries where conversation_id = $1 and kind in ('pending', 'take_back') and epoch = $2 and status <> 'CANCELLED' limit 1

-- name: messages_resume
-- what nobody has answered: what was to be said and never could is no answer
update messages set pending = true
where conversation_id = $1 and author = 'customer' and not pending and not revoked and at >= $2
  and id > coalesce((select max(m.id) from messages m left join deliveries d on d.id = m.delivery_id where m.conversation_id = $1 and m.author in ('bot', 'person')
    and (d.status is null or d.status not in ('CANCELLED', 'FAILED_PERMANENT') or d.cause = 'dry run' or d.uncertain or d.blind > 0)), 0)

-- name: turn_release
update conversations set turn_lease = 0, failures = failures + $3::int, due_at = case when due_at is null or $4::bigint = 0 then due_at else $4::bigint end
where id = $1 and turn_fence = $2

-- name: turn_begin
-- restarts counts beginnings since the last decision; the fence moves, so that a second run
-- of the same job can neither think beside the first nor free the lane
update conversations set turn_fence = turn_fence + 1, turn_lease = $2, restarts = restarts + 1 where id = $1

-- name: turn_insert
insert into turns (conversation_id, outcome, reason, model, input_tokens, cached_tokens, output_tokens, model_ms, started_at, decided_at, correlation)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) returning id

-- name: turn_done
-- the fence moves, so that a second run of the same job cannot decide once more
update conversations set turn_fence = turn_fence + 1, turn_lease = 0, failures = 0, restarts = 0, wake_at = $2 where id = $1

-- name: turn_wake
select wake_at from conversations where id = $1

-- name: delivery_insert
insert into deliveries (id, conversation_id, turn_id, kind, body, fingerprint, status, epoch, correlation, created_at, accepted_at, next_at, farewell)
values ($1, $2, $3, $4, $5, $6, 'PENDING', $7, $8, $9, $10, $11, $12)

-- name: delivery_claim
update conversations set lane_fence = lane_fence + 1, lane_lease = $2 where id = $1 returning lane_fence

-- name: delivery_wake
update conversations set deliver_at = $2 where id = $1 and (deliver_at is null or deliver_at > $2)

-- name: delivery_park
update conversations set lane_lease = 0, deliver_at = nullif($2::bigint, 0) where id = $1

-- name: delivery_head
-- a workflow that waits for another try holds nobody up;
-- and: is there more to be said after it, and does the customer want none of it
select d.seq, d.id, d.conversation_id, c.inbox, c.channel, c.address_to, c.address_thread, d.turn_id, d.kind, d.body, d.status, d.in_flight, d.attempts, d.base,
  d.uncertain, d.blind, d.forced, d.epoch, d.cause, d.http_status, d.key, d.correlation, d.created_at, d.accepted_at, d.first_at, d.next_at, d.done_at,
  coalesce((select m.key from messages m where d.turn_id > 0 and m.conversation_id = d.conversation_id and m.turn_id = d.turn_id and m.author = 'customer' order by m.id desc limit 1), ''),
  exists (select 1 from deliveries n where n.conversation_id = d.conversation_id and n.seq > d.seq and n.status in ('PENDING', 'FAILED_TEMPORARY') and n.kind = 'say'),
  not d.farewell and (exists (select 1 from identities i join opt_outs o on o.inbox = i.inbox and o.kind = i.kind and o.value = i.token where i.contact_id = c.contact_id)
    or exists (select 1 from opt_outs o where o.inbox = c.inbox and o.kind = 'contact' and o.value = cast(c.contact_id as text)))
from deliveries d join conversations c on c.id = d.conversation_id
where d.conversation_id = $1 and d.status in ('PENDING', 'FAILED_TEMPORARY') order by d.kind = 'workflow' and not d.in_flight and d.next_at > $2, d.seq limit 1

-- name: delivery_by_id
select d.seq, d.id, d.conversation_id, c.inbox, c.channel, c.address_to, c.address_thread, d.turn_id, d.kind, d.body, d.status, d.in_flight, d.attempts, d.base,
  d.uncertain, d.blind, d.forced, d.epoch, d.cause, d.http_status, d.key, d.correlation, d.created_at, d.accepted_at, d.first_at, d.next_at, d.done_at,
  coalesce((select m.key from messages m where d.turn_id > 0 and m.conversation_id = d.conversation_id and m.turn_id = d.turn_id and m.author = 'customer' order by m.id desc limit 1), '')
from deliveries d join conversations c on c.id = d.conversation_id where d.id = $1

-- name: delivery_list
select d.seq, d.id, d.conversation_id, c.inbox, c.channel, c.address_to, c.address_thread, d.turn_id, d.kind, d.body, d.status, d.in_flight, d.attempts, d.base,
  d.uncertain, d.blind, d.forced, d.epoch, d.cause, d.http_status, d.key, d.correlation, d.created_at, d.accepted_at, d.first_at, d.next_at, d.done_at,
  coalesce((select m.key from messages m where d.turn_id > 0 and m.conversation_id = d.conversation_id and m.turn_id = d.turn_id and m.author = 'customer' order by m.id desc limit 1), '')
from deliveries d join conversations c on c.id = d.conversation_id
where ($1::text = '' or d.status = $1) and ($2::text = '' or c.inbox = $2) and ($3::bigint = 0 or d.conversation_id = $3) and ($4::text = '' or d.id = $4)
order by d.seq desc limit $5

-- name: delivery_interrupted
update deliveries set in_flight = false, uncertain = true, cause = 'interrupted', next_at = $2 where seq = $1

-- name: delivery_begin
update deliveries set in_flight = true, attempts = attempts + 1, first_at = case when first_at = 0 then $2 else first_at end where seq = $1

-- name: delivery_cancel
update deliveries set status = 'CANCELLED', in_flight = false, cause = $2, done_at = $3 where seq = $1

-- name: delivery_cancel_says
-- what an operator asked for survives a takeover, but not the death of what comes before it
update deliveries set status = 'CANCELLED', cause = $2, blocked_by = $3, done_at = $4
where conversation_id = $1 and kind = 'say' and status in ('PENDING', 'FAILED_TEMPORARY') and not in_flight and (not forced or $3 <> '')

-- name: delivery_sent
-- whoever says so, unless the channel has already said that it never arrived
update deliveries set status = 'SENT', in_flight = false, uncertain = false, cause = '', http_status = $2, key = case when $3 = '' then key else $3 end, done_at = $4
where seq = $1 and status <> 'SENT' and not (status = 'FAILED_PERMANENT' and cause = 'not delivered by the channel')

-- name: delivery_retry
update deliveries set status = 'FAILED_TEMPORARY', in_flight = false, uncertain = $2, cause = $3, http_status = $4, next_at = $5 where seq = $1

-- name: delivery_settled
update deliveries set in_flight = false, uncertain = false, blind = blind + $2::int, next_at = $3 where seq = $1

-- name: delivery_failed
update deliveries set status = 'FAILED_PERMANENT', in_flight = false, cause = $2, http_status = $3, done_at = $4 where seq = $1

-- name: delivery_opted_out
-- what is for people stays: notes, labels, and the status that shows it to them
update deliveries set status = 'CANCELLED', cause = 'opted out', done_at = $2
where conversation_id in (select o.id from conversations c join conversations o on o.contact_id = c.contact_id where c.id = $1)
  and kind in ('say', 'assign', 'workflow') and status in ('PENDING', 'FAILED_TEMPORARY') and not in_flight

-- name: pauses_end
-- a pause is for somebody who waits, not for somebody who has just written
update deliveries set next_at = $2
where conversation_id = $1 and status in ('PENDING', 'FAILED_TEMPORARY') and attempts = 0 and next_at > $2 and kind <> 'take_back'

-- name: firing_insert
-- no row: the same was started already, unless that was called off before it began
insert into firings as f (conversation_id, workflow, key, delivery_id, at) values ($1, $2, $3, $4, $5)
on conflict (conversation_id, workflow, key) do update set delivery_id = excluded.delivery_id, at = excluded.at
where exists (select 1 from deliveries d where d.id = f.delivery_id and d.status = 'CANCELLED' and d.attempts = 0)

-- name: firings_of
select f.workflow, f.key, f.delivery_id, f.at, coalesce(d.status, '')
from firings f left join deliveries d on d.id = f.delivery_id where f.conversation_id = $1 order by f.at, d.seq

-- name: turn_memory
select coalesce(m.body, ''), coalesce(p.body, ''),
  exists (select 1 from identities i join opt_outs o on o.inbox = i.inbox and o.kind = i.kind and o.value = i.token where i.contact_id = c.contact_id)
    or exists (select 1 from opt_outs o where o.inbox = c.inbox and o.kind = 'contact' and o.value = cast(c.contact_id as text))
from conversations c left join memories m on m.conversation_id = c.id left join profiles p on p.contact_id = c.contact_id where c.id = $1

-- name: memory_keep
insert into memories (conversation_id, body) values ($1, $2) on conflict (conversation_id) do update set body = excluded.body

-- name: profile_keep
insert into profiles (contact_id, body) values ($1, $2) on conflict (contact_id) do update set body = excluded.body

-- name: lead_keep
insert into leads (conversation_id, desk, contact_name, state, score, max_score, score_table, body, updated_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
on conflict (conversation_id) do update set desk = excluded.desk, contact_name = excluded.contact_name, state = excluded.state, score = excluded.score,
  max_score = excluded.max_score, score_table = excluded.score_table, body = excluded.body, updated_at = excluded.updated_at

-- name: lead_list
select l.conversation_id, c.inbox, l.desk, coalesce(nullif(l.contact_name, ''), c.contact_name), l.state, l.score, l.max_score, l.score_table, l.body, l.updated_at
from leads l join conversations c on c.id = l.conversation_id
where ($1::text = '' or c.inbox = $1) and ($2::text = '' or l.desk = $2) and ($3::text = '' or l.state = $3) and ($4::bigint = 0 or l.conversation_id = $4)
order by l.updated_at desc, l.conversation_id desc limit $5

-- name: conversation_list
select id, inbox, channel, thread, contact_id, contact_name, address_to, address_thread, holder, reason, held_until, epoch, status, status_at, revision, last_at, first_pending, correlation, created_at, episode,
  coalesce(due_at, 0), coalesce(deliver_at, 0), turn_fence, failures, restarts, lane_fence, lane_lease
from conversations where ($1::text = '' or inbox = $1) and ($2::text = '' or holder = $2)
order by case when changed_at > 0 then changed_at else created_at end desc, id desc limit $3

-- name: opt_out_insert
-- all ids of the conversation's contact, and the contact itself
insert into opt_outs (inbox, kind, value, at, conversation_id)
select i.inbox, i.kind, i.token, $2::bigint, c.id from conversations c join identities i on i.contact_id = c.contact_id where c.id = $1 and i.token <> ''
union all
select c.inbox, 'contact', cast(c.contact_id as text), $2::bigint, c.id from conversations c where c.id = $1
on conflict (inbox, kind, value) do nothing

-- name: opt_out_of_thread
-- $2 is the keyed hash of the thread of somebody without ids, who wanted none and was erased
insert into opt_outs (inbox, kind, value, at, conversation_id)
select c.inbox, 'contact', cast(c.contact_id as text), o.at, o.conversation_id from conversations c join opt_outs o on o.inbox = c.inbox and o.kind = 'thread' and o.value = $2 where c.id = $1
on conflict (inbox, kind, value) do nothing

-- name: opt_out_delete
-- all that was recorded of this person, wherever they said so
delete from opt_outs where conversation_id in (
  select o.conversation_id from conversations c join identities i on i.contact_id = c.contact_id join opt_outs o on o.inbox = i.inbox and o.kind = i.kind and o.value = i.token where c.id = $1
  union
  select o.conversation_id from conversations c join opt_outs o on o.inbox = c.inbox and o.kind = 'contact' and o.value = cast(c.contact_id as text) where c.id = $1)

-- name: opt_out_spread
-- who turns out to be somebody that wants no more messages wants none by any id; $2 is the
-- contact that an id was taken from, 0 for none
insert into opt_outs (inbox, kind, value, at, conversation_id)
select i.inbox, i.kind, i.token, s.at, s.conversation_id
from (select o.at, o.conversation_id from identities i join opt_outs o on o.inbox = i.inbox and o.kind = i.kind and o.value = i.token where i.contact_id = $1
      union all
      select o.at, o.conversation_id from identities i join opt_outs o on o.inbox = i.inbox and o.kind = 'contact' and o.value in (cast($1::bigint as text), cast($2::bigint as text)) where i.contact_id = $1
      order by at limit 1) s, identities i where i.contact_id = $1 and i.token <> ''
on conflict (inbox, kind, value) do nothing

-- name: conversations_follow
-- a contact without an id left is the one that has them now
update conversations set contact_id = $2 where contact_id = $1 and not exists (select 1 from identities where contact_id = $1)

-- name: profile_follow
-- and what is known of the person, where nothing is known of the other
update profiles set contact_id = $2
where contact_id = $1 and not exists (select 1 from identities where contact_id = $1) and not exists (select 1 from profiles where contact_id = $2)

-- name: profile_drop
delete from profiles where contact_id = $1 and not exists (select 1 from identities where contact_id = $1) and not exists (select 1 from conversations where contact_id = $1)

-- name: contact_drop
-- who has neither ids nor conversations left
delete from contacts where id = $1 and not exists (select 1 from identities where contact_id = $1) and not exists (select 1 from conversations where contact_id = $1)

-- name: delivery_echoes
-- says under way or recently ended whose echo has not come, oldest first; each blind repeat may have one more
select seq, id, fingerprint from deliveries
where conversation_id = $1 and fingerprint is not null and echoed <= blind and (done_at = 0 or done_at >= $2)
  and (status = 'SENT' or attempts > 0) order by seq

-- name: delivery_echoed
update deliveries set echoed = echoed + 1 where seq = $1

-- name: delivery_replay
update deliveries set status = 'PENDING', forced = true, in_flight = false, base = attempts, blind = 0, echoed = 0, next_at = 0, done_at = 0, blocked_by = '' where seq = $1

-- name: delivery_replay_blocked
update deliveries set status = 'PENDING', forced = true, base = attempts, next_at = 0, done_at = 0, blocked_by = ''
where blocked_by = $1 and blocked_by <> '' and status = 'CANCELLED'

-- name: attempt_begin
insert into attempts (delivery_seq, number, started_at) values ($1, $2, $3)

-- name: attempt_end
update attempts set ended_at = $3, outcome = $4, http_status = $5, cause = $6 where delivery_seq = $1 and number = $2 and ended_at = 0

-- name: worker_beat
insert into workers (id, at, role, version, parts) values ($1, $2, $3, $4, $5)
  on conflict (id) do update set at = excluded.at, role = excluded.role, version = excluded.version, parts = excluded.parts

-- name: worker_leave
delete from workers where id = $1

-- name: worker_list
select id, at, role, version, parts from workers where at >= $1 order by id

-- name: worker_forget
delete from workers where at < $1

-- name: worker_count
select count(*), coalesce(max(at), 0) from workers where at >= $1 and role <> 'web'

-- name: backlog
select (select count(*) from conversations where due_at <= $1 and holder = 'bot'),
       (select count(*) from deliveries where status in ('PENDING', 'FAILED_TEMPORARY'))

-- name: oldest
select coalesce((select due_at from conversations where due_at <= $1 and holder = 'bot' order by due_at limit 1), 0),
       coalesce((select deliver_at from conversations where deliver_at <= $1 order by deliver_at limit 1), 0)

-- name: census
-- conversations_held is only taken where its own words are said
select (select count(*) from conversations),
       (select count(*) from conversations where holder <> 'bot' and holder = 'human' and (held_until = 0 or held_until > $1)),
       (select count(*) from conversations where holder <> 'bot' and holder = 'closed'),
       (select count(distinct conversation_id) from opt_outs)

-- name: house_find
select id from house_versions where desk = $1 and version = $2

-- name: house_put
-- whoever is second waits for the first, and finds the work done
insert into house_versions as h (desk, version, used_at) values ($1, $2, $3)
on conflict (desk, version) do update set used_at = greatest(h.used_at, excluded.used_at) returning id, xmax = 0

-- name: house_drop_unused
delete from house_versions where desk = $1 and version <> $2 and used_at < $3

-- name: house_passages_insert
insert into house_passages (house, key, kind, title, text, source, terms, found)
select $1, p.key, p.kind, p.title, p.text, p.source, p.terms, p.found::tsvector
from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[]) as p (key, kind, title, text, source, terms, found)

-- name: house_search
select key, kind, title, text, source, terms, ts_rank(found, $2::text::tsquery)::float8 as rank from house_passages
where house = $1 and found @@ $2::text::tsquery order by rank desc, key limit $3

-- name: ledger_reserve
insert into budget_reservations (id, lines, amount, at) values ($1, $2, $3, $4) on conflict do nothing

-- name: ledger_settle
delete from budget_reservations where id = $1 returning lines, amount

-- name: ledger_lines_insert
-- in the order of the keys, as they are locked: whoever is second waits at the first
insert into budget_lines (key, spent, expires_at)
select w.key, 0, w.expires_at from unnest($1::text[], $2::bigint[]) with ordinality as w (key, expires_at, n) order by w.n
on conflict do nothing

-- name: ledger_lines_lock
select key, spent from budget_lines where key = any ($1::text[]) order by key for no key update

-- name: ledger_lines_update
update budget_lines l set spent = w.spent from unnest($1::text[], $2::bigint[]) as w (key, spent) where l.key = w.key

-- name: ledger_lines
select key, spent from budget_lines where key = any ($1::text[])

-- name: ledger_lines_expire
delete from budget_lines where key in (select key from budget_lines where expires_at > 0 and expires_at <= $1 limit 1000 for update skip locked)

-- name: ledger_reservations_expire
delete from budget_reservations where at < $1
