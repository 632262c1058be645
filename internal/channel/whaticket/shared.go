package whaticket

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"sync"
	"time"

	"secretaria/internal/fault"
	"secretaria/internal/secret"
)

// Logins is where the processes of one installation share what a login gave them, so that
// they log in once: a value and a lock for each account, which is a name that tells nothing.
// Implementations are safe for concurrent use and bound every call to a fraction of a second.
// When they fail, each process logs in for itself.
type Logins interface {
	// Load returns the value; fault.NotFound where there is none.
	Load(ctx context.Context, account string) ([]byte, error)
	// Save keeps a value for some time.
	Save(ctx context.Context, account string, value []byte, keep time.Duration) error
	// Lock takes the account's lock, or returns fault.Conflict at once where somebody has it.
	// It ends with unlock, at the latest after hold, also when its owner dies.
	Lock(ctx context.Context, account string, hold time.Duration) (unlock func(), err error)
}

const (
	// lockTime is how long a process may take for its login before another one tries too.
	lockTime = 10 * time.Second
	// patience is how long a login of another process is waited for: longer than it can hold
	// the lock, so that of those who wait one follows a process that died.
	patience = lockTime + 2*time.Second
	// pollTime is how often they look.
	pollTime = 100 * time.Millisecond
	// keepTime is how long Whaticket's refresh cookie lives.
	keepTime = 7 * 24 * time.Hour
)

// login is what a login gives.
type login struct {
	Token  string `json:"token"`
	Cookie string `json:"cookie"`
}

// shared is one account in Logins. What lies there is sealed with a key made of the account's
// password: whoever can read it can log in anyway, and nobody else can use it.
type shared struct {
	logins  Logins
	account string
	seal    func() (cipher.AEAD, error) // made once and only when needed: it takes some 10 ms
}

func newShared(logins Logins, base, email string, password secret.String) *shared {
	sum := sha256.Sum256([]byte(base + "\x00" + email))
	s := &shared{logins: logins, account: hex.EncodeToString(sum[:])}
	s.seal = sync.OnceValues(func() (cipher.AEAD, error) {
		// Slow on purpose: people's passwords can be guessed.
		key, err := pbkdf2.Key(sha256.New, password.Reveal(), []byte("secretaria whaticket login "+s.account), 50_000, 32)
		if err != nil {
			return nil, err
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		return cipher.NewGCMWithRandomNonce(block)
	})
	return s
}

// join returns a login of another process whose token is not stale, or makes sure that no
// other process is getting one at the same time: then found has no token, though maybe a
// cookie, and the caller gets one, saves it and leaves. An error is the context's.
func (s *shared) join(ctx context.Context, stale string) (found login, leave func(), err error) {
	alone := func() {}
	waiting, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		if found, err = s.load(ctx, stale); err != nil || found.Token != "" {
			return found, alone, nil
		}
		unlock, err := s.logins.Lock(ctx, s.account, lockTime)
		if err == nil {
			// Somebody may have come and gone since we looked.
			if found, err = s.load(ctx, stale); err != nil || found.Token != "" {
				unlock()
				return found, alone, nil
			}
			// A token that is dead for one process is dead for all: nobody is to find it.
			s.save(ctx, found)
			return found, unlock, nil
		}
		if !fault.Is(err, fault.Conflict) {
			return found, alone, nil
		}
		select {
		case <-time.After(pollTime):
			continue
		case <-waiting.Done():
		}
		if ctx.Err() != nil {
			return found, alone, cancelled(ctx)
		}
		return found, alone, nil
	}
}

// load returns what is shared, without its token where that is stale. An error says that
// nothing can be shared.
func (s *shared) load(ctx context.Context, stale string) (login, error) {
	value, err := s.logins.Load(ctx, s.account)
	if fault.Is(err, fault.NotFound) {
		return login{}, nil
	}
	if err != nil {
		return login{}, err
	}
	var l login
	seal, err := s.seal()
	if err != nil {
		return login{}, err
	}
	text, err := seal.Open(nil, nil, value, []byte(s.account))
	if err != nil || json.Unmarshal(text, &l) != nil {
		return login{}, nil // of another password, or nonsense: it is replaced
	}
	if l.Token == stale {
		l.Token = ""
	}
	return l, nil
}

// save shares a login. Where that fails, others log in for themselves.
func (s *shared) save(ctx context.Context, l login) {
	text, err := json.Marshal(l)
	if err != nil {
		return
	}
	seal, err := s.seal()
	if err != nil {
		return
	}
	// The login was made; that its caller is gone is no reason to waste it.
	_ = s.logins.Save(context.WithoutCancel(ctx), s.account, seal.Seal(nil, nil, text, []byte(s.account)), keepTime)
}
