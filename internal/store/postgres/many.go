package postgres

import (
	"github.com/jackc/pgx/v5"

	"secretaria/internal/conversation"
)

// message is a message_insert that is queued.
type message struct {
	args []any
	id   *conversation.MessageID
}

// messages are several of them as columns, for one statement: the server spends more on
// each statement than on each row.
type messages struct {
	conversation            []int64
	author, kind, text, key []string
	extra                   []*string
	identity                [][]byte
	said, at                []int64
	pending                 []bool
	ids                     map[string]*conversation.MessageID // by identity
}

func (m *messages) add(one *message) {
	a := one.args
	identity := a[6].([]byte)
	var extra *string
	if s, ok := a[4].(string); ok {
		extra = &s
	}
	m.conversation, m.author, m.kind = append(m.conversation, a[0].(int64)), append(m.author, a[1].(string)), append(m.kind, a[2].(string))
	m.text, m.extra, m.key = append(m.text, a[3].(string)), append(m.extra, extra), append(m.key, a[5].(string))
	m.identity, m.said, m.at, m.pending = append(m.identity, identity), append(m.said, a[8].(int64)), append(m.at, a[9].(int64)), append(m.pending, a[10].(bool))
	if m.ids == nil {
		m.ids = map[string]*conversation.MessageID{}
	}
	m.ids[string(identity)] = one.id
}

// insert queues messages, each with an identity of its own, and forgets them.
func (q *session) insert(m *messages) {
	if len(m.conversation) == 0 {
		return
	}
	ids := m.ids
	each(q.later("messages_insert", m.conversation, m.author, m.kind, m.text, m.extra, m.key, m.identity, m.said, m.at, m.pending), func(rows pgx.Rows) error {
		var id conversation.MessageID
		var identity []byte
		err := rows.Scan(&id, &identity)
		if to := ids[string(identity)]; to != nil {
			*to = id
		}
		return err
	})
	*m = messages{}
}

// saveAll queues the writing of the conversations that have changed.
func (q *session) saveAll(conversations map[place]*held) {
	var columns []any
	for _, c := range conversations {
		if !c.dirty {
			continue
		}
		values := c.Update()
		if columns == nil {
			columns = make([]any, len(values))
		}
		for i, v := range values {
			switch v := v.(type) {
			case int64:
				column, _ := columns[i].([]int64)
				columns[i] = append(column, v)
			case string:
				column, _ := columns[i].([]string)
				columns[i] = append(column, v)
			}
		}
	}
	if columns != nil {
		q.later("conversations_update", columns...)
	}
}
