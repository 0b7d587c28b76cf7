/* SPDX-License-Identifier: MIT */
/* hostile VARIANT: runs an interpreter that is none (libraries/hostile_python.c), until it is
 * killed. */
#include <stdio.h>
#include <stdlib.h>

#include "hostile.h"

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	puts("ready");
	fflush(stdout);
	hostile_run((enum hostile)atoi(argv[1]));
}
