/* Languages beside C++ and Rust. Private to report/symbol/: symbol_demangle() asks. */
#ifndef REPORT_SYMBOL_DEMANGLE_H
#define REPORT_SYMBOL_DEMANGLE_H

#include <stdbool.h>

#include "common/base/buf.h"

/* Both append to ret; false leaves it as it was. */
bool demangle_d(const char *name, struct buf *ret);
bool demangle_ocaml(const char *name, struct buf *ret);

#endif
