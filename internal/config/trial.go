package config

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"secretaria/internal/app"
	"secretaria/internal/channel"
	"secretaria/internal/channel/whaticket"
	"secretaria/internal/secret"
)

// trialFile lies beside the database.
const trialFile = "try-secret"

// TrialFile is where the secret of the trial inbox is kept.
func (c *Config) TrialFile() string {
	return filepath.Join(filepath.Dir(c.Options.Database), trialFile)
}

// AddTrial adds an inbox to try: whaticket, with the secret of TrialFile and no helpdesk
// behind it, so that nothing is ever sent. With create, a secret is made where there is
// none; without, that is fs.ErrNotExist.
func (c *Config) AddTrial(create bool) error {
	value, err := trialSecret(c.TrialFile(), create)
	if err != nil {
		return err
	}
	c.Options.Inboxes = append(c.Options.Inboxes, app.Inbox{
		Name: string(channel.Whaticket), Desk: secretariaDesk, Hold: defaultHold,
		Whaticket: &whaticket.Config{Auth: whaticket.BySignature, Secrets: []secret.String{secret.New(value)}},
	})
	return nil
}

func trialSecret(path string, create bool) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil && (!create || !errors.Is(err, fs.ErrNotExist)) {
		return "", fmt.Errorf("read the secret of the trial inbox: %w", err)
	}
	if value := strings.TrimSpace(string(text)); value != "" {
		return value, nil
	}
	if !create {
		return "", fmt.Errorf("read the secret of the trial inbox: %s is empty: %w", path, fs.ErrNotExist)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return "", fmt.Errorf("make the secret of the trial inbox: %w", err)
	}
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // never fails
	value := hex.EncodeToString(raw)
	// Written whole under another name first: a reader beside us finds all of it or nothing.
	f, err := os.CreateTemp(filepath.Dir(path), trialFile+"-*") // mode 0600
	if err != nil {
		return "", fmt.Errorf("make the secret of the trial inbox: %w", err)
	}
	_, err = f.WriteString(value + "\n")
	err = errors.Join(err, f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return "", errors.Join(fmt.Errorf("make the secret of the trial inbox: %w", err), os.Remove(f.Name()))
	}
	return value, nil
}
