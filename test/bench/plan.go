package main

import "time"

// A plan says how long the benchmarks measure.
type plan struct {
	rounds    int           // over HTTP
	duration  time.Duration // of a round of one server
	warmup    time.Duration // before the first round of one server
	processes int           // rounds in process
	benchTime time.Duration // of one in-process benchmark
	calls     int           // of a round of one function
	starts    int           // of one function
}

// fullPlan takes about seven minutes, most of them in the rounds over HTTP. The
// rounds are many and short. Other load on the machine comes and goes within
// seconds, so it affects all servers of a round, or only a few rounds.
func fullPlan() plan {
	return plan{
		rounds: 27, duration: 200 * time.Millisecond, warmup: 300 * time.Millisecond,
		processes: 3, benchTime: 300 * time.Millisecond,
		calls: 1000, starts: 31,
	}
}

// quickPlan takes less than 90 seconds and is good for a first look.
func quickPlan() plan {
	return plan{
		rounds: 7, duration: 100 * time.Millisecond, warmup: 100 * time.Millisecond,
		processes: 1, benchTime: 100 * time.Millisecond,
		calls: 300, starts: 9,
	}
}
