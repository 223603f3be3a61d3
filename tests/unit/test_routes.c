#include "api/web.h"
#include "tap.h"
#include "web/routes.h"

int main(void)
{
	OK(web_route_count > 0, "there are routes");
	for (size_t i = 0; i < web_route_count; i++) {
		const struct http_route *route = &web_routes[i];

		OK(route->access != WEB_CLOSED, "%s says who may call it", route->pattern);
		OK(route->access <= WEB_BASIC_READ, "%s: by a name of the list", route->pattern);
		OK(route->methods != 0 && route->serve, "%s has methods and a function",
		   route->pattern);
		OK(!route->body_types || route->body_max > 0, "%s: types of a body that it takes",
		   route->pattern);
	}
	return tap_end();
}
