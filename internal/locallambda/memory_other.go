//go:build !linux

package locallambda

func peakMemory(*instance) int { return 0 }
