package replay

import (
	"sync"
	"testing"
)

func TestBell(t *testing.T) {
	var b bell
	var ringers sync.WaitGroup
	for range 10 {
		ringers.Go(b.ring)
	}
	ringers.Wait()
	select {
	case <-b.rung():
	default:
		t.Fatal("it was rung, and wakes nobody")
	}
	select {
	case <-b.rung():
		t.Error("rung while nobody waited, it wakes twice")
	default:
	}
	b.ring()
	<-b.rung()
}
