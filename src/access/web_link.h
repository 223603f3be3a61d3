/*
 * What the holder of a link sees: its recording, or those of its call where the link is to all of them, and nothing else.
 *
 * The page at /l/NAME is the same for everybody and says nothing.  Its script sends the secret, which browsers keep
 * behind the '#', to /l/NAME/open, which answers what may be shown, and gives this browser a visit.  A player of
 * another product has no script: it is given /l/NAMESECRET/media.
 */
#pragma once

#include "base/compiler.h"
#include "catalog/catalog.h"

#include <stdbool.h>

struct exchange;

/*
 * Which recording is asked for: the link's own, or what `recording` of the query says, which web_link_play() and
 * web_link_look() judge.  False: it was refused, for nobody holds a link, or the query is malformed.
 */
bool web_link_recording(struct exchange *x, char out[SID_SIZE], bool *out_is_own) MUST_CHECK;
void web_link_open(struct exchange *x); /* POST /l/{name}/open {secret} */

/* Answers an exchange with the media of a recording. */
typedef void web_link_player(struct exchange *x, const char *recording_sid);
/* GET /l/{name or name and secret}/media: once the play is counted, play_media() answers; else it is refused. */
void web_link_play(struct exchange *x, web_link_player *play_media);
/* The same for what belongs to the media: whoever may play it may have it, and nothing is counted. */
void web_link_look(struct exchange *x, web_link_player *show);
