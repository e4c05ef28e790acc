package http1

import (
	"sync"
	"time"
)

// A pool keeps idle connections. Its zero value is ready to use.
type pool struct {
	mu    sync.Mutex
	idle  map[string][]*conn // by host, the one used last at the end
	count int
	late  *time.Timer // closes those that are idle for too long; nil for none
}

// take returns the connection to a host that was used last, and nil for none.
func (p *pool) take(host string) *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	conns := p.idle[host]
	if len(conns) == 0 {
		return nil
	}
	c := conns[len(conns)-1]
	conns[len(conns)-1] = nil
	p.idle[host] = conns[:len(conns)-1]
	p.count--
	return c
}

// put keeps a connection and reports whether there was room.
func (p *pool) put(c *conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.count >= maxIdle {
		return false
	}
	if p.idle == nil {
		p.idle = make(map[string][]*conn)
	}
	c.since = time.Now()
	p.idle[c.host] = append(p.idle[c.host], c)
	p.count++
	if p.late == nil {
		p.late = time.AfterFunc(idleTime, p.expire)
	}
	return true
}

// expire closes what has been idle for too long, and looks again when the next
// one will have been.
func (p *pool) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.late == nil {
		return // all are closed
	}
	p.late = nil
	now, wait := time.Now(), idleTime
	for host, conns := range p.idle {
		old := 0
		for old < len(conns) && now.Sub(conns[old].since) >= idleTime {
			conns[old].Close()
			old++
		}
		p.count -= old
		if old == len(conns) {
			delete(p.idle, host)
			continue
		}
		p.idle[host] = append([]*conn(nil), conns[old:]...)
		wait = min(wait, idleTime-now.Sub(conns[old].since))
	}
	if p.count > 0 {
		p.late = time.AfterFunc(wait, p.expire)
	}
}

// closeAll closes every connection.
func (p *pool) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.late != nil {
		p.late.Stop()
		p.late = nil
	}
	for _, conns := range p.idle {
		for _, c := range conns {
			c.Close()
		}
	}
	p.idle, p.count = nil, 0
}
