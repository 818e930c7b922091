"""The programs that are recorded. Scale 1 runs 5-10 s on a 2-core machine; 4 gives captures for reports."""
import contextlib
import os
import signal
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
BENCH = os.environ.get('BENCH', os.path.join(os.environ.get('TMPDIR', '/tmp'), 'ddprof-bench'))
BIN, IN, OUT, DATA = (os.path.join(BENCH, d) for d in ('bin', 'in', 'out', 'data'))

WHAT = {
    'W1': 'cc1 -O2 (stripped C)',
    'W2': 'GraphicsMagick batch',
    'W3': 'clang++-14 on templates',
    'W3t': 'C++ threads, -O2 -g',
    'W4': 'redis-server, attached',
    'W5': 'sqlite speedtest1, -O2 -g',
    'W6': 'process churn',
    'W7': 'JVM, C2 compiler threads',
}
ALL = list(WHAT)

REDIS_PORT = 17379


def command(name, scale):
    """(argv, environment to add) of a workload that runs by itself."""
    if name == 'W1':
        cc1 = subprocess.run(['gcc', '-print-prog-name=cc1'], capture_output=True, text=True,
                             check=True).stdout.strip()
        if scale > 1:
            return [cc1, '-quiet', '-fpreprocessed', '-O2', f'{IN}/sqlite3.i', '-o', '/dev/null'], {}
        one = f'{cc1} -quiet -fpreprocessed -O2 {IN}/shell.i -o /dev/null'
        return ['sh', '-c', ' && '.join([one] * max(1, int(2 * scale)))], {}
    if name == 'W2':
        batch = f'{OUT}/w2.gm'
        with open(batch, 'w', encoding='utf-8') as f:
            f.write(f'convert {IN}/p.miff -blur 4x2 -resize 140% -sharpen 2x1 {OUT}/o.mpc\n'
                    * int(9 * scale))
        return ['gm', 'batch', '-echo', 'off', batch], {'OMP_NUM_THREADS': '1'}
    if name == 'W3':
        if scale < 1:
            options = '-O0 -DDEPTH=2'
        else:
            options = '-O2 -DDEPTH=6'
        one = f'clang++-14 -std=c++17 -g {options} -c {IN}/w3.cpp -o {OUT}/w3.o'
        return ['sh', '-c', ' && '.join([one] * max(1, round(scale)))], {}
    if name == 'W3t':
        return [f'{BIN}/w3mt', '2', str(int(1200 * scale))], {}
    if name == 'W5':
        return [f'{BIN}/speedtest1', '--size', str(int(250 * scale)), ':memory:'], {}
    if name == 'W6':
        return ['sh', f'{HERE}/programs/churn.sh', str(int(200 * scale))], {}
    if name == 'W7':
        java = '/usr/lib/jvm/java-17-openjdk-amd64/bin/java'
        return [java, '-Xcomp', '-XX:-TieredCompilation', '-m', 'jdk.compiler/com.sun.tools.javac.Main',
                '-d', OUT, f'{IN}/H.java'], {}
    raise SystemExit(f"no workload '{name}', there are {' '.join(ALL)}")


@contextlib.contextmanager
def redis():
    """A redis-server of our own on the loopback; yields its pid."""
    server = subprocess.Popen(['redis-server', '--port', str(REDIS_PORT), '--bind', '127.0.0.1',
                               '--save', '', '--appendonly', 'no'], stdout=subprocess.DEVNULL)
    try:
        for _ in range(100):
            ping = subprocess.run(['redis-cli', '-p', str(REDIS_PORT), 'ping'], capture_output=True,
                                  check=False)
            if ping.stdout.startswith(b'PONG'):
                break
            time.sleep(0.05)
        yield server.pid
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait()


def redis_load(scale):
    """W4's load, run while a recorder is attached to the server."""
    n = int(300000 * scale)
    subprocess.run(['redis-benchmark', '-p', str(REDIS_PORT), '-n', str(n), '-r', '100000', '-P', '4',
                    '-t', 'set,get,lpush', '-q', '--csv'], stdout=subprocess.DEVNULL, check=True)
    subprocess.run(['redis-cli', '-p', str(REDIS_PORT), 'flushall'], stdout=subprocess.DEVNULL,
                   check=True)
