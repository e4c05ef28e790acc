package mcpengine

import (
	"maps"
	"slices"
	"sync"

	"github.com/mcpengine/mcpengine/internal/protocol"
)

// A table is features of one kind, in the order of their registration. A copy
// made by [table.snapshot] never changes, and shares with the table what has not
// changed since: a change costs what it changes, and not what there is.
type table[T listed] struct {
	list   []T // never changed in place, but for what is appended
	names  index[T]
	next   int // the number of the feature that is added next
	pages  *sync.Map
	stable int // features at the start of list that have not changed since the last snapshot
}

// add adds a feature unless its key is taken.
func (t *table[T]) add(f T) error {
	if other, ok := t.names.get(f.key()); ok {
		return taken(other.base())
	}
	t.next++
	*f.number() = t.next
	t.names.set(f.key(), f)
	t.list = append(t.list, f)
	return nil
}

func (t *table[T]) remove(keys []string) (removed []listed) {
	for _, key := range keys {
		f, ok := t.names.get(key)
		if !ok {
			continue
		}
		i := t.after(f) - 1
		t.list = slices.Concat(t.list[:i], t.list[i+1:])
		t.names.remove(key)
		t.stable = min(t.stable, i)
		removed = append(removed, f)
	}
	return removed
}

// after returns the index behind a feature of the table.
func (t *table[T]) after(f T) int {
	i, _ := slices.BinarySearchFunc(t.list, *f.number(), func(g T, number int) int { return *g.number() - number })
	return i + 1
}

// snapshot returns the table as it is now.
func (t *table[T]) snapshot() table[T] {
	pages := new(sync.Map)
	if t.pages != nil {
		t.pages.Range(func(key, value any) bool {
			if value.(keptPage).end <= t.stable {
				pages.Store(key, value)
			}
			return true
		})
	}
	t.pages, t.stable = pages, len(t.list)
	return table[T]{list: slices.Clip(t.list), names: t.names.snapshot(), pages: pages}
}

// A pageKey is where a page begins, in one version.
type pageKey struct {
	version *protocol.Version
	start   int
}

// A keptPage is the text of a page, and where it ends.
type keptPage struct {
	text []byte
	end  int
}

// page returns the definitions from start to end as they stand in a list, and
// what comes after them in a response. It is made when it is first needed, and
// kept as long as none of its features changes. Only a snapshot has pages.
func (t *table[T]) page(v *protocol.Version, start, end int, rest []byte) []byte {
	key := pageKey{v, start}
	if kept, ok := t.pages.Load(key); ok && kept.(keptPage).end == end {
		return kept.(keptPage).text
	}
	made := slices.Concat(joinDefinitions(nil, t.list[start:end], v), []byte("]"), rest, []byte("}"))
	t.pages.Store(key, keptPage{made, end})
	return made
}

func joinDefinitions[T listed](dst []byte, list []T, v *protocol.Version) []byte {
	for i, f := range list {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, f.wire(v)...)
	}
	return dst
}

// An index finds features by their keys. It consists of a large map that
// snapshots share, and of the few changes since that one was made.
type index[T any] struct {
	base    map[string]T
	changes map[string]entry[T]
}

// An entry is what has become of a key.
type entry[T any] struct {
	feature T
	removed bool
}

func (x *index[T]) get(key string) (f T, ok bool) {
	if c, ok := x.changes[key]; ok {
		return c.feature, !c.removed
	}
	f, ok = x.base[key]
	return f, ok
}

// getBytes is get without a string.
func (x *index[T]) getBytes(key []byte) (f T, ok bool) {
	if c, ok := x.changes[string(key)]; ok {
		return c.feature, !c.removed
	}
	f, ok = x.base[string(key)]
	return f, ok
}

func (x *index[T]) set(key string, f T) { x.change(key, entry[T]{feature: f}) }
func (x *index[T]) remove(key string)   { x.change(key, entry[T]{removed: true}) }
func (x *index[T]) change(key string, c entry[T]) {
	if x.changes == nil {
		x.changes = make(map[string]entry[T])
	}
	x.changes[key] = c
}

// minChanges is how many changes an index keeps at least before it makes a new
// large map. With many features it keeps more, so that what a change costs grows
// with the square root of their number.
const minChanges = 64

func (x *index[T]) snapshot() index[T] {
	if n := len(x.changes); n > minChanges && n*n > len(x.base) {
		base := maps.Clone(x.base)
		if base == nil {
			base = make(map[string]T, n)
		}
		for key, c := range x.changes {
			if c.removed {
				delete(base, key)
			} else {
				base[key] = c.feature
			}
		}
		x.base, x.changes = base, nil
	}
	return index[T]{x.base, maps.Clone(x.changes)}
}
