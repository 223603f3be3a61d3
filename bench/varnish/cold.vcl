# Cold play by Varnish: it streams to all while it fetches once (do_stream is its default).
vcl 4.1;

backend provider {
	.host = "127.0.0.1";
	.port = "$upstream_port";
	.first_byte_timeout = 60s;
}

sub vcl_backend_response {
	set beresp.ttl = 1h;
	set beresp.do_stream = true;
}
