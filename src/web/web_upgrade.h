/*
 * /api/upgrade, over the administrator's socket alone, for `callspool upgrade`: POST starts a successor of this process
 * (service/successor.h), GET says which process answers, and how the last upgrade failed.
 */
#pragma once

struct exchange;

void web_upgrade_begin(struct exchange *x);
void web_upgrade_show(struct exchange *x);
