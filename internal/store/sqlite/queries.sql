-- One text per query, prepared once. $1, $2 … are numbered, so that the same text can run
-- on PostgreSQL. Conversation columns stand in one order everywhere: see scanConversation.

-- name: conversation_by_thread
select id, inbox, channel, thread, contact_id, contact_name, address_to, address_thread, holder, reason, held_until, epoch, status, status_at, revision, last_at, first_pending, correlation, created_at, episode, coalesce(due_at, 0), coalesce(deliver_at, 0)
from conversations where inbox = $1 and thread = $2

-- name: conversation_by_identity
select c.id, c.inbox, c.channel, c.thread, c.contact_id, c.contact_name, c.address_to, c.address_thread, c.holder, c.reason, c.held_until, c.epoch, c.status, c.status_at, c.revision, c.last_at, c.first_pending, c.correlation, c.created_at, c.episode, coalesce(c.due_at, 0), coalesce(c.deliver_at, 0)
from identities i join conversations c on c.inbox = i.inbox and c.thread = 'contact:' || i.contact_id
where i.inbox = $1 and i.kind = $2 and i.value = $3

-- name: conversation_by_id
select id, inbox, channel, thread, contact_id, contact_name, address_to, address_thread, holder, reason, held_until, epoch, status, status_at, revision, last_at, first_pending, correlation, created_at, episode, coalesce(due_at, 0), coalesce(deliver_at, 0)
from conversations where id = $1

-- name: conversation_insert
insert into conversations (inbox, channel, thread, contact_id, contact_name, holder, created_at)
values ($1, $2, $3, $4, $5, $6, $7) returning id

-- name: conversation_update
update conversations set contact_name = $2, address_to = $3, address_thread = $4, holder = $5, reason = $6, held_until = $7,
  epoch = $8, status = $9, status_at = $10, revision = $11, last_at = $12, first_pending = $13, correlation = $14,
  due_at = nullif($15, 0), deliver_at = nullif($16, 0), episode = $17, changed_at = $18
where id = $1

-- name: contact_insert
insert into contacts (inbox, name, created_at) values ($1, $2, $3) returning id

-- name: contact_rename
update contacts set name = $2 where id = $1

-- name: contact_by_identity
select contact_id from identities where inbox = $1 and kind = $2 and value = $3

-- name: identity_insert
insert into identities (inbox, kind, value, contact_id, token) values ($1, $2, $3, $4, $5)

-- name: identity_move
update identities set contact_id = $4 where inbox = $1 and kind = $2 and value = $3

-- name: inbox_self
select self_id from inboxes where name = $1

-- name: inbox_learn
insert into inboxes (name, self_id) values ($1, $2)
on conflict (name) do update set self_id = excluded.self_id where self_id <> excluded.self_id

-- name: message_by_identity
select id, conversation_id, pending, author, revoked from messages where identity = $1

-- name: message_known
-- one that is gone, known by its keyed hash, belongs to no conversation
select id, conversation_id from messages where identity = $1
union all
select 0, 0 from forgotten where token = $2

-- name: message_insert
insert into messages (conversation_id, author, kind, text, extra, key, identity, delivery_id, said_at, at, pending)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)

-- name: message_edit
-- no row: it reads like that already
update messages set kind = $2, text = $3, extra = $4
where id = $1 and (kind <> $2 or text <> $3 or coalesce(extra, '') <> coalesce($4, ''))

-- name: message_revoke
update messages set revoked = 1, pending = 0 where id = $1

-- name: message_last_said
-- the last things said, newest first, to tell a repeat without an id from a new utterance
select id, author, kind, text, coalesce(extra, ''), at, key from messages where conversation_id = $1 and kind <> 'result' order by id desc limit 8

-- name: message_confirm
update messages set key = $2, identity = $3 where delivery_id = $1 and identity is null

-- name: messages_settle
-- nobody will answer these any more: a person has the conversation
update messages set pending = 0 where conversation_id = $1 and pending = 1

-- name: messages_answer
update messages set pending = 0, turn_id = $2 where conversation_id = $1 and pending = 1 and id <= $3

-- name: messages_pending
select id, author, kind, text, coalesce(extra, ''), key, coalesce(delivery_id, ''), said_at, at, pending, coalesce(turn_id, 0), revoked
from messages where conversation_id = $1 and pending = 1 order by id

-- name: messages_pending_first
select coalesce(min(at), 0) from messages where conversation_id = $1 and pending = 1

-- name: messages_history
-- what was said, newest first; what we decided to say and never could is not history, what
-- may have arrived is: after a hand-back the bot must not say it again
select m.id, m.author, m.kind, m.text, coalesce(m.extra, ''), m.key, coalesce(m.delivery_id, ''), m.said_at, m.at, m.pending, coalesce(m.turn_id, 0), m.revoked
from messages m left join deliveries d on d.id = m.delivery_id
where m.conversation_id = $1 and m.pending = 0 and m.revoked = 0 and (d.status is null or d.status not in ('CANCELLED', 'FAILED_PERMANENT') or d.cause = 'dry run'
  or d.uncertain = 1 or d.blind > 0)
order by m.id desc limit $2

-- name: messages_transcript
select id, author, kind, text, coalesce(extra, ''), key, coalesce(delivery_id, ''), said_at, at, pending, coalesce(turn_id, 0), revoked
from messages where conversation_id = $1 order by id desc limit $2

-- name: lane_due_turn
select 1 from conversations where due_at <= $1 and turn_lease <= $1 and holder = 'bot' limit 1

-- name: lane_due_delivery
select 1 from conversations where deliver_at <= $1 and lane_lease <= $1 limit 1

-- name: lane_claim_turn
update conversations set turn_fence = turn_fence + 1, turn_lease = $2
where id in (select id from conversations where due_at <= $1 and turn_lease <= $1 and holder = 'bot' order by due_at limit $3)
returning id, turn_fence

-- name: lane_claim_delivery
update conversations set lane_fence = lane_fence + 1, lane_lease = $2
where id in (select id from conversations where deliver_at <= $1 and lane_lease <= $1 order by deliver_at limit $3)
returning id, lane_fence

-- name: lane_next_turn
select coalesce(min(due_at), 0) from conversations where due_at > $1

-- name: lane_next_delivery
select coalesce(min(deliver_at), 0) from conversations where deliver_at > $1

-- name: lane_renew_turn
update conversations set turn_lease = $3 where id = $1 and turn_fence = $2

-- name: lane_renew_delivery
update conversations set lane_lease = $3 where id = $1 and lane_fence = $2

-- name: lane_recover
update conversations set turn_lease = 0, lane_lease = 0 where turn_lease > 0 or lane_lease > 0

-- name: turn_state
select turn_fence, failures, restarts, lane_fence, lane_lease from conversations where id = $1

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
update messages set pending = 1
where conversation_id = $1 and author = 'customer' and pending = 0 and revoked = 0 and at >= $2
  and id > coalesce((select max(m.id) from messages m left join deliveries d on d.id = m.delivery_id where m.conversation_id = $1 and m.author in ('bot', 'person')
    and (d.status is null or d.status not in ('CANCELLED', 'FAILED_PERMANENT') or d.cause = 'dry run' or d.uncertain = 1 or d.blind > 0)), 0)

-- name: turn_release
update conversations set turn_lease = 0, failures = failures + $3, due_at = case when due_at is null or $4 = 0 then due_at else $4 end
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
update conversations set lane_lease = 0, deliver_at = nullif($2, 0) where id = $1

-- name: delivery_lane
select lane_fence, holder, epoch from conversations where id = $1

-- name: delivery_head
-- a workflow that waits for another try holds nobody up;
-- and: is there more to be said after it, and does the customer want none of it
select d.seq, d.id, d.conversation_id, c.inbox, c.channel, c.address_to, c.address_thread, d.turn_id, d.kind, d.body, d.status, d.in_flight, d.attempts, d.base,
  d.uncertain, d.blind, d.forced, d.epoch, d.cause, d.http_status, d.key, d.correlation, d.created_at, d.accepted_at, d.first_at, d.next_at, d.done_at,
  coalesce((select m.key from messages m where d.turn_id > 0 and m.conversation_id = d.conversation_id and m.turn_id = d.turn_id and m.author = 'customer' order by m.id desc limit 1), ''),
  exists (select 1 from deliveries n where n.conversation_id = d.conversation_id and n.seq > d.seq and n.status in ('PENDING', 'FAILED_TEMPORARY') and n.kind = 'say'),
  d.farewell = 0 and (exists (select 1 from identities i join opt_outs o on o.inbox = i.inbox and o.kind = i.kind and o.value = i.token where i.contact_id = c.contact_id)
    or exists (select 1 from opt_outs o where o.inbox = c.inbox and o.kind = 'contact' and o.value = cast(c.contact_id as text)))
from deliveries d join conversations c on c.id = d.conversation_id
where d.conversation_id = $1 and d.status in ('PENDING', 'FAILED_TEMPORARY') order by d.kind = 'workflow' and d.in_flight = 0 and d.next_at > $2, d.seq limit 1

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
where ($1 = '' or d.status = $1) and ($2 = '' or c.inbox = $2) and ($3 = 0 or d.conversation_id = $3) and ($4 = '' or d.id = $4)
order by d.seq desc limit $5

-- name: delivery_interrupted
update deliveries set in_flight = 0, uncertain = 1, cause = 'interrupted', next_at = $2 where seq = $1

-- name: delivery_begin
update deliveries set in_flight = 1, attempts = attempts + 1, first_at = case when first_at = 0 then $2 else first_at end where seq = $1

-- name: delivery_cancel
update deliveries set status = 'CANCELLED', in_flight = 0, cause = $2, done_at = $3 where seq = $1

-- name: delivery_cancel_says
-- what an operator asked for survives a takeover, but not the death of what comes before it
update deliveries set status = 'CANCELLED', cause = $2, blocked_by = $3, done_at = $4
where conversation_id = $1 and kind = 'say' and status in ('PENDING', 'FAILED_TEMPORARY') and in_flight = 0 and (forced = 0 or $3 <> '')

-- name: delivery_sent
-- whoever says so, unless the channel has already said that it never arrived
update deliveries set status = 'SENT', in_flight = 0, uncertain = 0, cause = '', http_status = $2, key = case when $3 = '' then key else $3 end, done_at = $4
where seq = $1 and status <> 'SENT' and not (status = 'FAILED_PERMANENT' and cause = 'not delivered by the channel')

-- name: delivery_retry
update deliveries set status = 'FAILED_TEMPORARY', in_flight = 0, uncertain = $2, cause = $3, http_status = $4, next_at = $5 where seq = $1

-- name: delivery_settled
update deliveries set in_flight = 0, uncertain = 0, blind = blind + $2, next_at = $3 where seq = $1

-- name: delivery_failed
update deliveries set status = 'FAILED_PERMANENT', in_flight = 0, cause = $2, http_status = $3, done_at = $4 where seq = $1

-- name: delivery_opted_out
-- what is for people stays: notes, labels, and the status that shows it to them
update deliveries set status = 'CANCELLED', cause = 'opted out', done_at = $2
where conversation_id in (select o.id from conversations c join conversations o on o.contact_id = c.contact_id where c.id = $1)
  and kind in ('say', 'assign', 'workflow') and status in ('PENDING', 'FAILED_TEMPORARY') and in_flight = 0

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
where ($1 = '' or c.inbox = $1) and ($2 = '' or l.desk = $2) and ($3 = '' or l.state = $3) and ($4 = 0 or l.conversation_id = $4)
order by l.updated_at desc, l.conversation_id desc limit $5

-- name: conversation_list
select id, inbox, channel, thread, contact_id, contact_name, address_to, address_thread, holder, reason, held_until, epoch, status, status_at, revision, last_at, first_pending, correlation, created_at, episode, coalesce(due_at, 0), coalesce(deliver_at, 0)
from conversations where ($1 = '' or inbox = $1) and ($2 = '' or holder = $2)
order by case when changed_at > 0 then changed_at else created_at end desc, id desc limit $3

-- name: opt_out_insert
-- all ids of the conversation's contact, and the contact itself
insert into opt_outs (inbox, kind, value, at, conversation_id)
select i.inbox, i.kind, i.token, $2, c.id from conversations c join identities i on i.contact_id = c.contact_id where c.id = $1 and i.token <> ''
union all
select c.inbox, 'contact', cast(c.contact_id as text), $2, c.id from conversations c where c.id = $1
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
      select o.at, o.conversation_id from identities i join opt_outs o on o.inbox = i.inbox and o.kind = 'contact' and o.value in (cast($1 as text), cast($2 as text)) where i.contact_id = $1
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
update deliveries set status = 'PENDING', forced = 1, in_flight = 0, base = attempts, blind = 0, echoed = 0, next_at = 0, done_at = 0, blocked_by = '' where seq = $1

-- name: delivery_replay_blocked
update deliveries set status = 'PENDING', forced = 1, base = attempts, next_at = 0, done_at = 0, blocked_by = '' where blocked_by = $1 and blocked_by <> '' and status = 'CANCELLED'

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

-- name: house_use
update house_versions set used_at = max(used_at, $2) where id = $1

-- name: house_insert
insert into house_versions (desk, version, used_at) values ($1, $2, $3) returning id

-- name: house_unused
select id from house_versions where desk = $1 and version <> $2 and used_at < $3

-- name: house_terms_drop
delete from house_terms where rowid in (select id from house_passages where house = $1)

-- name: house_passages_drop
delete from house_passages where house = $1

-- name: house_drop
delete from house_versions where id = $1

-- name: house_passage_insert
insert into house_passages (house, key, kind, title, text, source, terms) values ($1, $2, $3, $4, $5, $6, $7) returning id

-- name: house_terms_insert
insert into house_terms (rowid, terms) values ($1, $2)

-- name: house_search
-- bm25 is the smaller the better; it counts the passages of all houses, which only moves the scale
select p.key, p.kind, p.title, p.text, p.source, p.terms, -bm25(house_terms) from house_terms join house_passages p on p.id = house_terms.rowid
where house_terms match $1 and p.house = $2 order by bm25(house_terms), p.key limit $3

-- name: ledger_reservation
select lines, amount from budget_reservations where id = $1

-- name: ledger_reserve
insert into budget_reservations (id, lines, amount, at) values ($1, $2, $3, $4)

-- name: ledger_settle
delete from budget_reservations where id = $1

-- name: ledger_line
select spent from budget_lines where key = $1

-- name: ledger_line_insert
insert into budget_lines (key, spent, expires_at) values ($1, $2, $3)

-- name: ledger_line_update
update budget_lines set spent = $2 where key = $1

-- name: ledger_lines
select key, spent from budget_lines where key in (select value from json_each($1))

-- name: ledger_lines_expire
delete from budget_lines where expires_at > 0 and expires_at <= $1

-- name: ledger_reservations_expire
delete from budget_reservations where at < $1
