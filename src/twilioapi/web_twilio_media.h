/*
 * GET|HEAD /2010-04-01/Accounts/{AccountSid}/Recordings/{RecordingSid}[.mp3|.wav]
 *
 * The media at the address that Twilio's callbacks tell: without an ending as it is kept, else in that format or not at
 * all.  Plays as any other (play/web_media.h); RequestedChannels and the like count for nothing.
 */
#pragma once

struct exchange;

void web_twilio_media(struct exchange *x);
void web_twilio_mp3(struct exchange *x);
void web_twilio_wav(struct exchange *x);
