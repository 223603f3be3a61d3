/*
 * The page, embedded in the binary: small static HTML, the same for everybody, and what it is made of, whose names hold
 * the hash of their content, so that a browser keeps them for ever.  Compressed for who takes gzip (RFC 9110, 12.5.3).
 */
#pragma once

struct exchange;

void web_page(struct exchange *x);       /* GET /, /join, /l/{} */
void web_page_asset(struct exchange *x); /* GET /assets/{} */
