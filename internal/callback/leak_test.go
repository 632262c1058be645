package callback_test

import (
	"net/http"
	"testing"

	"go.uber.org/goleak"
)

// tests closes what the client keeps open before anybody looks for what is left running.
type tests struct{ *testing.M }

func (m tests) Run() int {
	code := m.M.Run()
	http.DefaultClient.CloseIdleConnections()
	return code
}

func TestMain(m *testing.M) { goleak.VerifyTestMain(tests{m}) }
