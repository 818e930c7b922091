/* `annotate`: not there yet. */
#include "report/cmd.h"

int cmd_annotate(struct command *c)
{
	(void)c;
	return command_usage("'annotate' is not there yet");
}
