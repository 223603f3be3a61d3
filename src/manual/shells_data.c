#include "manual/shells_data.h"

/* The assembler copies the file in; meson rebuilds this object when one changes. */
#define EMBED(shell)                                                 \
	__asm__(".pushsection .rodata\n"                             \
		".globl shells_" #shell "\n"                         \
		"shells_" #shell ":\n"                               \
		".incbin \"" SHELLS_DIR "/completion." #shell "\"\n" \
		".byte 0\n"                                          \
		".popsection\n")

EMBED(bash);
EMBED(zsh);
EMBED(fish);
