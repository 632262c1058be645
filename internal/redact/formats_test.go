package redact

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"secretaria/internal/brazil"
)

// source draws the values of the tests; each test has its own, from a fixed seed.
type source struct{ *rand.Rand }

func newSource(seed uint64) source { return source{rand.New(rand.NewPCG(seed, 5))} }

func (r source) from(alphabet string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alphabet[r.IntN(len(alphabet))]
	}
	return string(b)
}

const (
	decimal = "0123456789"
	upper   = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	base62  = decimal + upper + "abcdefghijklmnopqrstuvwxyz"
)

func (r source) digits(n int) string { return r.from(decimal, n) }

func (r source) one(of ...string) string { return of[r.IntN(len(of))] }

func (r source) cpf() string {
	d := r.digits(9)
	return d + brazil.Sign(d)
}

func (r source) cnpj(alphabet string) string {
	d := r.from(alphabet, 12)
	return d + brazil.Sign(d)
}

func (r source) ddd() string {
	for {
		if d := r.digits(2); brazil.Area(d[0], d[1]) {
			return d
		}
	}
}

func (r source) uuid() string {
	h := r.from("0123456789abcdef", 32)
	return h[:8] + "-" + h[8:12] + "-4" + h[13:16] + "-" + h[16:20] + "-" + h[20:]
}

func dotted(d string) string {
	if len(d) == 11 {
		return d[:3] + "." + d[3:6] + "." + d[6:9] + "-" + d[9:]
	}
	return d[:2] + "." + d[2:5] + "." + d[5:8] + "/" + d[8:12] + "-" + d[12:]
}

// mobile and landline write a number in one of the ways people do.
func (r source) mobile() string {
	a, x, y := r.ddd(), "9"+r.digits(4), r.digits(4)
	return r.one(
		a+x+y, a+" "+x+y, a+" "+x+"-"+y, a+" "+x+" "+y, "("+a+") "+x+"-"+y, "("+a+")"+x+"-"+y, "("+a+")"+x+y, "("+a+") "+x[:1]+" "+x[1:]+"-"+y,
		a+"."+x+"."+y, a+"-"+x+"-"+y, "0"+a+" "+x+"-"+y, "(0"+a+") "+x+"-"+y, "55"+a+x+y, "55 "+a+" "+x+"-"+y, "+55"+a+x+y, "+55 "+a+" "+x+"-"+y,
		"+55 ("+a+") "+x+"-"+y, "+55 "+a+" "+x[:1]+" "+x[1:]+" "+y, "+55-"+a+"-"+x+"-"+y, "(+55) "+a+" "+x+y, "0 15 "+a+" "+x+"-"+y,
		a+" "+x[:1]+x[1:3]+" "+x[3:]+y[:1]+" "+y[1:], x+"-"+y, x[:1]+" "+x[1:]+"-"+y, "+55 "+a+"\u00a0"+x+"\u2011"+y)
}

func (r source) landline() string { // and mobiles without their ninth digit
	a, x, y := r.ddd(), string('2'+byte(r.IntN(8)))+r.digits(3), r.digits(4)
	return r.one(a+x+y, a+" "+x+"-"+y, "("+a+") "+x+"-"+y, "("+a+")"+x+y, a+" "+x+" "+y, a+"."+x+"."+y, "+55 "+a+" "+x+"-"+y, "+55"+a+x+y, "55"+a+x+y, "0"+a+" "+x+"-"+y, "("+a+") "+x+"."+y)
}

func (r source) foreign() string {
	n := r.digits(10)
	switch r.IntN(5) {
	case 0:
		return "+1 " + n[:3] + " " + n[3:6] + " " + n[6:]
	case 1:
		return "+1 (" + n[:3] + ") " + n[3:6] + "-" + n[6:]
	case 2:
		return "+351 9" + n[:2] + " " + n[2:5] + " " + n[5:8]
	case 3:
		return "+54 9 11 " + n[:4] + "-" + n[4:8]
	}
	return "+" + r.one("1", "34", "39", "44", "49", "52", "57", "81", "258") + "7" + n[:9]
}

func (r source) email() string {
	user := r.one("ana", "joao.silva", "maria_souza", "contato", "a.b.c", "joão", "pedro+loja", "x") + r.one("", r.digits(2), "."+r.digits(4), r.from(base62, 9))
	return user + "@" + r.one("gmail.com", "hotmail.com", "empresa.com.br", "sub.exemplo.org", "uol.com.br", "minha-loja.net", "a.io")
}

func (r source) card() string {
	n := 13 + r.IntN(7)
	d := r.one("4", "51", "34", "6011", "3", "5", "2221")
	d += r.digits(n - 1 - len(d))
	for c := range 10 {
		if brazil.Luhn(d + string(rune('0'+c))) {
			d += string(rune('0' + c))
			break
		}
	}
	if n == 15 && r.IntN(2) == 0 {
		return d[:4] + " " + d[4:10] + " " + d[10:]
	}
	sep := r.one("", " ", "-")
	return d[:4] + sep + d[4:8] + sep + d[8:12] + sep + d[12:]
}

func (r source) payload() string {
	field := func(id, v string) string { return fmt.Sprintf("%s%02d%s", id, len(v), v) }
	key := r.one(r.uuid(), r.cpf(), "+55"+r.ddd()+"9"+r.digits(8), "loja@exemplo.com")
	s := field("00", "01") + field("26", field("00", r.one("BR.GOV.BCB.PIX", "br.gov.bcb.pix"))+field("01", key)) + field("52", "0000") + field("53", "986")
	s += field("54", fmt.Sprintf("%d.%s", r.IntN(5000), r.digits(2))) + field("58", "BR") + field("59", r.one("FULANO DE TAL", "PADARIA SAO JOAO LTDA", "Ana Silva")) +
		field("60", r.one("BRASILIA", "SAO PAULO")) + field("62", field("05", r.one("***", r.from(base62, 25))))
	return s + "6304" + r.from("0123456789ABCDEF", 4)
}

func (r source) jwt() string {
	part := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.IntN(256))
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	return base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + part(20+r.IntN(60)) + "." + part(32)
}

// formats are the twenty forms; the value stands in the place of %s.
var formats = []struct {
	name    string
	draw    func(source) string
	phrases []string
	want    []Class // empty: any
}{
	{"CPF with marks", func(r source) string { return dotted(r.cpf()) }, prose, []Class{CPF}},
	{"CPF without marks", source.cpf, prose, []Class{CPF}},
	{"CPF sloppy", func(r source) string {
		d := r.cpf()
		return r.one(d[:9]+"-"+d[9:], d[:3]+" "+d[3:6]+" "+d[6:9]+" "+d[9:], d[:3]+"."+d[3:6]+"."+d[6:9]+"/"+d[9:], d[:3]+"-"+d[3:6]+"-"+d[6:9]+"-"+d[9:], d[:9]+" "+d[9:])
	}, prose, nil},
	{"CPF with a wrong digit", func(r source) string { return dotted(r.digits(11)) }, prose, nil},
	{"CNPJ with marks", func(r source) string { return dotted(r.cnpj(decimal)) }, prose, []Class{CNPJ}},
	{"CNPJ without marks", func(r source) string { return r.cnpj(decimal) }, prose, nil},
	{"CNPJ with letters", func(r source) string {
		for {
			d := r.cnpj(decimal + upper)
			if strings.ContainsAny(d, upper) {
				return r.one(d, dotted(d))
			}
		}
	}, prose, []Class{CNPJ}},
	{"mobile", source.mobile, prose, nil},
	{"landline", source.landline, prose, []Class{Phone}},
	{"foreign telephone", source.foreign, prose, []Class{Phone}},
	{"e-mail", source.email, prose, []Class{Email}},
	{"card", source.card, prose, nil},
	{"Pix key", source.uuid, []string{"pix %s", "minha chave pix é %s, pode mandar", "%s é a chave pix", "Chave aleatória: %s", "Pix:\n%s", "chave Pix (aleatória) %s."}, []Class{Pix}},
	{"Pix copia e cola", source.payload, []string{"%s", "segue o copia e cola: %s", "%s\nobrigado", "paga aí %s."}, []Class{Pix}},
	{"CEP", func(r source) string {
		d := r.digits(8)
		return r.one(d[:5]+"-"+d[5:], d[:2]+"."+d[2:5]+"-"+d[5:])
	}, []string{"CEP %s", "cep: %s, casa 2", "meu cep é o %s", "Rua das Flores, 123, Centro, %s", "moro na av. Brasil 1500, %s, Rio", "%s é o CEP"}, []Class{CEP}},
	{"JWT", source.jwt, prose, []Class{Token}},
	{"model keys", func(r source) string {
		return r.one("sk-"+r.from(base62, 20+r.IntN(30)), "sk-proj-"+r.from(base62+"-_", 40)+"x", "AIza"+r.from(base62+"-_", 34)+"x")
	}, prose, []Class{Token}},
	{"bearer", func(r source) string { return "Bearer " + r.from(base62+"-._", 20+r.IntN(40)) + "x" }, []string{"%s", "Authorization: %s", "header %s refused", `{"authorization":"%s"}`}, nil},
	{"helpdesk tokens and secrets in hex", func(r source) string {
		return r.one(r.from(base62, 24), r.from(base62, 24+r.IntN(40)), r.from("0123456789abcdef", 32), r.from("0123456789abcdef", 64), r.from("0123456789ABCDEF", 40))
	}, prose, []Class{Token}},
	{"assignments and user info", func(r source) string {
		v := r.from(base62, 6+r.IntN(12)) + r.digits(1)
		return r.one("password="+v, "senha: "+v, "token="+v, "api_access_token="+v, `"client_secret":"`+v+`"`, "postgres://ana:"+v+"@db.interno:5432/x", "redis://:"+v+"@cache")
	}, []string{"%s", "config %s aqui", "erro: %s", "url %s\nfim"}, nil},
}

var prose = []string{"%s", "Oi, é %s", "%s.", "segue: %s, obrigado!", "anota aí: %s e me avisa", "(%s)", "meu dado é %s\nvaleu", "\"%s\"", "Bom dia! %s", "é esse %s?", "=> %s;"}

const draws = 10_000

func TestFindsEveryFormat(t *testing.T) {
	t.Parallel()
	if len(formats) != 20 {
		t.Fatalf("%d formats, want 20", len(formats))
	}
	for i, f := range formats {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			r := newSource(uint64(i))
			missed, misnamed := 0, 0
			for range draws {
				value := f.draw(r)
				text := strings.ReplaceAll(r.one(f.phrases...), "%s", value)
				got := Text(text)
				masked := false
				for _, c := range Classes() {
					if got == strings.ReplaceAll(text, value, c.Mask()) || got == strings.ReplaceAll(text, hidden(value), c.Mask()) {
						masked = true
						if len(f.want) > 0 && c != f.want[0] {
							misnamed++
						}
					}
				}
				if again := Text(got); again != got {
					t.Errorf("Text(%q) = %q, then %q", text, got, again)
				}
				if !masked {
					if missed++; missed <= 5 {
						t.Errorf("Text(%q) = %q, want %q masked", text, got, value)
					}
				}
			}
			if missed > 0 {
				t.Errorf("%d of %d missed", missed, draws)
			}
			if misnamed > 0 {
				t.Errorf("%d of %d have another class than %v", misnamed, draws, f.want)
			}
		})
	}
}

// hidden is the secret part of a header, an assignment or an address.
func hidden(value string) string {
	if _, rest, ok := strings.Cut(value, "://"); ok {
		before, _, _ := strings.Cut(rest, "@")
		return before
	}
	if i := strings.LastIndexAny(strings.TrimSuffix(value, `"`), ` =:"`); i >= 0 {
		return strings.TrimSuffix(value[i+1:], `"`)
	}
	return value
}

// plain are numbers that are nobody's.
var plain = []struct {
	name string
	draw func(source) string
}{
	{"order", func(r source) string {
		n := r.digits(3 + r.IntN(10))
		return r.one("pedido "+n, "Pedido nº "+n, "pedido #"+n, "#"+n, "meu pedido é o "+n, "cadê o pedido "+n+"?", "Número do pedido: "+n, "o pedido de número "+n+" atrasou", "PED-"+n, "order "+n, "pedido "+n[:2]+"-"+n[2:])
	}},
	{"short number alone", func(r source) string { return r.digits(1 + r.IntN(7)) }},
	{"protocol", func(r source) string {
		n := "2026" + fmt.Sprintf("%02d%02d", 1+r.IntN(12), 1+r.IntN(28)) + r.digits(3+r.IntN(9))
		return r.one("protocolo "+n, "Protocolo: "+n, "protocolo nº "+r.digits(6+r.IntN(12)), n, "nota fiscal "+r.digits(9), "chamado "+r.digits(8), "código de rastreio "+r.from(upper, 2)+r.digits(9)+"BR", "protocolo de atendimento "+n)
	}},
	{"price", func(r source) string {
		cents := "," + r.digits(2)
		return r.one("R$ "+fmt.Sprint(r.IntN(100000))+cents, fmt.Sprintf("R$%d.%s%s", 1+r.IntN(999), r.digits(3), cents), fmt.Sprintf("R$ %d.%s.%s%s", 1+r.IntN(99), r.digits(3), r.digits(3), cents),
			fmt.Sprint(r.IntN(10000000))+" reais", fmt.Sprintf("entre %d e %d reais", r.IntN(5000), r.IntN(9000)), fmt.Sprintf("US$ %d", r.IntN(10000000)), fmt.Sprintf("%dx de R$ %d%s", 2+r.IntN(11), r.IntN(3000), cents),
			fmt.Sprintf("R$ %d00-%d00", 10+r.IntN(80), 10+r.IntN(80)), fmt.Sprint(r.IntN(100000))+cents)
	}},
	{"date", func(r source) string {
		at := time.Date(1990+r.IntN(50), 1, 1, 0, 0, r.IntN(366*86400), 0, time.UTC)
		return at.Format(r.one("02/01/2006", "2006-01-02", "02.01.2006", "02-01-2006", "02/01/06", "02/01/2006 15:04", "2006-01-02 15:04:05", time.RFC3339, "02/01/2006 às 15h04", "20060102", "02/01 15:04", "2006-01-02T15:04:05.000000-07:00"))
	}},
	{"hours", func(r source) string {
		h := func() string { return fmt.Sprintf("%02d", r.IntN(24)) }
		return r.one(h()+":"+h()+"-"+h()+":"+h(), h()+"h"+h(), "das "+h()+"h às "+h()+"h", h()+":"+h(), h()+":00 às "+h()+":30", "seg a sex "+h()+"-"+h(), "seg "+h()+":00 "+h()+":00 ter "+h()+":00 "+h()+":00")
	}},
	{"quantity", func(r source) string {
		return r.one(fmt.Sprint(r.IntN(1000000))+" unidades", fmt.Sprintf("%d.%s peças", 1+r.IntN(999), r.digits(3)), fmt.Sprintf("%dx%dx%d cm", r.IntN(300), r.IntN(300), r.IntN(300)), fmt.Sprintf("%d,%s kg", r.IntN(900), r.digits(1+r.IntN(3))),
			fmt.Sprintf("%d%%", r.IntN(101)), fmt.Sprintf("%d ou %d ou %d", r.IntN(99), r.IntN(99), r.IntN(99)), fmt.Sprintf("%d km", r.IntN(300000)), fmt.Sprintf("%d %d %d dias", 10+r.IntN(90), 10+r.IntN(90), 10+r.IntN(90)))
	}},
}

func TestNumbersOfNobodyStay(t *testing.T) {
	t.Parallel()
	phrases := []string{"%s", "Oi, %s", "é %s, obrigado", "%s.", "queria saber: %s?", "e aí\n%s\nok"}
	for i, p := range plain {
		t.Run(p.name, func(t *testing.T) {
			t.Parallel()
			r := newSource(100 + uint64(i))
			wrong := 0
			for range draws {
				text := strings.ReplaceAll(r.one(phrases...), "%s", p.draw(r))
				got := Text(text)
				if again := Text(got); again != got {
					t.Errorf("Text(%q) = %q, then %q", text, got, again)
				}
				if got != text {
					if wrong++; wrong <= 8 {
						t.Logf("Text(%q) = %q", text, got)
					}
				}
			}
			if wrong*200 > draws {
				t.Errorf("%d of %d masked, want at most 0.5 %%", wrong, draws)
			} else if wrong > 0 {
				t.Logf("%d of %d masked", wrong, draws)
			}
		})
	}
}
