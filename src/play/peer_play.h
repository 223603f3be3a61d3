/*
 * What other processes on the same ledger ask of this one: a recording on its way here, as it comes.
 *
 * They come over a listener of their own (cluster_listen), on which there is nothing else; on all others there is nothing at this address.
 * They show the token that this process has put into the ledger.  What is answered is what a player would be, Range
 * and If-Match included, and besides:
 *
 *	Callspool-Generation, Callspool-Generation-At     of what is sent
 *	421     it is not fetched here; nobody else is asked for it
 *	503     nothing of it is here yet, with the reason that players are told; Callspool-Pointless: 1 where waiting does not help
 *
 * The head is withheld until it can be kept, for PEER_PATIENCE_MS at most, and where it is known why nothing comes not at all: then
 * 503, and they ask again, so that many who wait take no connections from those who hear something.  No limit of players counts, and
 * no play: who plays is theirs to say.
 */
#pragma once

#include "http/http_app.h"

struct media;

#define PEER_PATIENCE_MS 5000

/* What is served there, for http_server_open(). */
void peer_app_init(struct http_app *app);
/* media_reply_prepare(), and what is said of it to them. */
void peer_media_prepare(struct media *media);
