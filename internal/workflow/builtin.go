package workflow

import "encoding/json"

// The names of the workflows that have a setting of their own.
const (
	NameCreateLead      = "create_lead"
	NameScheduleMeeting = "schedule_meeting"
)

// CreateLead declares the workflow that brings a qualified lead to wherever the house keeps
// its leads. It is given what the playbook has learned and answers nothing that a customer
// reads.
func CreateLead(url string) Declared {
	return Declared{
		Name:        NameCreateLead,
		Description: "Registra o lead no CRM da empresa, com o que já se sabe dele.",
		URL:         url,
		Arguments:   json.RawMessage(leadArguments),
		On:          []string{"qualified"},
	}
}

// ScheduleMeeting declares the workflow that books a meeting and answers with its link.
func ScheduleMeeting(url string) Declared {
	return Declared{
		Name:        NameScheduleMeeting,
		Description: "Marca uma reunião com um especialista, depois que o cliente disse em que horários pode.",
		URL:         url,
		Arguments:   json.RawMessage(meetingArguments),
		Result:      json.RawMessage(meetingResult),
		Reply:       "Reunião marcada! Link: {link_meet}",
		On:          []string{"scheduled"},
	}
}

// What a playbook gives of a lead, see playbook.Arguments, and what a model may. Every field
// may be missing, and what is not named here is passed on too.
const (
	leadFields = `
    "name": {"type": "string", "description": "Nome do cliente", "maxLength": 200},
    "company": {"type": "string", "description": "Empresa", "maxLength": 200},
    "role": {"type": "string", "description": "Cargo", "maxLength": 200},
    "email": {"type": "string", "description": "E-mail", "maxLength": 254},
    "phone": {"type": "string", "description": "Telefone com código do país", "maxLength": 40},
    "times": {"type": "array", "items": {"type": "string", "maxLength": 60}, "maxItems": 10, "description": "Horários em que o cliente pode, com data, em RFC 3339"}`

	leadArguments = `{
  "type": "object",
  "properties": {` + leadFields + `
  }
}`

	meetingArguments = `{
  "type": "object",
  "properties": {` + leadFields + `
  }
}`

	meetingResult = `{
  "type": "object",
  "properties": {
    "link_meet": {"type": "string", "format": "uri", "pattern": "^https?://", "maxLength": 500},
    "starts_at": {"type": "string", "maxLength": 100}
  },
  "required": ["link_meet"]
}`
)
