/*
 * Through raw system calls, with the names of newer kernels' bits spelt out: headers are older than
 * the kernels that this runs on.
 */
#include "record/harden/files.h"

#include <linux/landlock.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/base/sanitized.h"

enum { ABI_REFER = 2, ABI_TRUNCATE = 3 };

#define READS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)

/* Everything of the first version, then what came with each. */
static uint64_t all_of(int abi)
{
	uint64_t bits = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1;

	if (abi >= ABI_REFER)
		bits |= UINT64_C(1) << 13;
	if (abi >= ABI_TRUNCATE)
		bits |= UINT64_C(1) << 14;
	return bits;
}

/* What is done in the output's directory: regular files come, grow, get names and go. */
static uint64_t needed(int abi)
{
	uint64_t bits = LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_MAKE_REG |
			LANDLOCK_ACCESS_FS_REMOVE_FILE | READS;

	return bits | (abi >= ABI_TRUNCATE ? UINT64_C(1) << 14 : 0);
}

int files_limit(enum files_limit limit, int dir_fd)
{
	int abi =
		(int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (abi <= 0 || SANITIZED)
		return 0;
	uint64_t handled = all_of(abi) & ~(uint64_t)(limit == FILES_WRITES ? READS : 0);
	struct landlock_ruleset_attr attr = { .handled_access_fs = handled };
	int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
	if (rules < 0)
		return 0;
	struct landlock_path_beneath_attr rule = { .allowed_access = needed(abi) & handled,
						   .parent_fd = dir_fd };
	bool done = dir_fd < 0 || syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH,
					  &rule, 0) == 0;
	done = done && syscall(SYS_landlock_restrict_self, rules, 0) == 0;
	close(rules);
	return done ? abi : 0;
}
