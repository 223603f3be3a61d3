/*
 * Part of the group `playback`: what of a player's request arrives at callspool.  One of the doctor's calls is answered with
 * the head of the request as callspool read it, so that what a proxy does to it is seen, whatever proxy it is.
 */
#pragma once

#include "doctor/check.h"

void check_sign_in(struct deployment *deployment, struct report *report);
void check_forged_sign_in(struct deployment *deployment, struct report *report);
void check_range_arrives(struct deployment *deployment, struct report *report);
void check_version_arrives(struct deployment *deployment, struct report *report);
void check_connection_kept(struct deployment *deployment, struct report *report);
void check_target_arrives(struct deployment *deployment, struct report *report);
void check_host_arrives(struct deployment *deployment, struct report *report);
void check_client_arrives(struct deployment *deployment, struct report *report);
