/*
 * What a caller may do: six rights, and the two roles that people have.
 *
 * A route names the one right that it needs; a credential carries a mask of them.  Numbers are stored.
 */
#pragma once

#include "base/buf.h"
#include "base/compiler.h"
#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

enum right {
	RIGHT_PLAY = BIT(0),   /* hear recordings */
	RIGHT_READ = BIT(1),   /* the list of calls, their details, what changes */
	RIGHT_LINK = BIT(2),   /* make links for others */
	RIGHT_CHANGE = BIT(3), /* hold, delete, fetch again */
	RIGHT_STATUS = BIT(4), /* status and metrics */
	RIGHT_ADMIN = BIT(5),  /* users, tokens, the audit */
};
#define RIGHTS_LISTENER ((uint16_t)(RIGHT_PLAY | RIGHT_READ | RIGHT_LINK))
#define RIGHTS_ALL      ((uint16_t)0x3f)
#define RIGHTS_TEXT_MAX 64 /* all names, comma between them, and NUL */

enum role { ROLE_LISTENER = 1, ROLE_ADMIN = 2 };

uint16_t role_rights(enum role role);
const char *role_text(enum role role);
bool role_of_text(struct str text, enum role *out) MUST_CHECK;

/* "play,link" */
void rights_add_text(struct buf *buf, uint16_t rights);
/* The other way: names by comma, no blank, none twice; ERR_INVALID names the one that is none. */
bool rights_of_text(struct str text, uint16_t *out, struct err *err) MUST_CHECK;
