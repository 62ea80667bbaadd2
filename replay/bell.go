package replay

import "sync"

// A bell wakes the goroutine that waits for it. Rung often while nobody waits,
// it wakes once. Its zero value is ready; it is safe for concurrent use.
type bell struct {
	once sync.Once
	c    chan struct{} // capacity 1
}

// ring never blocks.
func (b *bell) ring() {
	select {
	case b.channel() <- struct{}{}:
	default:
	}
}

// rung returns what yields a value once it was rung; the same each time.
func (b *bell) rung() <-chan struct{} { return b.channel() }

func (b *bell) channel() chan struct{} {
	b.once.Do(func() { b.c = make(chan struct{}, 1) })
	return b.c
}
