/*
 * What fails here ends the test: MUST(call(..., &err)), where the test has an `err`.
 */
#pragma once

#include <stdio.h>
#include <stdlib.h>

#define MUST(call)                                                                                \
	do {                                                                                      \
		if (!(call)) {                                                                    \
			printf("Bail out! %s:%d: %s: %s\n", __FILE__, __LINE__, #call, err.text); \
			exit(1);                                                                  \
		}                                                                                 \
	} while (0)
