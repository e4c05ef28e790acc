package bundle

import (
	"bytes"
	"debug/macho"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// sliceAlign is where the parts of a universal binary begin: at multiples of the page
// of arm64, the larger one.
const sliceAlign = 14 // a power of two

// universal returns one program for several architectures, from the programs for each:
// a header, which is big-endian whatever the architectures are, and the programs as
// they are, so that their signatures stay good.
func universal(programs ...[]byte) ([]byte, error) {
	const headerSize, entrySize = 8, 20
	header := binary.BigEndian.AppendUint32(nil, macho.MagicFat)
	header = binary.BigEndian.AppendUint32(header, uint32(len(programs)))
	offset := uint64(headerSize + entrySize*len(programs))
	var offsets []uint64
	seen := map[macho.Cpu]bool{}
	for _, program := range programs {
		file, err := macho.NewFile(bytes.NewReader(program))
		if err != nil {
			return nil, fmt.Errorf("read a program for macOS: %w", err)
		}
		if file.Type != macho.TypeExec || seen[file.Cpu] {
			return nil, fmt.Errorf("a universal binary takes one program for each architecture, and not %s for %s twice", file.Type, file.Cpu)
		}
		seen[file.Cpu] = true
		offset = (offset + 1<<sliceAlign - 1) &^ (1<<sliceAlign - 1)
		offsets = append(offsets, offset)
		if offset+uint64(len(program)) > math.MaxUint32 {
			return nil, errors.New("a universal binary is smaller than 4 GiB")
		}
		for _, field := range []uint32{uint32(file.Cpu), file.SubCpu, uint32(offset), uint32(len(program)), sliceAlign} {
			header = binary.BigEndian.AppendUint32(header, field)
		}
		offset += uint64(len(program))
	}
	out := make([]byte, offset)
	copy(out, header)
	for i, program := range programs {
		copy(out[offsets[i]:], program)
	}
	return out, nil
}
