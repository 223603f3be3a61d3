/*
 * What the groups that a trusted proxy names may do: proxy.admins and proxy.listeners are lists of groups, "*" in
 * one is anybody who is named.  Pure.
 */
#pragma once

#include "auth/auth_options.h"
#include "base/str.h"

#include <stdint.h>

/* `groups`: separated by commas, blanks around them do not count.  0: none of them may do anything. */
uint16_t proxy_groups_rights(const struct auth_options *options, struct str groups);
