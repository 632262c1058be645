package slot

import (
	"errors"
	"slices"
	"testing"
	"time"
)

// A value that was read of a text is in its one form: read again it is the same, and what is
// refused is refused with a code and no value.
func FuzzParse(f *testing.F) {
	for _, s := range []string{"Ana Souza", "ana@Exemplo.com", "(11) 98765-4321", "11.222.333/0001-81", "doze pessoas", "Pipedrive, planilha", "amanhã às três", "2026-11-23T15:00:00-03:00", "sim", "não sei", "", " , ", "12ABC34501DE35"} {
		for i := range Kinds() {
			f.Add(uint8(i), s)
		}
	}
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.FixedZone("", -3*3600))
	f.Fuzz(func(t *testing.T, which uint8, text string) {
		kind := Kinds()[int(which)%len(Kinds())]
		v, err := Parse(kind, text, now)
		if err != nil {
			var r *Refusal
			if !errors.As(err, &r) || r.Code == "" || v.Text != "" || len(v.List) > 0 || v.Kind != "" {
				t.Errorf("Parse(%s, %q) = %+v, %v, want a refusal alone", kind, text, v, err)
			}
			return
		}
		if v.Kind != kind || v.Text == "" && len(v.List) == 0 || v.Text != "" && len(v.List) > 0 {
			t.Errorf("Parse(%s, %q) = %+v, want a text or a list", kind, text, v)
		}
		if slices.Contains(v.List, "") {
			t.Errorf("Parse(%s, %q) = %+v, with nothing in the list", kind, text, v)
		}
		again, err := Parse(kind, v.String(), now)
		if err != nil || !again.Same(v) {
			t.Errorf("Parse(%s, %q) = %+v, and of that %+v, %v", kind, text, v, again, err)
		}
	})
}
