#!/bin/sh
# Real runtimes describe their code: node's perf map and jitdump, the JVM's perf map.
. "$(dirname "$0")/lib.sh"
. "$targets/truth.sh"
need_report
need_perf

anon() {
	share '(^|;)\[anon\]$'
}

named() {
	at_least "$1: samples in its functions" "$(share "$2")" 0.80
	at_least "$1: samples that are not [anon]" "$(anon | awk '{ print 1 - $1 }')" 0.99
	pass "$1: $(anon) of the samples have no name"
}

ran=
if command -v node >/dev/null 2>&1; then
	cat >work.js <<'END'
function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
function hash(s) { let h = 0; for (let i = 0; i < s.length; i++) h = (h * 31 + s.charCodeAt(i)) | 0; return h; }
const big = 'x'.repeat(100000), spent = () => process.cpuUsage().user;
let sum = 0;
while (spent() < 1800000) sum += fib(20) + hash(big);
console.log('pid', process.pid);
END
	for form in --perf-basic-prof --perf-prof; do
		profile node $form work.js
		named "node $form" '(fib|hash|work\.js)'
		rm -f "/tmp/perf-$(awk '{ print $2 }' "$tmp/truth").map"
	done
	profile node work.js
	"$report" rec | grep -q 'made by node that was not described: .*--perf-basic-prof' ||
		fail "no advice for node: $("$report" rec | tail -n 2)"
	pass "node without a description: the report says how to get one"
	ran=1
fi
if command -v javac >/dev/null 2>&1; then
	cat >Work.java <<'END'
public class Work {
	static int fib(int n) { return n < 2 ? n : fib(n - 1) + fib(n - 2); }
	public static void main(String[] args) {
		var threads = java.lang.management.ManagementFactory.getThreadMXBean();
		long sum = 0;
		while (threads.getCurrentThreadCpuTime() < 1500000000L) sum += fib(22);
		System.out.println("pid " + ProcessHandle.current().pid() + " " + sum);
	}
}
END
	if javac Work.java 2>javac.log && java -XX:+UnlockDiagnosticVMOptions -XX:+DumpPerfMapAtExit \
		-version >java.log 2>&1; then
		profile java -XX:+UnlockDiagnosticVMOptions -XX:+DumpPerfMapAtExit \
			-XX:+PreserveFramePointer -cp . Work
		named "JVM, perf map at exit" 'Work\.fib'
		rm -f "/tmp/perf-$(awk '{ print $2 }' "$tmp/truth").map"
		ran=1
	fi
fi
[ -n "$ran" ] || skip "neither node nor a JDK from 17 on is installed"
