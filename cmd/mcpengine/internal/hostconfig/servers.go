package hostconfig

import "slices"

// A Listed server is an entry in a host's file, whoever has made it.
type Listed struct {
	// Name is the name of the entry.
	Name string
	// Program is the command line, or nil for a remote server.
	Program []string
	// Ours says that this program has made the entry.
	Ours bool
}

// A File is what one file of a host lists.
type File struct {
	// Name is the name of the file.
	Name string
	// Servers are its entries, by name. Entries that do not parse are left out.
	Servers []Listed
	// Err is why the file could not be read, or nil.
	Err error
}

// Listed reads the servers in the files of the host that exist. Ours is as in
// [Host.Status].
func (h *Host) Listed(e Environment, ours func(name string) (Server, bool)) []File {
	var all []File
	for _, name := range h.Files(e) {
		if !e.Exists(name) {
			continue
		}
		file := File{Name: name}
		file.Servers, file.Err = h.listed(e, name, ours)
		all = append(all, file)
	}
	return all
}

func (h *Host) listed(e Environment, file string, ours func(name string) (Server, bool)) ([]Listed, error) {
	doc, err := h.load(e, file)
	if doc == nil || err != nil {
		return nil, err
	}
	names, err := doc.names(h.path(doc)...)
	if err != nil {
		return nil, err
	}
	slices.Sort(names)
	var all []Listed
	for _, name := range slices.Compact(names) {
		data, err := doc.get(h.path(doc, name)...)
		if err != nil {
			continue
		}
		entry, err := readEntry(data)
		if err != nil {
			continue
		}
		s, known := ours(name)
		s.Name, s.Known = name, known
		all = append(all, Listed{Name: name, Program: entry.Program, Ours: owns(data, s)})
	}
	return all, nil
}
