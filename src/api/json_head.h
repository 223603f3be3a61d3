/*
 * The headers that every JSON answer has: it is nobody's to keep, to run, to frame, or to embed.
 */
#pragma once

struct exchange;

/* After reply_begin(). */
void json_head_add(struct exchange *x);
/* The same of an answer in XML. */
void xml_head_add(struct exchange *x);
