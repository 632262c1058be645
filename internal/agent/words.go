package agent

import (
	"strings"

	"secretaria/internal/conversation"
)

// words are what a desk says without a model, in one language.
type words struct {
	lang                                                                       string // as package hours knows it
	transfer, apology, optedOut, again, offer, failed, overdue, later, nothing string
	deflected, unconfirmed, disclosure, wayOut                                 string
	closed, closedHandoff, back                                                string
	today, tomorrow                                                            string
	days                                                                       [7]string
	audio, image, document, sticker, other                                     string
}

func wordsOf(language string) words {
	switch short, _, _ := strings.Cut(strings.ToLower(language), "-"); short {
	case "en":
		return words{
			lang:      "en",
			transfer:  "I will pass you on to one of our team. One moment, please.",
			apology:   "We are having technical difficulties. ",
			optedOut:  "Done: you will receive no more messages from us here.",
			again:     "As I said: ",
			offer:     "I may not have understood you. Could you say it in other words? If you prefer a person, just write *atendente*.",
			failed:    "I could not finish this here. ",
			overdue:   "The confirmation that I was waiting for has not come. ",
			later:     "I cannot answer that right now.",
			nothing:   "Sorry, I did not put that well. How can I help? If you prefer a person, just write *atendente*.",
			deflected: "Sorry, I cannot carry out that kind of command.", unconfirmed: "I do not have that confirmed here.",
			disclosure: "I am a virtual assistant. If you prefer a person, just write *atendente*.", wayOut: "If you prefer a person, just write *atendente*.",
			closed: "We are closed right now.", closedHandoff: "We are closed right now. Your message is with our team, who will answer when we open.", back: "We are back {day} at {hour}.",
			today: "today", tomorrow: "tomorrow", days: [7]string{"on Sunday", "on Monday", "on Tuesday", "on Wednesday", "on Thursday", "on Friday", "on Saturday"},
			audio:    "I cannot listen to audio here yet. Could you write your message, please?",
			image:    "Got it, but I cannot see images and videos here yet. Could you tell me in writing how I can help?",
			document: "I got the file, but I cannot open it here yet. Could you tell me in writing what it is about?",
			sticker:  "Got your sticker! 🙂 How can I help? Please write to me if you can.",
			other:    "I got your message, but I cannot read this format here. Could you write it, please?",
		}
	case "es":
		return words{
			lang:      "es",
			transfer:  "Voy a pasarte con una persona de nuestro equipo. Un momento, por favor.",
			apology:   "Tenemos dificultades técnicas. ",
			optedOut:  "Listo: no recibirás más mensajes nuestros por aquí.",
			again:     "Como decía: ",
			offer:     "Quizás no te entendí bien. ¿Puedes decirlo con otras palabras? Si prefieres una persona, escribe *atendente*.",
			failed:    "No pude terminar esto por aquí. ",
			overdue:   "La confirmación que yo esperaba todavía no llegó. ",
			later:     "No puedo responder eso ahora.",
			nothing:   "Perdón, no me expresé bien. ¿En qué puedo ayudarte? Si prefieres una persona, escribe *atendente*.",
			deflected: "Disculpa, no puedo ejecutar ese tipo de comando.", unconfirmed: "No tengo esa información confirmada por aquí.",
			disclosure: "Soy un asistente virtual. Si prefieres una persona, escribe *atendente*.", wayOut: "Si prefieres una persona, escribe *atendente*.",
			closed: "Ahora estamos cerrados.", closedHandoff: "Ahora estamos cerrados. Tu mensaje queda con nuestro equipo, que responde al abrir.", back: "Volvemos {day} a las {hour}.",
			today: "hoy", tomorrow: "mañana", days: [7]string{"el domingo", "el lunes", "el martes", "el miércoles", "el jueves", "el viernes", "el sábado"},
			audio:    "Todavía no puedo escuchar audios por aquí. ¿Puedes escribir tu mensaje, por favor?",
			image:    "Lo recibí, pero todavía no puedo ver imágenes ni videos por aquí. ¿Puedes contarme por escrito cómo ayudarte?",
			document: "Recibí el archivo, pero todavía no puedo abrirlo por aquí. ¿Puedes contarme por escrito de qué se trata?",
			sticker:  "¡Recibí tu sticker! 🙂 ¿En qué puedo ayudarte? Si puedes, escríbeme.",
			other:    "Recibí tu mensaje, pero no puedo leer este formato por aquí. ¿Puedes escribirlo, por favor?",
		}
	}
	return words{
		lang:        "pt-BR",
		transfer:    DefaultTransfer,
		apology:     "Estou com dificuldades técnicas. ", // the published text
		optedOut:    "Pronto: você não vai mais receber mensagens nossas por aqui.",
		again:       "Como eu disse: ",
		offer:       "Acho que não entendi bem. Pode me dizer de outra forma? Se preferir falar com uma pessoa, é só escrever *atendente*.",
		failed:      "Não consegui concluir isso por aqui. ",
		overdue:     "A confirmação que eu esperava ainda não chegou. ",
		later:       "Essa eu não consigo responder agora.",
		nothing:     "Desculpe, não me expressei bem. Como posso ajudar? Se preferir falar com uma pessoa, é só escrever *atendente*.",
		deflected:   "Desculpe, não posso executar esse tipo de comando.", // the published text
		unconfirmed: "Não tenho essa informação confirmada por aqui.",
		disclosure:  "Sou um assistente virtual. Se preferir falar com uma pessoa, é só escrever *atendente*.", wayOut: "Se preferir falar com uma pessoa, é só escrever *atendente*.",
		closed: "No momento estamos fechados.", closedHandoff: "No momento estamos fechados. A sua mensagem fica com a nossa equipe, que responde assim que abrirmos.", back: "Voltamos {day}, às {hour}.",
		today: "hoje", tomorrow: "amanhã", days: [7]string{"no domingo", "na segunda-feira", "na terça-feira", "na quarta-feira", "na quinta-feira", "na sexta-feira", "no sábado"},
		audio:    "Ainda não consigo ouvir áudios por aqui. Pode me escrever a sua mensagem, por favor?",
		image:    "Recebi, mas ainda não consigo ver imagens e vídeos por aqui. Pode me contar por escrito como posso ajudar?",
		document: "Recebi o arquivo, mas ainda não consigo abri-lo por aqui. Pode me contar por escrito do que se trata?",
		sticker:  "Recebi a sua figurinha! 🙂 Como posso ajudar? Se puder, me escreva.",
		other:    "Recebi a sua mensagem, mas não consigo ler este formato por aqui. Pode me escrever, por favor?",
	}
}

// askToWrite is never silence: what cannot be read yet is asked for in words.
func (w *words) askToWrite(k conversation.Kind) string {
	switch k {
	case conversation.Audio:
		return w.audio
	case conversation.Image, conversation.Video:
		return w.image
	case conversation.Document:
		return w.document
	case conversation.Sticker:
		return w.sticker
	}
	return w.other
}
