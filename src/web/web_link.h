/*
 * What the holder of a link sees: its recording, and nothing else.
 *
 * The page at /l/NAME is the same for everybody and says nothing.  Its script sends the secret, which browsers keep
 * behind the '#', to /l/NAME/open, which answers what may be shown, and gives this browser a visit.  A player of
 * another product has no script: it is given /l/NAMESECRET/media.
 */
#pragma once

struct exchange;

void web_link_open(struct exchange *x);  /* POST /l/{name}/open {secret} */
void web_link_media(struct exchange *x); /* GET /l/{name or name and secret}/media */
