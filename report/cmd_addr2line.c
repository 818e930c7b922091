/* `addr2line`: not there yet. */
#include "report/cmd.h"

int cmd_addr2line(int argc, char **argv)
{
	(void)argc, (void)argv;
	return command_usage("'addr2line' is not there yet");
}
