package event_test

import (
	"testing"

	"secretaria/internal/event"
	"secretaria/internal/event/eventtest"
)

func TestLocal(t *testing.T) {
	t.Parallel()
	eventtest.Run(t, func(*testing.T) event.Bus { return &event.Local{} })
}
