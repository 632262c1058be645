package agent

import (
	"strings"
	"unicode"

	"secretaria/internal/phrase"
)

// angry says whether a message sounds so angry that a person should read it: an insult, a
// threat to sue or to complain in public, or strong words that are shouted or aimed at us.
// Somebody who only tells of a bad experience elsewhere is not angry at us.
func angry(text string) bool {
	loud := shouted(text) || strings.Contains(text, "!!")
	points := 0
	for _, c := range phrase.Clauses(text) {
		if elsewhere.MatchString(c.Words) {
			continue
		}
		if outrage.MatchString(c.Words) {
			return true
		}
		if complaint.MatchString(c.Words) {
			points += 2
		}
		if annoyance.MatchString(c.Words) {
			points++
		}
	}
	if loud && points > 0 {
		points++
	}
	return points >= 2
}

// shouted says whether most letters of a text that is long enough are capitals.
func shouted(text string) bool {
	upper, letters := 0, 0
	for _, r := range text {
		if unicode.IsLetter(r) {
			letters++
			if unicode.IsUpper(r) {
				upper++
			}
		}
	}
	return letters >= 8 && upper*4 >= letters*3
}

var (
	outrage = phrase.Any(`vou (?:te |lhe |os |voces )?(?:processar|acionar o procon|abrir (?:uma )?reclamacao no procon|no procon|entrar (?:na|com) (?:justica|processo|acao)|denunciar voces|colocar voces na justica|meter um processo|botar no pau|reclamar no (?:procon|reclame aqui))`, `(?:meu advogado|procon|reclame aqui|juizado) (?:vai|ja|neles|nisso|em voces)`, `(?:vou|irei) (?:ao|no|pro|para o|falar com (?:o )?(?:meu )?) ?(?:procon|reclame aqui|advogado|juizado)`,
		`(?:vai|vao) (?:tomar no|se foder|se ferrar|a merda|pra merda|te catar|pro inferno|a puta)`, `vtnc`, `vsf`, `pqp`, `fdp`, `filh[oa]s? da puta`, `puta que pariu`, `(?:seus?|bando de|cambada de|vcs sao|voces sao|voce e|vc e)(?: (?:um|uma|uns|umas|muito|tao|tudo|todos|mesmo)){0,2} (?:bando de )?(?:idiotas?|imbecis|imbecil|ladra?o(?:es)?|ladroes|palhac[oa]s?|lixos?|incompetentes?|merdas?|vagabund[oa]s?|golpistas?|burr[oa]s?|bostas?|picaretas|mentiros[oa]s?|trouxas?)`, `(?:robo|bot|assistente|atendimento|empresa|loja|voce e|vc e) (?:de |um |uma |mais )?(?:merda|bosta|lixo|idiota|burr[oa]|imbecil|inutil|maldit[oa])`, `(?:isso|isto|essa empresa|vcs|voces|esse atendimento) (?:aqui )?(?:e|sao|ta|esta) (?:uma |um )?(?:merda|bosta|lixo|palhacada|golpe|roubo|porcaria|vergonha)`,
		`(?:fuck (?:you|off|this)|bullshit|you (?:are|re) (?:idiots?|useless|scammers?|thieves))`, `(?:i will|ill|im going to) sue`, `my lawyer`, `los voy a (?:demandar|denunciar)`, `(?:son|eres) unos? (?:idiotas?|ladrones|estafadores)`, `hijos? de puta`)
	complaint = phrase.Any(`(?:atendimento|servico|empresa|suporte|loja|voces (?:sao|estao)|vcs sao) (?:(?:um|uma|muito|tao|e|de voces|do|mais|e um|foi um) )*(?:pessim[oa]s?|horrive(?:l|is)|ridicul[oa]s?|absurd[oa]s?|vergonhos[oa]s?|terrive(?:l|is)|desrespeitos[oa]s?|inaceitave(?:l|is)|descaso|desrespeito|palhacada|vergonha|falta de respeito|porcaria|droga)`, `falta de (?:respeito|consideracao|educacao|vergonha)`, `(?:ja|eu ja) (?:falei|disse|expliquei|repeti|pedi|mandei|informei) (?:isso |ja |que )?(?:mil|[0-9]+|varias|trocentas|duas|tres|quatro|cinco|muitas) vezes`, `(?:quantas|mais quantas) vezes (?:eu )?(?:tenho|preciso|vou ter|terei)`, `(?:estou|to|tou|fiquei|ficando|estamos) (?:muito |bem |extremamente |ja |bastante )*(?:irritad[oa]|furios[oa]|indignad[oa]|revoltad[oa]|put[oa]|possess[oa]|de saco cheio|cansad[oa] de (?:esperar|voces|ser|repetir|explicar|tanto|falar com)|decepcionad[oa] com (?:voces|o atendimento|a empresa|o servico))`,
		`^que(?: um| uma| muito)? (?:absurdo|palhacada|descaso|desrespeito|vergonha)$`, `^isso e(?: um| uma| muito)? (?:palhacada|descaso|desrespeito|vergonha)$`, `(?:ninguem|vcs nao|voces nao|nunca) (?:me )?(?:resolve|resolvem|responde|respondem|atende|atendem) (?:nada|nunca|direito|o meu|esse|isso|me)`, `perdi (?:a|minha) paciencia`, `(?:minha|a) paciencia (?:acabou|esgotou)`, `me (?:enrolando|enganaram|enganando|roubaram|fazendo de (?:palhac[oa]|trouxa|idiota|otari[oa]))`, `nunca mais (?:compro|volto|uso|contrato)`, `quero (?:o )?meu dinheiro de volta`,
		`(?:this is|your service is|you guys are) (?:ridiculous|terrible|awful|unacceptable|a joke|horrible)`, `(?:worst|terrible|awful) (?:service|company|support)`, `(?:pesimo|horrible|terrible) (?:servicio|atencion)`)
	annoyance = phrase.Any(`ja falei`, `ja disse`, `ja expliquei`, `ja respondi`, `de novo isso`, `outra vez isso`, `(?:voce|vc) (?:nao|n) (?:entende|entendeu|ta entendendo|sabe de nada|le)`, `nao (?:e|foi) isso que (?:eu )?(?:perguntei|falei|pedi|disse)`, `absurdo`, `ridiculo`, `pessimo`, `horrivel`, `inutil`, `que saco`, `que droga`, `porra`, `caralho`, `merda`, `droga`, `afff*`, `pelo amor de deus`, `cade (?:a|o) (?:resposta|atendente|minha|meu)`, `ate agora nada`, `ninguem responde`, `respondam?`, `resolvam?`, `quero uma solucao`, `vergonha`, `descaso`, `wtf`, `are you kidding`)
	// elsewhere: somebody else's doing.
	elsewhere = phrase.Any(`outr[oa] (?:empresa|loja|clinica|lugar|dentista|medico|fornecedor|sistema)`, `concorrente`, `antig[oa] (?:empresa|clinica|fornecedor|sistema|dentista)`, `meu (?:chefe|marido|ex|vizinho|dente|joelho|filho)`, `minha (?:chefe|esposa|ex|vizinha|dor)`, `noss[oa]s? (?:atendimento|suporte|equipe|time|servico|clientes?|processo|sistema|empresa|vendas|comercial)`, `meu (?:crm|sistema|atendimento|time)`)
)
