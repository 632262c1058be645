package llm

import (
	"strings"

	"secretaria/internal/fault"
)

// Codes of failures: the fault.Code of an adapter's error. Others exist (what happened to a
// connection); CauseOf knows them all.
const (
	// CodeQuota: the account's credit, or its quota of the day, is used up. fault.RateLimited,
	// while another try will not help for a long time, whatever the provider asks to wait.
	CodeQuota = "quota exhausted"
	// CodeRateLimited: too much in a short while. fault.RateLimited, with the provider's wish.
	CodeRateLimited = "rate limited"
	// CodeKey: the key, its account or its project is refused. fault.Unauthorized.
	CodeKey = "key refused"
	// CodeBlocked: the provider's safety rules stopped the question or the answer. fault.Permanent.
	CodeBlocked = "blocked"
	// CodeRequest: the request is one that the provider does not take. fault.Invalid.
	CodeRequest = "request refused"
	// CodeTooLong: the request is longer than the model can read. fault.Invalid.
	CodeTooLong = "context too long"
	// CodeModel: there is no such model, or no such path. fault.Invalid.
	CodeModel = "model or path not found"
	// CodeFailed: the provider says that it is broken or overloaded. fault.Transient.
	CodeFailed = "provider failed"
	// CodeTimeout: no answer in time. fault.Transient.
	CodeTimeout = "timeout"
	// CodeOpen: the circuit is open, nobody was asked. fault.Transient.
	CodeOpen = "circuit open"
	// CodeEmpty: an answer without words. fault.Permanent for this call, while the same
	// question often gets words the next time.
	CodeEmpty = "empty answer"
	// CodeBudget: the call would cost more than is left; nobody was asked. fault.Permanent.
	CodeBudget = "budget exhausted"
	// CodePrice: there is a budget and no price for the model; nobody was asked. fault.Permanent.
	CodePrice = "price unknown"
)

// Cause is why a model gave no answer: a bounded word, for logs, metrics and people.
type Cause string

// The causes.
const (
	Quota        Cause = "quota"            // credit or daily quota used up
	RateLimit    Cause = "rate_limit"       // too much in a short while
	Outage       Cause = "outage"           // down, overloaded, unreachable, or its circuit is open
	Timeout      Cause = "timeout"          // no answer in time
	BadKey       Cause = "bad_key"          // key, account or project refused
	Refused      Cause = "refused"          // stopped by the provider's safety rules
	BadRequest   Cause = "bad_request"      // a request that the provider does not take
	TooLong      Cause = "context_too_long" // more than the model can read
	UnknownModel Cause = "unknown_model"    // no such model or path
	Empty        Cause = "empty"            // an answer without words, or that is no answer
	OverBudget   Cause = "budget"           // our own limit of what may be spent
	NoPrice      Cause = "no_price"         // a budget is set and nobody said what the model costs
	Cancelled    Cause = "cancelled"        // the caller went away
	OtherCause   Cause = "other"
)

// Causes lists them, for metrics that begin at zero.
func Causes() []Cause {
	return []Cause{Quota, RateLimit, Outage, Timeout, BadKey, Refused, BadRequest, TooLong, UnknownModel, Empty, OverBudget, NoPrice, Cancelled, OtherCause}
}

// CauseOf tells why a model's call failed, by the error's code and else by its kind; "" of nil.
func CauseOf(err error) Cause {
	if err == nil {
		return ""
	}
	switch fault.Code(err) {
	case CodeQuota:
		return Quota
	case CodeTimeout:
		return Timeout
	case CodeBlocked:
		return Refused
	case CodeTooLong:
		return TooLong
	case CodeModel:
		return UnknownModel
	case CodeEmpty:
		return Empty
	case CodeBudget:
		return OverBudget
	case CodePrice:
		return NoPrice
	case "cancelled":
		return Cancelled
	}
	switch fault.KindOf(err) {
	case fault.RateLimited:
		return RateLimit
	case fault.Unauthorized:
		return BadKey
	case fault.Invalid, fault.NotFound, fault.Unsupported:
		return BadRequest
	case fault.Transient, fault.Uncertain:
		return Outage
	case fault.Permanent:
		// Something answered, and not as a model does: a login page, a redirect, another API.
		return Empty
	}
	return OtherCause
}

// Portuguese says the cause in a few words to the people of the house.
func (c Cause) Portuguese() string {
	switch c {
	case Quota:
		return "cota esgotada"
	case RateLimit:
		return "limite de chamadas atingido"
	case Outage:
		return "fora do ar"
	case Timeout:
		return "sem resposta a tempo"
	case BadKey:
		return "chave recusada"
	case Refused:
		return "conteúdo recusado pelo provedor"
	case BadRequest:
		return "pedido recusado"
	case TooLong:
		return "conversa longa demais para o modelo"
	case UnknownModel:
		return "modelo não encontrado"
	case Empty:
		return "resposta vazia"
	case OverBudget:
		return "orçamento esgotado"
	case NoPrice:
		return "sem preço na tabela, com orçamento definido"
	case Cancelled:
		return "interrompido"
	}
	return "falha desconhecida"
}

// Failure is how one model of a chain failed.
type Failure struct {
	Name  string // of the model in the configuration, or the model's own
	Cause Cause
	// Line is the budget without room, where the cause is OverBudget: "day", "desk", "contact"
	// or "conversation".
	Line string
}

// Exhausted says that no model of a chain gave an answer, and why each did not, in the order
// in which they were asked first. It has the kind and the code of the failure that counts
// most: the first that another try may help, else the first.
type Exhausted struct {
	Failures []Failure
	Err      error // that failure
}

func (e *Exhausted) Error() string {
	said := make([]string, len(e.Failures))
	for i, f := range e.Failures {
		said[i] = f.Name + ": " + string(f.Cause)
		if f.Line != "" {
			said[i] += " of the " + f.Line
		}
	}
	return "no model answered (" + strings.Join(said, "; ") + ")"
}

// Unwrap gives the failure that counts most.
func (e *Exhausted) Unwrap() error { return e.Err }

// Portuguese lists the causes for people: "gemini: cota esgotada; openai: fora do ar".
func (e *Exhausted) Portuguese() string {
	said := make([]string, len(e.Failures))
	for i, f := range e.Failures {
		said[i] = f.Name + ": " + f.Cause.Portuguese()
		if f.Cause == OverBudget {
			said[i] += lineInPortuguese(f.Line)
		}
	}
	return strings.Join(said, "; ")
}

func lineInPortuguese(line string) string {
	switch line {
	case "day":
		return " (do dia)"
	case "desk":
		return " (da mesa)"
	case "contact":
		return " (do contato)"
	case "conversation":
		return " (da conversa)"
	}
	return ""
}
