/*
 * Recordings that were given up because their private key was not here, or was another: queued anew once there is a key that
 * was not tried.  Which one was tried, the reason says by its fingerprint; so nothing is remembered, and a key that does
 * not fit either is tried once.  At start, and when keys have changed.
 */
#pragma once

#include "keeping/sweep.h"

extern const struct sweep_table unlocking_table;
