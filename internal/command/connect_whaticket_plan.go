package command

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"secretaria/internal/app"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/config"
	"secretaria/internal/fault"
	"secretaria/internal/httpclient"
	"secretaria/internal/phone"
	"secretaria/internal/telemetry"
)

// ours finds the integration that posts to this inbox; nil where there is none yet.
func (s *whaticketSetup) ours() *whaticket.Integration {
	for i := range s.place.Integrations {
		if one := &s.place.Integrations[i]; one.LeadsTo(s.hook() + "/") {
			return one
		}
	}
	for i := range s.place.Integrations {
		if one := &s.place.Integrations[i]; one.Posts() && one.Name == s.integrationName() {
			return one
		}
	}
	return nil
}

// integrationName is what the integration is called at Whaticket.
func (s *whaticketSetup) integrationName() string {
	if s.name == string(s.kind) {
		return "Secretaria"
	}
	return "Secretaria " + s.name
}

// carry shows everything that would be changed, does it, tries it, and says what is left.
func (s *whaticketSetup) carry(ctx context.Context) (failed error) {
	p := &plan{}
	written, err := s.addEntry(p, s.entry, nil)
	if err != nil {
		return err
	}
	if was := s.existing; s.queue == "" && was.Team != "" || s.user == "" && was.Person != "" {
		p.note("handoff.team and handoff.person of %s stay as they are: take away by hand what is not wanted (ficam como estão: retire à mão o que não quiser)", s.name)
	}
	var st *standing
	stand := func(ctx context.Context) error {
		cfg, err := config.Load(s.source)
		if err != nil {
			return err
		}
		cfg.Options.Version = s.before.Options.Version
		st, err = s.stand(ctx, cfg, s.hook(), s.harmless)
		return err
	}
	s.addBinding(ctx, p, stand)
	s.warnOfAddress(ctx, p)
	defer func() { failed = errors.Join(failed, st.stop(ctx)) }()
	if err := s.carryOut(ctx, p); err != nil {
		return s.keepUp(ctx, st, err)
	}
	if st == nil && (!s.flags.NoTest || s.flags.Serve) {
		if err = stand(ctx); err == nil {
			s.say("  ✓ %s takes a webhook of this inbox (aceita um webhook desta caixa)", s.masked())
		}
	}
	if st == nil {
		s.conclude(written.Config, false)
		return err
	}
	if !s.flags.NoTest {
		if err := s.play(ctx, written.Config.Options, st); err != nil {
			return s.keepUp(ctx, st, err)
		}
	}
	s.conclude(written.Config, true)
	if st.app == nil || !s.flags.Serve && !s.bound {
		return nil
	}
	return s.goOn(ctx, st)
}

// keepUp ends a run that failed. Where something is bound already and the server runs here, that
// goes on first: a Whaticket that posts to nobody may end its own process.
func (s *whaticketSetup) keepUp(ctx context.Context, st *standing, failure error) error {
	if !s.bound || st == nil || st.app == nil {
		return failure
	}
	if ctx.Err() != nil {
		s.say("  → Whaticket posts to this inbox already, and some end when nobody answers: start the server at once, or unbind the integration (o Whaticket já envia a esta caixa, e alguns caem se ninguém responde: inicie já o servidor, ou desligue a integração): %s serve",
			strings.TrimSpace(s.env.command()))
		return errCalledOff
	}
	s.say("  ✗ %s", said(failure))
	if err := s.goOn(ctx, st); err != nil {
		return err
	}
	return errSaid
}

// goOn serves until Ctrl-C.
func (s *whaticketSetup) goOn(ctx context.Context, st *standing) error {
	s.say("")
	s.say("The server goes on here until Ctrl-C, so that Whaticket finds somebody. Keep it up with: secretaria serve (o servidor continua aqui até Ctrl-C, para o Whaticket achar alguém; mantenha-o com: secretaria serve).")
	select {
	case <-ctx.Done():
		return nil
	case err := <-st.app.Failed():
		return err
	}
}

// addBinding adds what is changed at Whaticket, after the proof that somebody takes what it
// will post: a Whaticket that posts to nobody may end its own process.
func (s *whaticketSetup) addBinding(ctx context.Context, p *plan, stand func(context.Context) error) {
	if !s.bindable {
		return
	}
	if !s.bind {
		p.note("another integration is bound, and stays (--replace): what is left to click is said at the end (outra integração está ligada e fica; os cliques são ditos no fim)")
		return
	}
	mine := s.ours()
	where, current := fmt.Sprintf("the connection %q (ligá-la à conexão %q)", s.line.Name, s.line.Name), s.line.Integration
	if !s.line.Binds {
		where, current = fmt.Sprintf("the queue %q (ligá-la à fila %q)", s.botQueue.Name, s.botQueue.Name), s.botQueue.Integration
	}
	right := mine != nil && mine.Posts() && mine.URL == s.whole()
	if right && current == mine.ID {
		s.bound = true
		return
	}
	if s.yes && !s.flags.Serve && !s.alive(ctx) {
		s.bind = false
		p.note("no server answers at %s, and none would stay with --yes: the integration is not bound. Start secretaria serve and run this again, or add --serve "+
			"(nenhum servidor responde e nenhum ficaria: a integração não é ligada; inicie secretaria serve e repita, ou use --serve)", s.public)
		return
	}
	p.add("here (aqui)", fmt.Sprintf("see that a server takes a harmless webhook at %s, and start one where there is none (ver se um servidor aceita um webhook inofensivo, e iniciar um se não houver)", s.masked()), stand)
	made := whaticket.Integration{}
	if mine != nil {
		made = *mine
	}
	if !right {
		verb := fmt.Sprintf("create the integration %q of type webhook (criar a integração %q do tipo webhook)", s.integrationName(), s.integrationName())
		id, name := "", s.integrationName()
		if mine != nil {
			id, name = mine.ID, mine.Name
			verb = fmt.Sprintf("change the address of the integration %q (mudar o endereço da integração %q)", name, name)
		}
		p.add("Whaticket", verb+": "+s.masked(), func(ctx context.Context) (err error) {
			made, err = s.admin.Point(ctx, id, name, s.whole())
			return s.refused(err)
		})
	}
	p.add("Whaticket", "bind it to "+where, func(ctx context.Context) error {
		var err error
		if s.line.Binds {
			_, err = s.admin.BindLine(ctx, s.line.ID, made.ID)
		} else {
			_, err = s.admin.BindQueue(ctx, s.botQueue.ID, made.ID)
		}
		// Where the answer was lost, or told of more than was asked for, it is bound as well.
		s.bound = err == nil || fault.Is(err, fault.Uncertain) || fault.Code(err) == "something else changed"
		return s.refused(err)
	})
}

// refused explains why a change was not made; nil stays nil.
func (s *whaticketSetup) refused(err error) error {
	switch {
	case err == nil:
		return nil
	case fault.Code(err) == "ERR_WAPP_GREETING_REQUIRED":
		return errors.New("a connection with several queues and without a greeting is not saved there: give it one queue, or a greeting (o Whaticket não salva conexão com várias filas e sem saudação: deixe uma fila, ou dê uma saudação)")
	case fault.Code(err) == "not kept":
		return errors.New("it was answered with yes, and something else was kept: bind it by hand (o Whaticket disse sim e guardou outra coisa: ligue à mão)")
	case fault.Code(err) == "something else changed":
		return errors.New("it is bound, and Whaticket changed something else with it: look at the connection or queue there (está ligada, mas o Whaticket mudou algo mais: confira a conexão ou a fila)")
	case whaticket.Refusal(err):
		return errors.New("this user may not: take an administrator's login (o Whaticket não deixa este usuário: use o login de um administrador)")
	}
	return err
}

// warnOfAddress notes what is wrong with the public address on the face of it.
func (s *whaticketSetup) warnOfAddress(ctx context.Context, p *plan) {
	outside, inside := private(ctx, hostOf(s.public)), private(ctx, hostOf(s.address))
	if outside && !inside {
		p.note("%s is private and Whaticket is not: it will hardly reach this server (é privado e o Whaticket não: ele dificilmente alcança este servidor)", s.public)
	}
	if !outside && strings.HasPrefix(s.public, "http://") {
		p.note("%s has no TLS: what customers write, and the secret, can be read on the way (não tem TLS: o que os clientes escrevem e o segredo podem ser lidos no caminho)", s.public)
	}
}

// harmless is a webhook that answers nobody: somebody's status, which is no message.
func (s *whaticketSetup) harmless() (*http.Request, error) {
	return s.event(played("status@broadcast", "teste"))
}

// played is the body of a webhook, as Whatickets of the SaaS family post it.
func played(jid, text string) []byte {
	body, _ := json.Marshal(map[string]any{ // of strings and numbers: it never fails
		"key":              map[string]any{"remoteJid": jid, "fromMe": false, "id": "SECRETARIA-" + telemetry.NewCorrelation()},
		"message":          map[string]any{"conversation": text},
		"messageTimestamp": time.Now().Unix(),
		"pushName":         "Teste",
	})
	return body
}

// alive says whether a server answers at the public address.
func (s *whaticketSetup) alive(ctx context.Context) bool {
	client := httpclient.New(httpclient.Options{Timeout: visitWithin, Policy: httpclient.Policy{All: true}})
	defer client.Close()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.public+"/api/v1/health", nil)
	if err != nil {
		return false
	}
	resp, err := client.Do(req)
	return err == nil && resp.Status == http.StatusOK
}

// play plays a message from the person's own phone, and waits for a real one.
func (s *whaticketSetup) play(ctx context.Context, o app.Options, st *standing) error {
	number, err := s.testNumber(ctx)
	if err != nil {
		return err
	}
	beside := st.app != nil || besideServer(ctx, o)
	if number != "" {
		s.say("A message from %s is played; the answer is really sent to that phone by Whaticket (uma mensagem desse número é simulada; a resposta vai de verdade para esse celular).", masks(number))
		correlation, err := s.send(ctx, played(number+"@s.whatsapp.net", "Olá!"))
		if err != nil {
			return err
		}
		if beside {
			if err := follow(ctx, s.env, o, correlation, s.flags.Wait); err != nil {
				return err
			}
		}
		s.say("Look at that phone (veja nesse celular).")
	}
	if !s.bound || !beside || s.yes || !s.line.Up() {
		return nil
	}
	invitation := fmt.Sprintf("Write something to the number of %q from another phone now; Enter goes on without (escreva agora para o número de %q de outro celular; Enter segue sem isso).", s.line.Name, s.line.Name)
	_, err = s.awaitMessage(ctx, o, s.name, invitation)
	return err
}

// testNumber asks for the person's own number; "" for none.
func (s *whaticketSetup) testNumber(ctx context.Context) (string, error) {
	check := func(text string) (string, error) {
		if text == nobody {
			return text, nil
		}
		digits := phone.Digits(text)
		if len(digits) < 10 || len(digits) > 15 {
			return "", errors.New("a number with country and area code, such as 5511988877766 (um número com país e DDD, como 5511988877766)")
		}
		return digits, nil
	}
	number := s.cmd.TestNumber
	var err error
	if number != "" {
		number, err = check(number)
		err = usage("--test-number", err)
	} else {
		number, err = s.ask(ctx, question{flag: "--test-number", preset: nobody, optional: true, secret: true, check: check,
			text: "Your own phone's number, to play a message from it and get the answer there; - for none (O número do seu celular, para simular uma mensagem dele e receber a resposta nele; - para nenhum)?"})
	}
	if number == nobody {
		number = ""
	}
	return number, err
}

// masks shows the end of a number.
func masks(number string) string { return "…" + number[max(0, len(number)-4):] }

// send posts a webhook and returns the correlation id that follows from it.
func (s *whaticketSetup) send(ctx context.Context, body []byte) (string, error) {
	req, err := s.event(body)
	if err != nil {
		return "", err
	}
	correlation := telemetry.NewCorrelation()
	req.Header.Set(telemetry.CorrelationHeader, correlation)
	client := httpclient.New(httpclient.Options{Timeout: visitWithin, Policy: httpclient.Policy{All: true}})
	defer client.Close()
	resp, err := client.Do(req.WithContext(ctx))
	if err != nil {
		return "", fmt.Errorf("no answer from %s (%s)", s.public, fault.Code(err))
	}
	if resp.Status/100 != 2 {
		return "", fmt.Errorf("the server refused the message: %s", refusal(resp.Status))
	}
	return correlation, nil
}
