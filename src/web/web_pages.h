/*
 * GET /, /page.js, /page.css: the page, embedded in the binary.
 */
#pragma once

struct exchange;

void web_page(struct exchange *x);
