/*
 * A time for people: "250 ms", "25 s", "1.5 s", "10 min", "for ever".  Pure.
 */
#pragma once

#include <stdint.h>

#define DURATION_WORDS_SIZE 32

const char *duration_words(int64_t ms, char room[DURATION_WORDS_SIZE]);
