/*
 * What nginx does with a request, told: which server, which location, what is sent on, and which directives are in force
 * there, each with file and line.
 */
#pragma once

#include "base/buf.h"
#include "nginx/nginx_visit.h"

/* Adds "FILE:LINE". */
void nginx_place_text(const struct nginx_directive *directive, struct buf *out);
/* Half a sentence, of `visit` that was followed: "passed on to http://127.0.0.1:8080". */
void nginx_end_text(struct nginx_visit *visit, struct buf *out);
void nginx_explain_text(struct nginx_visit *visit, struct buf *out);
void nginx_explain_json(struct nginx_visit *visit, struct buf *out);
