/* `convert`: not there yet. */
#include "report/cmd.h"

int cmd_convert(struct command *c)
{
	(void)c;
	return command_usage("'convert' is not there yet");
}
