package row

import (
	"encoding/base64"
	"encoding/json"
	"fmt"

	"secretaria/internal/pseudonym"
	"secretaria/internal/store"
)

// ProcessParts packs what a process is configured with.
func ProcessParts(parts map[string]string) (string, error) {
	if len(parts) == 0 {
		return "", nil
	}
	b, err := json.Marshal(parts)
	if err != nil {
		return "", fmt.Errorf("pack parts: %w", err)
	}
	return string(b), nil
}

// ScanProcess reads id, at, role, version and parts.
func ScanProcess(sc Scanner) (store.Process, error) {
	var p store.Process
	var at int64
	var parts string
	if err := sc.Scan(&p.ID, &at, &p.Role, &p.Version, &parts); err != nil {
		return p, err
	}
	p.At = Time(at)
	if parts == "" {
		return p, nil
	}
	if err := json.Unmarshal([]byte(parts), &p.Parts); err != nil {
		return p, fmt.Errorf("unpack parts: %w", err)
	}
	return p, nil
}

// Sealed are digests hashed with the installation's key.
func Sealed(key pseudonym.Key, digests map[string][]byte) map[string]string {
	out := make(map[string]string, len(digests))
	for name, d := range digests {
		out[name] = base64.RawURLEncoding.EncodeToString(key.Sum("configuration", name, string(d))[:12])
	}
	return out
}
