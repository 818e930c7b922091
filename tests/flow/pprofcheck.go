// Reads pprof files with Go's own parser, checks what the parser lets pass, and prints totals:
// "TYPE/UNIT TOTAL" for each sample type, then "samples N", "locations N", "functions N", "mappings N".
package main

import (
	"fmt"
	"os"
	"strconv"

	"github.com/google/pprof/profile"
)

var labels = map[string]bool{"process_id": true, "thread id": true, "process_name": true, "thread_name": true}

func fail(format string, args ...interface{}) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(1)
}

func checkSample(s *profile.Sample) {
	if len(s.Location) == 0 {
		fail("a sample without a stack")
	}
	if len(s.NumLabel) != 0 {
		fail("numeric labels: %v", s.NumLabel)
	}
	for key := range s.Label {
		if !labels[key] {
			fail("unknown label '%s'", key)
		}
	}
	for _, key := range []string{"process_id", "thread id"} {
		if len(s.Label[key]) != 1 {
			fail("%d labels '%s' in one sample", len(s.Label[key]), key)
		}
		if _, err := strconv.ParseUint(s.Label[key][0], 10, 32); err != nil {
			fail("label '%s': %v", key, err)
		}
	}
}

func checkLocation(l *profile.Location) {
	if len(l.Line) == 0 {
		fail("location %d has no function", l.ID)
	}
	for _, line := range l.Line { // innermost first
		if line.Function == nil || line.Function.Name == "" {
			fail("location %d has a line without function", l.ID)
		}
	}
	m := l.Mapping
	if m != nil && (l.Address < m.Start || l.Address >= m.Limit) {
		fail("location %d at %#x is outside its mapping %s [%#x, %#x)", l.ID, l.Address, m.File, m.Start, m.Limit)
	}
}

func checkMappings(p *profile.Profile) {
	named := map[*profile.Mapping]bool{}
	for _, l := range p.Location {
		if l.Mapping != nil && l.Line[0].Function.Name[0] != '[' {
			named[l.Mapping] = true
		}
	}
	for _, m := range p.Mapping {
		if m.HasFunctions != named[m] {
			fail("mapping %s says has_functions=%v", m.File, m.HasFunctions)
		}
		if m.HasFilenames != m.HasLineNumbers || m.HasInlineFrames && !m.HasLineNumbers {
			fail("mapping %s promises lines by halves", m.File)
		}
	}
}

func main() {
	if len(os.Args) != 2 {
		fail("usage: pprofcheck FILE")
	}
	f, err := os.Open(os.Args[1])
	if err != nil {
		fail("%v", err)
	}
	p, err := profile.Parse(f)
	if err != nil {
		fail("profile.Parse: %v", err)
	}
	if err := p.CheckValid(); err != nil {
		fail("CheckValid: %v", err)
	}
	if p.TimeNanos <= 0 || p.DurationNanos <= 0 || p.Period <= 0 || p.PeriodType == nil {
		fail("time %d, duration %d, period %d", p.TimeNanos, p.DurationNanos, p.Period)
	}
	totals := make([]int64, len(p.SampleType))
	for _, s := range p.Sample {
		checkSample(s)
		for i, v := range s.Value {
			totals[i] += v
		}
	}
	for _, l := range p.Location {
		checkLocation(l)
	}
	checkMappings(p)
	for i, t := range p.SampleType {
		fmt.Printf("%s/%s %d\n", t.Type, t.Unit, totals[i])
	}
	fmt.Printf("samples %d\nlocations %d\nfunctions %d\nmappings %d\n",
		len(p.Sample), len(p.Location), len(p.Function), len(p.Mapping))
}
