"""The places of ddprof-record that call something, for failcall.py: which are in the program, and why
some of them are never met.
"""
import re
import subprocess

WRAPPED = set(
    'read pread recv recvmsg send sendmsg connect poll fork pipe pipe2 socketpair socket memfd_create signalfd '
    'dup dup2 ftruncate fallocate lseek rename renameat unlink unlinkat fstat stat lstat fstatat statvfs access '
    'faccessat readlink fgetxattr getcwd waitpid getrandom kill execvp execl fopen fclose fgets fwrite fputs '
    'fputc puts printf fprintf fflush opendir fdopendir readdir closedir close mmap munmap madvise pthread_create '
    'open openat ioctl fcntl prctl syscall write fdatasync fsync malloc calloc realloc aligned_alloc strdup '
    'strndup getrlimit setrlimit uname klogctl sysconf setpriority sched_setaffinity sched_getaffinity setgroups '
    'setresuid setresgid getresuid getresgid clock_getcpuclockid ZSTD_compressCCtx ZSTD_compress ZSTD_createCCtx '
    'ZSTD_initStaticCCtx'.split())

# function, or function:call -> why no call of it is met here
UNREACHED = {
    'mem_realloc:realloc': 'nobody in the recorder calls it but mem_grow, which is met',
    'toml_read:close': 'ddprof-report\'s way to open a file; the recorder opens its own',
    'log_set_output:close': 'messages are sent to a file once: there is none before to close',
    'open_directory:open': 'the second try after EACCES of the first, in a folder that only root may list',
    'control_open:close': 'the ack\'s descriptor, which is what failed',
    'options_complete:fwrite': 'the compiler\'s copy for an empty table of options',
    'output_free:close': 'the next file is made already, and never begun',
    'target_done:close': 'the pipes of a COMMAND that could not be forked and whose execve then failed too',
    'turn_tick:syscall': 'after a stretch of real time without sleep',
    'wait_for_child:kill': 'a seccomp supervisor that never answers: test record_denied',
    'wait_for_child:waitpid': 'the same',
    'check:close': 'a file replaced between its name and its opening: places.py',
}


def places(program):
    """{address after the call, in hex: (what is called, function that calls it)}"""
    ret, caller, called = {}, '', None
    code = subprocess.run(['objdump', '-d', '--no-show-raw-insn', program], capture_output=True, text=True).stdout
    for line in code.splitlines():
        word = line.split()
        if line.endswith('>:'):
            caller = re.sub(r'\.(part|cold|constprop|isra)\.?\d*', '', word[1][1:-2])
        elif called and word:
            ret[word[0].rstrip(':')] = called, caller
        match = re.search(r'call.*<(\w+)@plt>', line)
        called = match.group(1) if match and match.group(1) in WRAPPED else None
    return ret


def tail_calls(program):
    """How many calls leave no place to come back to: a build without -fno-optimize-sibling-calls."""
    code = subprocess.run(['objdump', '-d', '--no-show-raw-insn', program], capture_output=True, text=True).stdout
    return sum(m.group(1) in WRAPPED for m in re.finditer(r'\sjmp\s.*<(\w+)@plt>', code) if m)


def unreached(program, reached):
    """(number of places, [(function, call, place, reason or '')] of those not in `reached`)"""
    found = places(program)
    left = sorted((caller, called, site) for site, (called, caller) in found.items() if site not in reached)
    return len(found), [(caller, called, site, UNREACHED.get('%s:%s' % (caller, called), UNREACHED.get(caller, '')))
                        for caller, called, site in left]
