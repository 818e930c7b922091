"""
Run by gdb (gdb -batch -nx -x vote_gdb.py FILE): source frames of the addresses listed in $VOTE_IN, as lines
of JSON into $VOTE_OUT: [address, [[name, file, line], ...]], innermost first.

gdb keeps for the function of an inlined block where it was called: its symbol's line and symbol table are
the call's, and those of an ordinary function its declaration's.
"""
import json
import os

import gdb


def function_blocks(block, pc):
    """Blocks of functions around pc, innermost first, as far as they hold pc."""
    while block is not None and not block.is_static and not block.is_global:
        if not block.start <= pc < block.end:
            return
        if block.function is not None:
            yield block
        block = block.superblock


def place(symtab, line):
    return [symtab.fullname() if symtab is not None and line else '??', line or 0]


def frames(pc):
    sal = gdb.find_pc_line(pc)
    at = place(sal.symtab, sal.line)
    out = []
    for block in function_blocks(gdb.block_for_pc(pc), pc):
        f = block.function
        out.append([f.linkage_name, *at])
        at = place(f.symtab, f.line)
    if not out:
        text = gdb.execute(f'info symbol {pc:#x}', to_string=True)
        out.append(['??' if text.startswith('No symbol') else text.split(' in section')[0].split(' + ')[0], *at])
    return out


def main():
    gdb.execute('set print asm-demangle off')
    gdb.execute('set demangle-style none' if os.environ.get('VOTE_PLAIN') else 'set print demangle off')
    with open(os.environ['VOTE_IN'], encoding='ascii') as f:
        addresses = [int(line, 16) for line in f]
    with open(os.environ['VOTE_OUT'], 'w', encoding='utf-8') as out:
        for pc in addresses:
            try:
                found = frames(pc)
            except gdb.error:
                found = [['??', '??', 0]]
            print(json.dumps([pc, found]), file=out)


main()
