#include "web/routes.h"

#include "access/web_audit.h"
#include "access/web_grants.h"
#include "access/web_link.h"
#include "access/web_session.h"
#include "access/web_users.h"
#include "api/web.h"
#include "base/compiler.h"
#include "live/web_events.h"
#include "migrate/web_migration.h"
#include "muster/web_processes.h"
#include "play/web_heard.h"
#include "play/web_media.h"
#include "play/web_probes.h"
#include "play/web_waveform.h"
#include "twilioapi/web_twilio_calls.h"
#include "twilioapi/web_twilio_media.h"
#include "twilioapi/web_twilio_recordings.h"
#include "web/web_adopt.h"
#include "web/web_calls.h"
#include "web/web_health.h"
#include "web/web_health_check.h"
#include "web/web_imports.h"
#include "web/web_keys.h"
#include "web/web_metrics.h"
#include "web/web_notices.h"
#include "web/web_pages.h"
#include "web/web_purge.h"
#include "web/web_recording_change.h"
#include "web/web_retry.h"
#include "web/web_upgrade.h"
#include "web/web_verifications.h"
#include "web/web_webhooks.h"

#define GET      (BIT(HTTP_GET) | BIT(HTTP_HEAD))
#define WATCH    BIT(HTTP_GET) /* what answers when something happens has no head beforehand */
#define POST     BIT(HTTP_POST)
#define DELETE   BIT(HTTP_DELETE)
#define CALLBACK (BIT(HTTP_GET) | BIT(HTTP_POST))

/* Twilio's callbacks are under 2 KiB; encryption details and unknown fields leave room. */
#define CALLBACK_BODY  (64 * 1024)
#define CALLBACK_TYPES "application/x-www-form-urlencoded application/json"

/* A name, two passwords of 256 characters of four bytes, a note. */
#define JSON_BODY (8 * 1024)
#define JSON_TYPE "application/json"

const struct http_route web_routes[] = {
	{ GET, "/api/recordings/{}/media", web_recording_media, .access = WEB_PLAY },
	{ GET, "/api/recordings/{}/waveform", web_recording_waveform, .access = WEB_PLAY },
	{ GET, "/api/calls/{}/download", web_call_download, .access = WEB_PLAY },

	{ POST, "/api/probes", web_probes_begin, JSON_BODY, JSON_TYPE, WEB_LOCAL },

	{ POST, "/api/recordings/{}/adopt", web_recording_adopt, JSON_BODY, JSON_TYPE, WEB_ADMIN },
	{ POST, "/api/recordings/{}/retry", web_recording_retry, .access = WEB_CHANGE },
	{ POST, "/api/recordings/{}/heard", web_recording_heard, JSON_BODY, JSON_TYPE, WEB_PLAY },
	{ POST, "/api/calls/{}/retry", web_call_retry, .access = WEB_CHANGE },
	{ POST, "/api/recordings/{}/hold", web_recording_hold, JSON_BODY, JSON_TYPE, WEB_CHANGE },
	{ DELETE, "/api/recordings/{}/hold", web_recording_lift_hold, .access = WEB_CHANGE },
	{ DELETE, "/api/recordings/{}", web_recording_delete, .access = WEB_CHANGE },

	{ GET, "/api/imports", web_imports_list, .access = WEB_ADMIN },
	{ POST, "/api/imports", web_imports_begin, JSON_BODY, JSON_TYPE, WEB_ADMIN },

	{ GET, "/api/verifications", web_verifications_list, .access = WEB_ADMIN },
	{ POST, "/api/verifications", web_verifications_begin, JSON_BODY, JSON_TYPE, WEB_ADMIN },
	{ POST, "/api/verifications/accept", web_verifications_accept, .access = WEB_ADMIN },
	{ GET, "/api/keys", web_keys_list, .access = WEB_ADMIN },
	{ POST, "/api/keys/reread", web_keys_reread, .access = WEB_ADMIN },
	{ POST, "/api/notices/retry", web_notices_retry, JSON_BODY, JSON_TYPE, WEB_ADMIN },
	{ GET, "/api/purge", web_purge_look, .access = WEB_ADMIN },
	{ POST, "/api/purge", web_purge_now, JSON_BODY, JSON_TYPE, WEB_ADMIN },

	{ CALLBACK, "/webhook/recording-status", web_recording_status, CALLBACK_BODY,
	  CALLBACK_TYPES, WEB_PROVIDER },
	{ CALLBACK, "/webhook/call-status", web_call_status, CALLBACK_BODY, CALLBACK_TYPES,
	  WEB_PROVIDER },

	{ GET, "/api/calls", web_calls_list, .access = WEB_READ },
	{ GET, "/api/calls/{}", web_call_details, .access = WEB_READ },

	{ WATCH, "/api/events", web_events, .access = WEB_READ },

	{ GET, "/health", web_health, .access = WEB_ANYONE },
	{ GET, "/api/health", web_health_details, .access = WEB_READ },
	{ POST, "/api/health/check", web_health_check, JSON_BODY, JSON_TYPE, WEB_ADMIN },
	{ GET, "/api/status", web_status, .access = WEB_STATUS },
	{ GET, "/api/processes", web_processes, .access = WEB_STATUS },
	{ GET, "/metrics", web_metrics, .access = WEB_STATUS },

	{ GET, "/api/upgrade", web_upgrade_show, .access = WEB_LOCAL },
	{ POST, "/api/upgrade", web_upgrade_begin, JSON_BODY, JSON_TYPE, WEB_LOCAL },

	{ GET, "/api/migration", web_migration_show, .access = WEB_LOCAL },
	{ POST, "/api/migration", web_migration_begin, JSON_BODY, JSON_TYPE, WEB_LOCAL },
	{ POST, "/api/migration/pause", web_migration_pause, .access = WEB_LOCAL },
	{ DELETE, "/api/migration", web_migration_cancel, .access = WEB_LOCAL },

	{ GET, "/api/session", web_session_show, .access = WEB_VISITOR },
	{ POST, "/api/session", web_session_begin, JSON_BODY, JSON_TYPE, WEB_VISITOR },
	{ DELETE, "/api/session", web_session_end, .access = WEB_VISITOR },
	{ POST, "/api/session/password", web_session_password, JSON_BODY, JSON_TYPE,
	  WEB_SIGNED_IN },
	{ DELETE, "/api/session/others", web_session_end_others, JSON_BODY, JSON_TYPE,
	  WEB_SIGNED_IN },
	{ GET, "/join", web_page, .access = WEB_ANYONE },
	{ POST, "/join", web_join, JSON_BODY, JSON_TYPE, WEB_VISITOR },

	{ GET, "/api/users", web_users_list, .access = WEB_ADMIN },
	{ POST, "/api/users", web_users_add, JSON_BODY, JSON_TYPE, WEB_ADMIN },
	{ POST, "/api/users/{}", web_users_change, JSON_BODY, JSON_TYPE, WEB_ADMIN },
	{ DELETE, "/api/users/{}", web_users_delete, .access = WEB_ADMIN },
	{ POST, "/api/users/{}/reset", web_users_reset, JSON_BODY, JSON_TYPE, WEB_ADMIN },
	{ DELETE, "/api/users/{}/sessions", web_users_sign_out, .access = WEB_ADMIN },
	{ GET, "/api/tokens", web_tokens_list, .access = WEB_ADMIN },
	{ POST, "/api/tokens", web_tokens_make, JSON_BODY, JSON_TYPE, WEB_ADMIN },
	{ DELETE, "/api/tokens/{}", web_tokens_revoke, .access = WEB_ADMIN },
	{ GET, "/api/sessions", web_sessions_list, .access = WEB_ADMIN },
	{ DELETE, "/api/sessions/{}", web_sessions_end, .access = WEB_ADMIN },
	{ GET, "/api/audit", web_audit, .access = WEB_ADMIN },

	{ GET, "/api/links", web_links_list, .access = WEB_MAKE_LINK },
	{ POST, "/api/links", web_links_make, JSON_BODY, JSON_TYPE, WEB_MAKE_LINK },
	{ DELETE, "/api/links/{}", web_links_revoke, .access = WEB_MAKE_LINK },
	{ GET, "/l/{}", web_page, .access = WEB_ANYONE },
	{ POST, "/l/{}/open", web_link_open, JSON_BODY, JSON_TYPE, WEB_VISITOR },
	{ GET, "/l/{}/media", web_link_media, .access = WEB_LINK },
	{ POST, "/l/{}/heard", web_link_heard, JSON_BODY, JSON_TYPE, WEB_LINK },
	{ GET, "/l/{}/waveform", web_link_waveform, .access = WEB_LINK },

	{ GET, "/2010-04-01/Accounts/{}/Recordings/{}.json", web_twilio_recording,
	  .access = WEB_BASIC_READ },
	{ GET, "/2010-04-01/Accounts/{}/Recordings/{}.mp3", web_twilio_mp3,
	  .access = WEB_BASIC_PLAY },
	{ GET, "/2010-04-01/Accounts/{}/Recordings/{}.wav", web_twilio_wav,
	  .access = WEB_BASIC_PLAY },
	{ GET, "/2010-04-01/Accounts/{}/Recordings/{}", web_twilio_media,
	  .access = WEB_BASIC_PLAY },
	{ GET, "/2010-04-01/Accounts/{}/Recordings.json", web_twilio_recordings,
	  .access = WEB_BASIC_READ },
	{ GET, "/2010-04-01/Accounts/{}/Recordings", web_twilio_recordings,
	  .access = WEB_BASIC_READ },
	{ GET, "/2010-04-01/Accounts/{}/Calls/{}/Recordings.json", web_twilio_call_recordings,
	  .access = WEB_BASIC_READ },
	{ GET, "/2010-04-01/Accounts/{}/Calls/{}.json", web_twilio_call, .access = WEB_BASIC_READ },
	{ GET, "/2010-04-01/Accounts/{}/Calls.json", web_twilio_calls, .access = WEB_BASIC_READ },
	{ GET, "/2010-04-01/Accounts/{}/Calls", web_twilio_calls, .access = WEB_BASIC_READ },

	{ GET, "/", web_page, .access = WEB_ANYONE },
	{ GET, "/assets/{}", web_page_asset, .access = WEB_ANYONE },
};

const size_t web_route_count = ARRAY_LEN(web_routes);

bool web_route_plays(const struct http_route *route)
{
	static void (*const plays[])(struct exchange * x) = {
		web_recording_media, web_call_download, web_link_media,
		web_twilio_mp3,      web_twilio_wav,    web_twilio_media,
	};

	for (size_t i = 0; i < ARRAY_LEN(plays); i++)
		if (route->serve == plays[i])
			return true;
	return false;
}
