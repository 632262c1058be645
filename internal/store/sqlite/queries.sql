-- One text per query, prepared once. $1, $2 … are numbered, so that the same text can run
-- on PostgreSQL. Conversation columns stand in one order everywhere: see scanConversation.

-- name: conversation_by_thread
select id, inbox, channel, thread, contact_id, contact_name, address_to, address_thread, holder, reason, held_until, epoch, status, status_at, revision, last_at, first_pending, correlation, created_at, coalesce(due_at, 0), coalesce(deliver_at, 0)
from conversations where inbox = $1 and thread = $2

-- name: conversation_by_identity
select c.id, c.inbox, c.channel, c.thread, c.contact_id, c.contact_name, c.address_to, c.address_thread, c.holder, c.reason, c.held_until, c.epoch, c.status, c.status_at, c.revision, c.last_at, c.first_pending, c.correlation, c.created_at, coalesce(c.due_at, 0), coalesce(c.deliver_at, 0)
from identities i join conversations c on c.inbox = i.inbox and c.thread = 'contact:' || i.contact_id
where i.inbox = $1 and i.kind = $2 and i.value = $3

-- name: conversation_by_id
select id, inbox, channel, thread, contact_id, contact_name, address_to, address_thread, holder, reason, held_until, epoch, status, status_at, revision, last_at, first_pending, correlation, created_at, coalesce(due_at, 0), coalesce(deliver_at, 0)
from conversations where id = $1

-- name: conversation_insert
insert into conversations (inbox, channel, thread, contact_id, contact_name, holder, created_at)
values ($1, $2, $3, $4, $5, $6, $7) returning id

-- name: conversation_update
update conversations set contact_name = $2, address_to = $3, address_thread = $4, holder = $5, reason = $6, held_until = $7,
  epoch = $8, status = $9, status_at = $10, revision = $11, last_at = $12, first_pending = $13, correlation = $14,
  due_at = nullif($15, 0), deliver_at = nullif($16, 0)
where id = $1

-- name: contact_insert
insert into contacts (inbox, name, created_at) values ($1, $2, $3) returning id

-- name: contact_rename
update contacts set name = $2 where id = $1

-- name: contact_by_identity
select contact_id from identities where inbox = $1 and kind = $2 and value = $3

-- name: identity_upsert
insert into identities (inbox, kind, value, contact_id) values ($1, $2, $3, $4)
on conflict (inbox, kind, value) do update set contact_id = excluded.contact_id where contact_id <> excluded.contact_id

-- name: inbox_self
select self_id from inboxes where name = $1

-- name: inbox_learn
insert into inboxes (name, self_id) values ($1, $2)
on conflict (name) do update set self_id = excluded.self_id where self_id <> excluded.self_id

-- name: message_by_identity
select id, conversation_id, pending, author, revoked from messages where identity = $1

-- name: message_known
select id, conversation_id from messages where identity = $1

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
select id, author, kind, text, coalesce(extra, ''), at, key from messages where conversation_id = $1 order by id desc limit 8

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
-- what went wrong before a person had it says nothing of the next turn
update conversations set failures = 0, restarts = 0 where id = $1 and (failures > 0 or restarts > 0)

-- name: delivery_opening
select 1 from deliveries where conversation_id = $1 and kind = 'open' and status in ('PENDING', 'FAILED_TEMPORARY') limit 1

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
update conversations set turn_fence = turn_fence + 1, turn_lease = 0, failures = 0, restarts = 0 where id = $1

-- name: delivery_insert
insert into deliveries (id, conversation_id, turn_id, kind, body, fingerprint, status, epoch, correlation, created_at, accepted_at)
values ($1, $2, $3, $4, $5, $6, 'PENDING', $7, $8, $9, $10)

-- name: delivery_claim
update conversations set lane_fence = lane_fence + 1, lane_lease = $2 where id = $1 returning lane_fence

-- name: delivery_wake
update conversations set deliver_at = $2 where id = $1 and (deliver_at is null or deliver_at > $2)

-- name: delivery_park
update conversations set lane_lease = 0, deliver_at = nullif($2, 0) where id = $1

-- name: delivery_lane
select lane_fence, holder, epoch from conversations where id = $1

-- name: delivery_head
select d.seq, d.id, d.conversation_id, c.inbox, c.channel, c.address_to, c.address_thread, d.turn_id, d.kind, d.body, d.status, d.in_flight, d.attempts, d.base,
  d.uncertain, d.blind, d.forced, d.epoch, d.cause, d.http_status, d.key, d.correlation, d.created_at, d.accepted_at, d.first_at, d.next_at, d.done_at,
  coalesce((select m.key from messages m where d.turn_id > 0 and m.conversation_id = d.conversation_id and m.turn_id = d.turn_id order by m.id desc limit 1), '')
from deliveries d join conversations c on c.id = d.conversation_id
where d.conversation_id = $1 and d.status in ('PENDING', 'FAILED_TEMPORARY') order by d.seq limit 1

-- name: delivery_by_id
select d.seq, d.id, d.conversation_id, c.inbox, c.channel, c.address_to, c.address_thread, d.turn_id, d.kind, d.body, d.status, d.in_flight, d.attempts, d.base,
  d.uncertain, d.blind, d.forced, d.epoch, d.cause, d.http_status, d.key, d.correlation, d.created_at, d.accepted_at, d.first_at, d.next_at, d.done_at,
  coalesce((select m.key from messages m where d.turn_id > 0 and m.conversation_id = d.conversation_id and m.turn_id = d.turn_id order by m.id desc limit 1), '')
from deliveries d join conversations c on c.id = d.conversation_id where d.id = $1

-- name: delivery_list
select d.seq, d.id, d.conversation_id, c.inbox, c.channel, c.address_to, c.address_thread, d.turn_id, d.kind, d.body, d.status, d.in_flight, d.attempts, d.base,
  d.uncertain, d.blind, d.forced, d.epoch, d.cause, d.http_status, d.key, d.correlation, d.created_at, d.accepted_at, d.first_at, d.next_at, d.done_at,
  coalesce((select m.key from messages m where d.turn_id > 0 and m.conversation_id = d.conversation_id and m.turn_id = d.turn_id order by m.id desc limit 1), '')
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
insert into workers (id, at) values ($1, $2) on conflict (id) do update set at = excluded.at

-- name: worker_forget
delete from workers where at < $1

-- name: worker_count
select count(*), coalesce(max(at), 0) from workers where at >= $1

-- name: backlog
select (select count(*) from conversations where due_at <= $1 and holder = 'bot'),
       (select count(*) from deliveries where status in ('PENDING', 'FAILED_TEMPORARY'))
