package gate

import "strings"

// Most answers hold nothing that the expressions of the leak gate look for, and those are slow:
// what cannot match is told by a look at the bytes.

func mayKey(text, low string) bool {
	for _, mark := range [...]string{"sk-", "sk_", "pk-", "pk_", "rk-", "rk_", "AIza", "eyJ", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "xox", "AKIA", "-----BEGIN"} {
		if strings.Contains(text, mark) {
			return true
		}
	}
	return strings.Contains(low, "bearer")
}

func mayRole(text, low string) bool {
	if strings.ContainsAny(text, "<[") {
		return true
	}
	if !strings.Contains(text, ":") {
		return false
	}
	for _, who := range [...]string{"system", "assistant", "user", "human", "developer", "tool"} {
		if strings.Contains(low, who) {
			return true
		}
	}
	return false
}

func mayTemplate(text string) bool {
	return strings.ContainsAny(text, "{}") || strings.Contains(text, "<%") || strings.Contains(text, "%>")
}

func mayImage(text, low string) bool {
	return strings.Contains(text, "![") || strings.Contains(low, "<img")
}

// run says whether at least n bytes in a row are of a kind.
func run(text string, n int, of func(byte) bool) bool {
	long := 0
	for i := range len(text) {
		if !of(text[i]) {
			long = 0
		} else if long++; long >= n {
			return true
		}
	}
	return false
}

func hexDigit(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

// hexRun says whether a byte may stand in a run of bytes written as hexadecimal digits.
func hexRun(c byte) bool {
	return hexDigit(c) || c == ' ' || c == ':' || c == ',' || c == '\n' || c == 'x' || c == '\\'
}

// mayBase64 says whether a text may hold base64, wrapped or not. Blanks end a run, except at the
// end of a line.
func mayBase64(text string) bool {
	long := 0
	for i := range len(text) {
		c := text[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '+', c == '/', c == '_', c == '-', c == '=', c == '\n', c == '\r':
			long++
		case (c == ' ' || c == '\t') && (i+1 < len(text) && (text[i+1] == '\n' || text[i+1] == '\r') || i > 0 && text[i-1] == '\n'):
			long++
		default:
			long = 0
		}
		if long >= 16 {
			return true
		}
	}
	return false
}
