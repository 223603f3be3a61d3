/*
 * What mirrors hear of a flight.
 *
 * A update that is here leaves as soon as there is news; one that comes back leaves again at
 * once when something happened meanwhile, else it waits here.  Nothing is told of bytes that are
 * not known to be audio.
 */
#include "flights/flight_private.h"

#include "base/log.h"
#include "blob/blob.h"
#include "event/mailbox.h"
#include "flights/flight_env.h"
#include "media/arriving.h"

#include <fcntl.h>
#include <stdio.h>

/* What may be sent: nothing before it is known to be audio. */
bool flight_is_flowing(const struct flight *flight)
{
	return flight->arrival.file &&
	       (flight->arrival.sniff.kind == AUDIO_MP3 || flight->arrival.sniff.kind == AUDIO_WAV);
}

/*
 * How much may be sent.  The last byte is held back until the recording is kept: when the
 * upstream lied about the length, or the whole turns out to be a fragment, the players' connections
 * close short, and nobody was given a complete answer that was wrong.
 */
static uint64_t sendable(const struct flight *flight)
{
	uint64_t here = flight->arrival.file->size;

	return flight->state != FLIGHT_STORED && here > 0 && here == flight->arrival.length
		       ? here - 1
		       : here;
}

static void fill_media(const struct flight *flight, struct media *media)
{
	const struct arrival *arrival = &flight->arrival;

	*media = (struct media){
		.channels = (int)arrival->sniff.channels,
		.size = arrival->length == DOWNLOAD_LENGTH_UNKNOWN ? MEDIA_SIZE_UNKNOWN
								   : arrival->length,
		.generation = flight->generation,
		.modified_at_ms = flight->generation_at_ms,
		.kept = flight->retained,
		.fd = -1,
	};
	memcpy(media->recording_sid, flight->recording_sid, SID_SIZE);
	memcpy(media->call_sid, flight->call_sid, SID_SIZE);
	snprintf(media->format, sizeof(media->format), "%s", audio_extension(arrival->sniff.kind));
	media_name(media);
}

/*
 * Each receiver gets a descriptor of its own, once a generation; a duplicate, for the file may be being renamed.
 * Where none is left, it is tried again with each arrival, and told once.
 */
static void give_descriptor(const struct flight *flight, struct flight_update *update)
{
	bool lacked = update->lacks_descriptor;

	if (update->generation_sent == flight->generation)
		return;
	update->news.media.fd = fcntl(flight->arrival.reader_fd, F_DUPFD_CLOEXEC, 0);
	update->lacks_descriptor = update->news.media.fd < 0;
	if (!update->lacks_descriptor)
		update->generation_sent = flight->generation;
	else if (!lacked)
		log_error(NULL, "cannot let players of %s follow: no descriptor is left",
			  flight->recording_sid);
}

/* The same for the parts ahead. */
static void give_seeks(const struct flight *flight, struct flight_update *update)
{
	for (int i = 0; i < SEEKS_MAX; i++) {
		const struct seek *seek = &flight->seeks.at[i];
		struct news_seek *news = &update->news.seeks[i];

		*news = (struct news_seek){ .fd = -1 };
		if (seek->id == 0)
			continue;
		if (update->seeks_sent[i] != seek->id) {
			news->fd = fcntl(seek->fd, F_DUPFD_CLOEXEC, 0);
			if (news->fd < 0) {
				update->seeks_lacked[i] = seek->id; /* they wait for the flight */
				continue;
			}
		}
		update->seeks_sent[i] = news->id = seek->id;
		news->first = seek->first;
		news->arrived = seek->arrived;
	}
}

/* Other processes are told of what is fetched here, and sent on to nobody else. */
static bool is_elsewhere(const struct flight *flight, const struct flight_update *update)
{
	return update->is_of_peer && !flight->holds_lease;
}

void flight_update_refuse(struct flight_update *update)
{
	update->news = (struct news){ .media.fd = -1, .is_elsewhere = true, .is_last = true };
	update->mail.deliver = update->came_to_mirror;
	mailbox_post(update->mirror_mailbox, &update->mail);
}

static void send_baton(struct flight *flight, struct flight_update *update)
{
	struct news *news = &update->news;

	if (is_elsewhere(flight, update)) {
		list_remove(&update->link);
		flight->mirror_count--;
		flight_update_refuse(update);
		return;
	}
	*news = (struct news){ .media.fd = -1,
			       .is_pointless = flight->is_pointless,
			       .is_last = flight_is_over(flight) };
	memcpy(news->reason_code, flight->reason_code, sizeof(news->reason_code));
	memcpy(news->reason_text, flight->reason_text, sizeof(news->reason_text));
	if (flight_is_flowing(flight)) {
		fill_media(flight, &news->media);
		give_descriptor(flight, update);
		give_seeks(flight, update);
		news->is_flowing = update->generation_sent == flight->generation;
		news->arrived = sendable(flight);
		/* Whole only once it is kept: before that a flaw may still be found. */
		news->is_complete = flight->state == FLIGHT_STORED;
	}
	list_remove(&update->link);
	if (news->is_last)
		flight->mirror_count--;
	update->mail.deliver = update->came_to_mirror;
	mailbox_post(update->mirror_mailbox, &update->mail);
}

/* Something changed that players want to know: every update that is here leaves; the others when they come. */
void flight_tell(struct flight *flight)
{
	LIST_EACH (item, &flight->updates)
		send_baton(flight, container_of(item, struct flight_update, link));
}

static bool knows_seeks(const struct flight *flight, const struct flight_update *update)
{
	for (int i = 0; i < SEEKS_MAX; i++)
		if (update->seeks_lacked[i] != flight->seeks.at[i].id &&
		    (update->news.seeks[i].id != flight->seeks.at[i].id ||
		     update->news.seeks[i].arrived != flight->seeks.at[i].arrived))
			return false;
	return true;
}

/* Has this update's mirror heard everything? */
static bool knows_all(const struct flight *flight, const struct flight_update *update)
{
	const struct news *news = &update->news;
	bool is_flowing = flight_is_flowing(flight);

	if (flight_is_over(flight) || is_elsewhere(flight, update))
		return false;
	if (strcmp(news->reason_text, flight->reason_text) != 0 ||
	    news->is_pointless != flight->is_pointless)
		return false;
	/* To send it off again at once would go on for ever: it waits for more to arrive, like the others. */
	if (is_flowing && update->lacks_descriptor)
		return news->arrived == sendable(flight);
	if (is_flowing != news->is_flowing)
		return false;
	return !is_flowing ||
	       (news->arrived == sendable(flight) &&
		update->generation_sent == flight->generation && knows_seeks(flight, update));
}

void flight_take_update(struct flight *flight, struct flight_update *update)
{
	list_append(&flight->updates, &update->link);
	for (int i = 0; i < SEEKS_MAX; i++)
		seeks_used(&flight->seeks, update->seeks_used[i]);
	if (!knows_all(flight, update))
		send_baton(flight, update);
}

/* ---- for whoever looks at all of them ---- */

void flight_show(struct flight *flight)
{
	const struct arrival *arrival = &flight->arrival;
	struct arriving arriving = {
		.started_at_ms = flight->retained.started_at_ms,
		.bytes = arrival->file ? arrival->file->size : 0,
		.total = arrival->length == DOWNLOAD_LENGTH_UNKNOWN ? ARRIVING_TOTAL_UNKNOWN
								    : arrival->length,
	};

	memcpy(arriving.recording_sid, flight->recording_sid, SID_SIZE);
	memcpy(arriving.call_sid, flight->call_sid, SID_SIZE);
	arriving_set(flight->env->arriving, &arriving);
	flight->is_shown = true;
}

void flight_hide(struct flight *flight)
{
	if (flight->is_shown)
		arriving_end(flight->env->arriving, flight->recording_sid);
	flight->is_shown = false;
}

void flight_clear_reason(struct flight *flight)
{
	flight->reason_code[0] = flight->reason_text[0] = '\0';
	flight->is_pointless = false;
}

void flight_set_reason(struct flight *flight, const char *code, const char *text, bool is_pointless)
{
	str_fit(str_of(code), flight->reason_code, sizeof(flight->reason_code));
	str_fit(str_of(text), flight->reason_text, sizeof(flight->reason_text));
	flight->is_pointless = is_pointless;
}
