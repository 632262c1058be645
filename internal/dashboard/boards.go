package dashboard

// Boards are all dashboards, in the order in which one looks at them.
func Boards() []Board { return []Board{messages(), requests(), models(), processes()} }

// quantiles are one histogram's p50, p95 and p99.
func quantiles(bucket string) []Query {
	var out []Query
	for _, q := range []struct{ is, name string }{{"0.50", "p50"}, {"0.95", "p95"}, {"0.99", "p99"}} {
		out = append(out, Query{"histogram_quantile(" + q.is + ", sum by (le) (rate(" + bucket + "[auto]))) >= 0", q.name})
	}
	return out
}

// by is a sum of rates by labels.
func by(labels, metric, legend string) []Query {
	return []Query{{"sum by (" + labels + ") (rate(" + metric + "[auto]))", legend}}
}

// day is what was counted in a day, by labels.
func day(labels, metric, legend string) []Query {
	return []Query{{"sum by (" + labels + ") (increase(" + metric + "[1d]))", legend}}
}

func messages() Board {
	return Board{Name: "messages", Title: "Secretaria / Messages", Rows: []Row{
		{"Now", []Panel{
			{Title: "Waiting", About: "Conversations that wait for a turn and deliveries that wait to be sent.", Kind: Stat, Unit: "short", Width: 4,
				Show: []Query{{`max(secretaria_queue_size{})`, ""}}},
			{Title: "Oldest that waits", Kind: Stat, Unit: "s", Width: 4, Show: []Query{{`max by (lane) (secretaria_queue_oldest_age_seconds{})`, "{{lane}}"}}},
			{Title: "With people", About: "Conversations that a person holds.", Kind: Stat, Unit: "short", Width: 4, Show: []Query{{`max(secretaria_conversations{holder="human"})`, ""}}},
			{Title: "Answered in time", About: "Answers that reached the helpdesk within 30 s of the webhook, the quiet window included.", Kind: Stat, Unit: "percentunit", Width: 4,
				Show: []Query{{`sum(rate(secretaria_task_latency_seconds_bucket{kind="delivery",le="30"}[auto])) / sum(rate(secretaria_task_latency_seconds_count{kind="delivery"}[auto])) >= 0`, ""}}},
			{Title: "Given up today", About: "Deliveries that failed for good.", Kind: Stat, Unit: "short", Width: 4, Show: []Query{{`sum(increase(secretaria_deliveries_total{outcome="failed"}[1d]))`, ""}}},
			{Title: "Opted out", Kind: Stat, Unit: "short", Width: 4, Show: []Query{{`max(secretaria_opted_out_contacts{})`, ""}}},
		}},
		{"In", []Panel{
			{Title: "Webhooks by outcome", Unit: "reqps", Width: 12, Show: by("status, reason", `secretaria_webhook_received_total{}`, "{{status}} {{reason}}")},
			{Title: "Acknowledged after", About: "Chatwoot gives up after 5 s.", Unit: "s", Width: 12,
				Show: quantiles(`http_request_duration_seconds_bucket{method="POST",path=~"/webhook/whaticket|/api/v1/webhooks/agentbot"}`)},
		}},
		{"Turns", []Panel{
			{Title: "Turns by outcome", Unit: "ops", Show: by("outcome", `secretaria_turns_total{}`, "{{outcome}}")},
			{Title: "Decided after", About: "From the acknowledged webhook, the quiet window included.", Unit: "s", Show: quantiles(`secretaria_task_latency_seconds_bucket{kind="turn"}`)},
			{Title: "Time of a turn by phase", About: "The mean of each: waited (due to begun), model, decide (all else that the desk does), commit.", Unit: "s",
				Show: []Query{{`sum by (phase) (rate(secretaria_turn_phase_seconds_sum{}[auto])) / (sum by (phase) (rate(secretaria_turn_phase_seconds_count{}[auto])) > 0)`, "{{phase}}"}}},
			{Title: "p95 of each phase", Unit: "s", Show: []Query{{`histogram_quantile(0.95, sum by (le, phase) (rate(secretaria_turn_phase_seconds_bucket{}[auto]))) >= 0`, "{{phase}}"}}},
			{Title: "Waiting by lane", Unit: "short", Show: []Query{{`max by (lane) (secretaria_queue_waiting{})`, "{{lane}}"}}},
			{Title: "Age of the oldest that waits", Unit: "s", Show: []Query{{`max by (lane) (secretaria_queue_oldest_age_seconds{})`, "{{lane}}"}}},
		}},
		{"Out", []Panel{
			{Title: "Deliveries by outcome", Unit: "ops", Show: by("outcome", `secretaria_deliveries_total{}`, "{{outcome}}")},
			{Title: "Deliveries by channel and kind", Unit: "ops", Show: []Query{{`sum by (channel, kind) (rate(secretaria_deliveries_total{outcome="sent"}[auto])) > 0`, "{{channel}} {{kind}}"}}},
			{Title: "Sent after", About: "From the acknowledged webhook to the message at the helpdesk.", Unit: "s", Show: quantiles(`secretaria_task_latency_seconds_bucket{kind="delivery"}`)},
			{Title: "Whaticket answers after", Unit: "s", Show: quantiles(`secretaria_whaticket_latency_seconds_bucket{}`)},
			{Title: "Chatwoot answers after", Unit: "s", Show: quantiles(`secretaria_chatwoot_latency_seconds_bucket{}`)},
			{Title: "Calls to helpdesks that failed", Unit: "ops", Show: []Query{
				{`sum(rate(secretaria_whaticket_errors_total{}[auto]))`, "whaticket"}, {`sum(rate(secretaria_chatwoot_errors_total{}[auto]))`, "chatwoot"}}},
			{Title: "Messages sent and tried again", Unit: "ops", Show: []Query{
				{`sum(rate(secretaria_whaticket_send_success_total{}[auto]))`, "whaticket sent"}, {`sum(rate(secretaria_whaticket_send_retry_total{}[auto]))`, "whaticket again"},
				{`sum(rate(secretaria_chatwoot_send_success_total{}[auto]))`, "chatwoot sent"}, {`sum(rate(secretaria_chatwoot_send_retry_total{}[auto]))`, "chatwoot again"}}},
			{Title: "Workflows by outcome", Unit: "ops", Show: by("outcome", `secretaria_deliveries_total{kind="workflow"}`, "{{outcome}}")},
		}},
		{"People", []Panel{
			{Title: "Conversations by holder", Unit: "short", Show: []Query{{`max by (holder) (secretaria_conversations{})`, "{{holder}}"}}},
			{Title: "Went to people today, by reason", Kind: Bars, Unit: "short", Show: day("reason", `secretaria_takeovers_total{}`, "{{reason}}")},
			{Title: "Opted out", Unit: "short", Show: []Query{{`max(secretaria_opted_out_contacts{})`, "people"}}},
		}},
	}}
}

func requests() Board {
	const (
		count  = `http_request_duration_seconds_count{}`
		bucket = `http_request_duration_seconds_bucket{}`
		sum    = `http_request_duration_seconds_sum{}`
	)
	routes := func(metric string) string { return "sum by (method, path) (rate(" + metric + "[auto]))" }
	total := func(metric string) string { return "sum(rate(" + metric + "[auto]))" }
	quantile := func(q, metric string) string {
		return "histogram_quantile(" + q + ", sum by (le, method, path) (rate(" + metric + "[auto]))) >= 0"
	}
	const route = "{{method}} {{path}}"
	return Board{Name: "requests", Title: "Secretaria / Requests", Rows: []Row{
		{"All routes", []Panel{
			{Title: "Throughput", Kind: Stat, Unit: "reqps", Width: 4, Show: []Query{{total(count), ""}}},
			{Title: "Mean latency", Kind: Stat, Unit: "s", Width: 4, Show: []Query{{total(sum) + " / " + total(count), ""}}},
			{Title: "Under 300 ms", Kind: Stat, Unit: "percentunit", Width: 4, Show: []Query{{total(`http_request_duration_seconds_bucket{le="0.3"}`) + " / " + total(count), ""}}},
			{Title: "Error rate", About: "The share of answers with 5xx.", Kind: Stat, Unit: "percentunit", Width: 4, Show: []Query{{total(`http_request_duration_seconds_count{status=~"5.."}`) + " / " + total(count), ""}}},
			{Title: "p95 of 2xx", Kind: Stat, Unit: "s", Width: 4, Show: []Query{{`histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{status=~"2.."}[auto]))) >= 0`, ""}}},
			{Title: "p95 of 5xx", Kind: Stat, Unit: "s", Width: 4, Show: []Query{{`histogram_quantile(0.95, sum by (le) (rate(http_request_duration_seconds_bucket{status=~"5.."}[auto]))) >= 0`, ""}}},
			{Title: "Latency", Unit: "s", Width: 12, Show: append(quantiles(bucket), Query{`histogram_quantile(0.90, sum by (le) (rate(http_request_duration_seconds_bucket{}[auto]))) >= 0`, "p90"})},
			{Title: "Requests by status class", Unit: "reqps", Width: 12, Show: []Query{
				{`sum by (class) (label_replace(rate(http_request_duration_seconds_count{}[auto]), "class", "${1}xx", "status", "(.).."))`, "{{class}}"}}},
		}},
		{"By route", []Panel{
			{Title: "Throughput", Unit: "reqps", Show: []Query{{routes(count), route}}},
			{Title: "p50", Unit: "s", Show: []Query{{quantile("0.50", bucket), route}}},
			{Title: "p90", Unit: "s", Show: []Query{{quantile("0.90", bucket), route}}},
			{Title: "p95", Unit: "s", Show: []Query{{quantile("0.95", bucket), route}}},
			{Title: "p99", Unit: "s", Show: []Query{{quantile("0.99", bucket), route}}},
			{Title: "Mean latency", Unit: "s", Show: []Query{{routes(sum) + " / (" + routes(count) + " > 0)", route}}},
			{Title: "4xx", Unit: "reqps", Show: []Query{{routes(`http_request_duration_seconds_count{status=~"4.."}`), route}}},
			{Title: "5xx", Unit: "reqps", Show: []Query{{routes(`http_request_duration_seconds_count{status=~"5.."}`), route}}},
			{Title: "Under 300 ms", Unit: "percentunit", Show: []Query{{routes(`http_request_duration_seconds_bucket{le="0.3"}`) + " / (" + routes(count) + " > 0)", route}}},
			{Title: "Total time", About: "1 is one request under way at any moment.", Unit: "short", Show: []Query{{routes(sum), route}}},
			{Title: "Mean response size", Unit: "bytes", Show: []Query{{routes(`http_response_size_bytes_sum{}`) + " / (" + routes(`http_response_size_bytes_count{}`) + " > 0)", route}}},
			{Title: "Distribution of status", Unit: "reqps", Show: by("status", count, "{{status}}")},
			{Title: "Five slowest routes, by p95", Kind: Bars, Unit: "s", Width: 12, Show: []Query{{"topk(5, " + quantile("0.95", bucket) + ")", route}}},
			{Title: "Five busiest routes", Kind: Bars, Unit: "reqps", Width: 12, Show: []Query{{"topk(5, " + routes(count) + ")", route}}},
		}},
	}}
}

func models() Board {
	return Board{Name: "models", Title: "Secretaria / Models", Rows: []Row{
		{"Calls", []Panel{
			{Title: "Latency of a try", Unit: "s", Show: quantiles(`secretaria_llm_latency_seconds_bucket{}`)},
			{Title: "Tries by model and outcome", Unit: "ops", Show: []Query{{`sum by (model, outcome) (rate(secretaria_llm_calls_total{}[auto])) > 0`, "{{model}} {{outcome}}"}}},
			{Title: "Failed tries by kind", Unit: "ops", Show: by("kind", `secretaria_llm_errors_total{}`, "{{kind}}")},
			{Title: "Share that failed, by model", Unit: "percentunit", Show: []Query{
				{`1 - sum by (model) (rate(secretaria_llm_calls_total{outcome=~"ok|cancelled"}[auto])) / (sum by (model) (rate(secretaria_llm_calls_total{}[auto])) > 0)`, "{{model}}"}}},
			{Title: "Circuits that are not closed", About: "1: the model is left alone, or probed.", Unit: "short", Show: []Query{{`max by (model) (secretaria_llm_circuit_state{state!="closed"})`, "{{model}}"}}},
			{Title: "Turns without an answer of a model", Unit: "ops", Show: by("outcome", `secretaria_turns_total{outcome="model_failed"}`, "to a person")},
		}},
		{"Spending", []Panel{
			{Title: "Cost of the last day", About: "In units of the price table.", Kind: Stat, Unit: "short", Width: 6, Show: []Query{{`sum(increase(secretaria_llm_cost_total{}[1d]))`, ""}}},
			{Title: "Cost of a decided turn", About: "The mean of the last day.", Kind: Stat, Unit: "short", Width: 6,
				Show: []Query{{`sum(increase(secretaria_llm_cost_total{}[1d])) / sum(increase(secretaria_turn_phase_seconds_count{phase="commit"}[1d]))`, ""}}},
			{Title: "Tokens of the last day", Kind: Stat, Unit: "short", Width: 6, Show: day("direction", `secretaria_llm_tokens_total{}`, "{{direction}}")},
			{Title: "Input that was cached", Kind: Stat, Unit: "percentunit", Width: 6,
				Show: []Query{{`sum(increase(secretaria_llm_tokens_total{direction="cached"}[1d])) / sum(increase(secretaria_llm_tokens_total{direction="input"}[1d]))`, ""}}},
			{Title: "Cost by model, an hour", Unit: "short", Width: 12, Show: []Query{{`sum by (model) (increase(secretaria_llm_cost_total{}[1h]))`, "{{model}}"}}},
			{Title: "Tokens by model", Unit: "short", Width: 12, Show: by("model, direction", `secretaria_llm_tokens_total{}`, "{{model}} {{direction}}")},
			{Title: "Kept from models by budgets", Unit: "ops", Width: 12, Show: by("kind", `secretaria_llm_errors_total{kind="budget"}`, "over budget")},
		}},
		{"Safety", []Panel{
			{Title: "What the guard made of turns", Unit: "ops", Show: by("action", `secretaria_guard_total{}`, "{{action}}")},
			{Title: "Messages kept from models", Unit: "ops", Show: []Query{{`sum(rate(secretaria_llm_prompt_injection_blocked_total{}[auto]))`, "blocked"}}},
			{Title: "What the gate stopped today", Kind: Bars, Unit: "short", Show: day("kind", `secretaria_gate_findings_total{}`, "{{kind}}")},
		}},
	}}
}

func processes() Board {
	return Board{Name: "processes", Title: "Secretaria / Processes", Rows: []Row{
		{"Running", []Panel{
			{Title: "Processes", Kind: Stat, Unit: "short", Width: 6, Show: []Query{{`count(secretaria_build_info{})`, ""}}},
			{Title: "Live workers", Kind: Stat, Unit: "short", Width: 6, Show: []Query{{`max(secretaria_workers{})`, ""}}},
			{Title: "Running since", Kind: Stat, Unit: "s", Width: 6, Show: []Query{{`time() - min(process_start_time_seconds{})`, ""}}},
			{Title: "Failed health checks today", Kind: Stat, Unit: "short", Width: 6, Show: []Query{{`sum(increase(secretaria_healthcheck_failures_total{}[1d]))`, ""}}},
			{Title: "What runs", Kind: Table, Unit: "short", Width: 12, Show: []Query{{`max by (instance, version, revision, goversion) (secretaria_build_info{})`, ""}}},
			{Title: "Changed configurations today", Kind: Bars, Unit: "short", Width: 12, Show: day("outcome", `secretaria_config_reload_total{}`, "{{outcome}}")},
		}},
		{"Resources", []Panel{
			{Title: "Memory", Unit: "bytes", Show: []Query{{`process_resident_memory_bytes{}`, "{{instance}}"}}},
			{Title: "Processor", About: "1 is one core.", Unit: "short", Show: []Query{{`rate(process_cpu_seconds_total{}[auto])`, "{{instance}}"}}},
			{Title: "Open files", Unit: "percentunit", Show: []Query{{`process_open_fds{} / process_max_fds{}`, "{{instance}}"}}},
			{Title: "Goroutines", Unit: "short", Show: []Query{{`go_goroutines{}`, "{{instance}}"}}},
			{Title: "Heap in use", Unit: "bytes", Show: []Query{{`go_memstats_heap_inuse_bytes{}`, "{{instance}}"}}},
			{Title: "Longest pause of the collector", Unit: "s", Show: []Query{{`go_gc_duration_seconds{quantile="1"}`, "{{instance}}"}}},
		}},
		{"What it stands on", []Panel{
			{Title: "Failed health checks", Unit: "short", Width: 6, Show: []Query{{`sum by (component) (increase(secretaria_healthcheck_failures_total{}[auto]))`, "{{component}}"}}},
			{Title: "Webhooks in the spool", Unit: "short", Width: 6, Show: []Query{{`sum(secretaria_spool_waiting{})`, "waiting"}, {`sum(secretaria_spool_dead{})`, "set aside"}}},
			{Title: "Oldest in the spool", Unit: "s", Width: 6, Show: []Query{{`max(secretaria_spool_oldest_age_seconds{})`, "oldest"}}},
			{Title: "Out of the spool", Unit: "ops", Width: 6, Show: []Query{{`sum(rate(secretaria_spool_forwarded_total{}[auto]))`, "stored"}}},
			{Title: "Redis", About: "Empty where none is configured.", Unit: "short", Width: 12, Show: []Query{{`min(secretaria_redis_up{})`, "up"}}},
			{Title: "What went without Redis", About: "Empty where none is configured.", Unit: "ops", Width: 12, Show: by("use", `secretaria_redis_failures_total{}`, "{{use}}")},
			{Title: "Spans by what became of them", About: "Empty where traces are not collected.", Unit: "ops", Width: 12, Show: by("outcome", `secretaria_trace_spans_total{}`, "{{outcome}}")},
			{Title: "Batches of spans not taken", About: "By kind of failure. Empty where traces are not collected.", Unit: "ops", Width: 12, Show: by("kind", `secretaria_trace_export_failures_total{}`, "{{kind}}")},
		}},
	}}
}
