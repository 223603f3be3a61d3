/*
 * The dialogues, as files taken into the binary by the assembler: no generated source
 * of five times their size, and both compilers can.  The build does not see that this file depends
 * on them: touch it after tools/make-speech.
 */
#include "sim/sim_speech.h"

#define EMBED(name)                                              \
	__asm__(".section .rodata\n"                             \
		".balign 16\n"                                   \
		"sim_speech_" #name ":\n"                        \
		".incbin \"" SIM_SPEECH_DIR "/" #name ".mp3\"\n" \
		"sim_speech_" #name "_end:\n"                    \
		".byte 0\n"                                      \
		".previous\n");                                  \
	extern const char sim_speech_##name[], sim_speech_##name##_end[]

EMBED(appointment);
EMBED(complaint);
EMBED(delivery);
EMBED(internet);
EMBED(invoice);
EMBED(order_status);
EMBED(password);
EMBED(restaurant);
EMBED(shalom);
EMBED(survey);

/* clang-format off */
#define DIALOGUE(name) { #name, sim_speech_##name, sim_speech_##name##_end }
/* clang-format on */

const struct sim_dialogue sim_dialogues[SIM_DIALOGUES] = {
	DIALOGUE(order_status), DIALOGUE(appointment), DIALOGUE(invoice), DIALOGUE(password),
	DIALOGUE(delivery),     DIALOGUE(restaurant),  DIALOGUE(survey),  DIALOGUE(complaint),
	DIALOGUE(internet),     DIALOGUE(shalom),
};
