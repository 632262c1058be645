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
	}
	return []string{
		"Anotei a sua pergunta. Sou um assistente automático, estou em modo offline e não tenho essa resposta. Se quiser falar com uma pessoa, digite \"atendente\".",
		"Essa eu também não sei responder em modo offline, mas ficou anotada. Para falar com uma pessoa da equipe, digite \"atendente\".",
		"Anotei. Como assistente automático em modo offline, só respondo o básico; uma pessoa pode ajudar melhor: digite \"atendente\".",
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
	}
	return []string{
		"I noted your question. I am an automatic assistant in offline mode and do not have this answer. To talk to a person, type \"attendant\".",
		"I cannot answer this one in offline mode either, but it is noted. To talk to a person of our team, type \"attendant\".",
		"Noted. As an automatic assistant in offline mode I only answer the basics; a person can help you better: type \"attendant\".",
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
