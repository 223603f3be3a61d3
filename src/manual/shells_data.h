/*
 * The completions for each shell as templates, in the binary: shells/completion.*.  @word@ in them is a slot that is filled
 * from the tables of commands and settings.
 */
#pragma once

extern const char shells_bash[], shells_zsh[], shells_fish[]; /* NUL-terminated */
