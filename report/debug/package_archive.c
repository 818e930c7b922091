/* The soname is that of every libarchive 3.x; the types in its headers have not changed in them. */
#include "report/debug/package_archive.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "common/base/bits.h"
#include "common/base/err.h"
#include "common/base/log.h"

#define LIBRARY "libarchive.so.13"

static struct archive_calls calls;

static bool find_calls(void *library)
{
	static const char *const name[] = {
#define CALL(name, type, takes) "archive_" #name,
		ARCHIVE_CALLS(CALL)
#undef CALL
	};
	void *found[N_ELEMENTS(name)];

	_Static_assert(sizeof(found) == sizeof(calls), "one pointer for each name");
	for (size_t i = 0; i < N_ELEMENTS(name); i++) {
		found[i] = dlsym(library, name[i]);
		if (!found[i]) {
			log_debug("debug", "missing in " LIBRARY ": function='%s'", name[i]);
			return false;
		}
	}
	memcpy(&calls, found, sizeof(calls));
	return true;
}

int archive_load(const struct archive_calls **ret, struct err *err)
{
	static enum { UNTRIED, THERE, ABSENT } state;

	if (state == UNTRIED) {
		void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);

		state = library && find_calls(library) ? THERE : ABSENT;
	}
	if (state == ABSENT)
		return err_set(err, -ENOTSUP,
			       "packages cannot be read: " LIBRARY
			       " is not installed (Debian: libarchive13)");
	*ret = &calls;
	return 0;
}
