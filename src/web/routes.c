#include "web/routes.h"

#include "base/compiler.h"
#include "web/web.h"
#include "web/web_calls.h"
#include "web/web_health.h"
#include "web/web_media.h"
#include "web/web_pages.h"
#include "web/web_webhooks.h"

#define GET      (BIT(HTTP_GET) | BIT(HTTP_HEAD))
#define CALLBACK (BIT(HTTP_GET) | BIT(HTTP_POST))

/* Twilio's callbacks are under 2 KiB; encryption details and unknown fields leave room. */
#define CALLBACK_BODY  (64 * 1024)
#define CALLBACK_TYPES "application/x-www-form-urlencoded application/json"

const struct http_route web_routes[] = {
	{ GET, "/api/recordings/{}/media", web_recording_media, .access = WEB_LISTENER },
	{ GET, "/api/calls/{}/download", web_call_download, .access = WEB_LISTENER },

	{ CALLBACK, "/webhook/recording-status", web_recording_status, CALLBACK_BODY,
	  CALLBACK_TYPES, WEB_PROVIDER },
	{ CALLBACK, "/webhook/call-status", web_call_status, CALLBACK_BODY, CALLBACK_TYPES,
	  WEB_PROVIDER },

	{ GET, "/api/calls", web_calls_list, .access = WEB_LISTENER },
	{ GET, "/api/calls/{}", web_call_details, .access = WEB_LISTENER },

	{ GET, "/health", web_health, .access = WEB_ANYONE },
	{ GET, "/api/status", web_status, .access = WEB_ADMIN },

	{ GET, "/", web_page, .access = WEB_ANYONE },
	{ GET, "/page.js", web_page, .access = WEB_ANYONE },
	{ GET, "/page.css", web_page, .access = WEB_ANYONE },
};

const size_t web_route_count = ARRAY_LEN(web_routes);
