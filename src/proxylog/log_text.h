/*
 * What logs tell, for people: what happened most, when, what it means and what cures it, then the newest that failed, and the
 * verdict, whose first line names the cause.
 */
#pragma once

#include "proxylog/log_story.h"

#include <stdio.h>

void log_text_print(struct log_story *story, FILE *to);
