package offline

import "strings"

// language is what the answer is written in.
type language int

const (
	portuguese language = iota
	english
)

// intent is what an answer is about.
type intent int

const (
	greets intent = iota
	thanks
	leaves
	agrees
	wantsPerson
	handedOver
	toolDone
	wordless
	isMachine
	wantsReason
	unknown
)

// phrases returns the ways to say something, at least one.
func phrases(i intent, lang language) []string {
	if lang == english {
		return inEnglish(i)
	}
	return inPortuguese(i)
}

func inPortuguese(i intent) []string {
	switch i {
	case greets:
		return []string{
			"Sou o assistente virtual. Como posso ajudar?",
			"Em que posso ajudar?",
			"Pode escrever a sua pergunta, estou por aqui.",
		}
	case thanks:
		return []string{
			"Por nada! Se precisar de mais alguma coisa, é só escrever.",
			"Eu que agradeço! Estou por aqui.",
		}
	case leaves:
		return []string{
			"Até logo! Quando precisar, é só mandar uma mensagem.",
			"Até mais!",
		}
	case agrees:
		return []string{
			"Certo! Posso ajudar em mais alguma coisa?",
			"Combinado. Se tiver outra pergunta, é só escrever.",
		}
	case wantsPerson:
		return []string{
			"Certo, registrei que você quer falar com uma pessoa da equipe.",
			"O seu pedido de falar com uma pessoa já está registrado.",
		}
	case handedOver:
		return []string{
			"Certo! Passei a conversa para uma pessoa da equipe, que responde por aqui assim que puder.",
			"Já avisei a equipe. Uma pessoa continua esta conversa assim que puder.",
		}
	case toolDone:
		return []string{
			"Pronto, registrei. Posso ajudar em mais alguma coisa?",
			"Certo, está registrado.",
		}
	case wordless:
		return []string{
			"Recebi a sua mensagem. Pode me contar em palavras como posso ajudar?",
			"Ainda só entendo mensagens escritas. Como posso ajudar?",
		}
	case isMachine:
		return []string{
			"Sou o assistente virtual e respondo automaticamente. Se preferir falar com uma pessoa da equipe, é só escrever *atendente*.",
			"Sim, sou um assistente automático. Para falar com uma pessoa da equipe, é só escrever *atendente*.",
		}
	case wantsReason:
		return []string{
			"É só para a nossa equipe entender melhor como ajudar. Se preferir não dizer, tudo bem.",
			"Assim a pessoa certa da equipe pode ajudar. Se preferir não dizer, tudo bem.",
		}
	}
	return []string{
		"Essa eu não sei responder por aqui. Se quiser falar com uma pessoa da equipe, é só escrever *atendente*.",
		"Também não tenho essa resposta aqui. Para falar com uma pessoa da equipe, é só escrever *atendente*.",
		"Como assistente automático, só respondo o básico; uma pessoa da equipe pode ajudar melhor: é só escrever *atendente*.",
	}
}

func inEnglish(i intent) []string {
	switch i {
	case greets:
		return []string{
			"I am the virtual assistant. How can I help?",
			"What can I do for you?",
			"Go ahead and write your question, I am here.",
		}
	case thanks:
		return []string{
			"You are welcome! If you need anything else, just write.",
			"My pleasure! I am here if you need me.",
		}
	case leaves:
		return []string{
			"Goodbye! Write whenever you need us.",
			"See you!",
		}
	case agrees:
		return []string{
			"All right! Can I help with anything else?",
			"Fine. If you have another question, just write.",
		}
	case wantsPerson:
		return []string{
			"All right, I noted that you want to talk to a person of our team.",
			"Your request to talk to a person is noted already.",
		}
	case handedOver:
		return []string{
			"All right! I passed the conversation to a person of our team, who will answer here as soon as possible.",
			"Our team knows. A person will continue this conversation as soon as possible.",
		}
	case toolDone:
		return []string{
			"Done, I noted it. Can I help with anything else?",
			"All right, it is noted.",
		}
	case wordless:
		return []string{
			"I got your message. Could you tell me in words how I can help?",
			"So far I only understand written messages. How can I help?",
		}
	case isMachine:
		return []string{
			"I am the virtual assistant and answer automatically. To talk to a person of our team, just write *attendant*.",
			"Yes, I am an automatic assistant. To talk to a person of our team, just write *attendant*.",
		}
	case wantsReason:
		return []string{
			"It only helps our team to understand how to help you. If you would rather not say, that is fine.",
			"It lets the right person of our team help you. If you would rather not say, that is fine.",
		}
	}
	return []string{
		"I do not know the answer to that. If you want to talk to a person of our team, just write *attendant*.",
		"I do not have this answer either. To talk to a person of our team, just write *attendant*.",
		"As an automatic assistant I only answer the basics; a person of our team can help you better: just write *attendant*.",
	}
}

// afterTool is what to say when a tool has done its work.
func afterTool(name string) intent {
	if name == HandoffTool {
		return handedOver
	}
	return toolDone
}

// reason is what the handoff tool is told.
func reason(lang language) string {
	if lang == english {
		return "The customer asked to talk to a person."
	}
	return "O cliente pediu para falar com uma pessoa."
}

// summary is what the handoff tool is told of the conversation: the customer's own words, as
// rules cannot sum up.
func summary(d dialogue, lang language) string {
	said := strings.Join(strings.Fields(d.before+" "+d.said), " ")
	if r := []rune(said); len(r) > maxSummary {
		said = "…" + string(r[len(r)-maxSummary:])
	}
	if lang == english {
		return "In the customer's words: " + said
	}
	return "Nas palavras do cliente: " + said
}

// maxSummary bounds a summary, in runes.
const maxSummary = 300

// hello puts a greeting before a text, in the answer's language; "" puts none.
func hello(greeting string, lang language, text string) string {
	if greeting == "" {
		return text
	}
	said := map[string][2]string{
		"dia":   {"Bom dia!", "Good morning!"},
		"tarde": {"Boa tarde!", "Good afternoon!"},
		"noite": {"Boa noite!", "Good evening!"},
		"ola":   {"Olá!", "Hello!"},
	}[greeting]
	return said[lang] + " " + text
}

// again introduces an answer that was just given; "" where the introduction was given, too.
func again(lang language, last string) string {
	text := "Como eu disse: "
	if lang == english {
		text = "As I said: "
	}
	if strings.Contains(last, text) {
		return ""
	}
	return text
}
