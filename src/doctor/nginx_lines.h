/*
 * Lines of nginx that more than one check says to write: in the same words, so that no two of them contradict each other.
 */
#pragma once

/* Nothing where nothing is upgraded, so that connections are kept; and a WebSocket comes through. */
#define NGINX_UPGRADE_LINE "proxy_set_header Upgrade $http_upgrade;\n"
#define NGINX_CONNECTION_MAP                   \
	"\n# and in http, outside of server: " \
	"map $http_upgrade $callspool_connection { default upgrade; '' ''; }"
#define NGINX_CONNECTION_LINES \
	NGINX_UPGRADE_LINE "proxy_set_header Connection $callspool_connection;" NGINX_CONNECTION_MAP
