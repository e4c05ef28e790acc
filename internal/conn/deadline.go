package conn

import (
	"errors"
	"os"
	"sync"
	"time"
)

// SetDeadline is that of [net.Conn].
func (c *Conn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline is that of [net.Conn].
func (c *Conn) SetReadDeadline(t time.Time) error { return c.reading.want(t) }

// SetWriteDeadline is that of [net.Conn].
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.writing.want(t) }

// A deadline is that of one direction of a connection. Setting it only notes
// what is wanted. The deadline of the connection beneath is touched when it would
// come too late, or has come too early: a server that sets half a minute with
// each request touches it twice a minute.
type deadline struct {
	set func(time.Time) error // of the connection beneath

	mu            sync.Mutex
	wanted, armed time.Time // zero for none
	waiting       int       // operations under way
}

func (d *deadline) want(t time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wanted = t
	if d.waiting > 0 && d.isLate() {
		return d.arm()
	}
	return nil
}

// isLate reports whether the connection beneath would wait for longer than it
// should.
func (d *deadline) isLate() bool {
	return !d.wanted.IsZero() && (d.armed.IsZero() || d.wanted.Before(d.armed))
}

func (d *deadline) arm() error {
	d.armed = d.wanted
	return d.set(d.armed)
}

// during runs an operation of the connection beneath, again if what has ended it
// is over but not what is wanted. It must not do anything twice.
func (d *deadline) during(operation func() error) error {
	for {
		if err := d.begin(); err != nil {
			return err
		}
		err := operation()
		if !d.end(err) {
			return err
		}
	}
}

func (d *deadline) begin() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.isLate() {
		if d.isOver() {
			return os.ErrDeadlineExceeded
		}
		if err := d.arm(); err != nil {
			return err
		}
	}
	d.waiting++
	return nil
}

// isOver reports whether the time that is wanted has come.
func (d *deadline) isOver() bool { return !d.wanted.IsZero() && !time.Now().Before(d.wanted) }

// end reports whether an operation that has ended in err is to go on.
func (d *deadline) end(err error) (again bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting--
	return err != nil && errors.Is(err, os.ErrDeadlineExceeded) && !d.isOver() && d.arm() == nil
}
