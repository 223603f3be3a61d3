// Configurations of nginx of all kinds, and requests to them.  PORT and PORT2 are where it listens, BACKEND_A and BACKEND_B
// are addresses, FOLDER holds `files`.  `http` stands in the block http.
const PLAY = '/api/calls/CA1/download';
const ways = (...paths) => paths.map((path) => ({ path }));
const server = (inside, before = '') => `${before}\nserver { listen 127.0.0.1:PORT; ${inside} }`;

export const CONFIGURATIONS = [
  { name: 'proxy_pass and nothing else', http: server('location / { proxy_pass http://BACKEND_A; }'),
    requests: [{ path: PLAY, headers: { Range: 'bytes=0-1', 'If-Range': '"x"', Upgrade: 'websocket', TE: 'trailers', Expect: '' } }, { path: '/a?b=c%20d' }] },
  { name: 'the final configuration of the guide', http: server(`
      location / { root FOLDER/html; try_files $uri $uri/ /index.html; }
      location /api/ {
        proxy_pass http://BACKEND_A; proxy_http_version 1.1; proxy_set_header Connection ""; proxy_set_header Host $host;
        proxy_set_header X-Real-IP $remote_addr; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header X-Forwarded-Proto $scheme;
        proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade; proxy_buffering off; proxy_request_buffering off;
        proxy_set_header Range $http_range; proxy_set_header If-Range $http_if_range;
        proxy_read_timeout 300s; proxy_send_timeout 300s; proxy_connect_timeout 75s;
      }`, "map $http_upgrade $connection_upgrade { default upgrade; '' close; }"),
    requests: [{ path: PLAY, headers: { Range: 'bytes=0-1', 'X-Forwarded-For': '198.51.100.9' } }, { path: PLAY, headers: { Upgrade: 'websocket' } }, { path: '/calls' }] },
  { name: 'headers of a location replace those of the server', http: server(`
      proxy_set_header X-One 1; proxy_set_header X-Two 2;
      location / { proxy_pass http://BACKEND_A; }
      location /own/ { proxy_set_header X-Three 3; proxy_pass http://BACKEND_A; }
      location /own/inner/ { proxy_pass http://BACKEND_A; }`), requests: ways('/', '/own/x', '/own/inner/x') },
  { name: 'headers set at all three levels', http: `proxy_set_header X-Level http;
      server { listen 127.0.0.1:PORT; server_name a.example; proxy_set_header X-Level server; location / { proxy_pass http://BACKEND_A; } location /l { proxy_set_header X-Level location; proxy_pass http://BACKEND_A; } }
      server { listen 127.0.0.1:PORT; server_name b.example; location / { proxy_pass http://BACKEND_A; } }`,
    requests: [{ path: '/', host: 'a.example' }, { path: '/l', host: 'a.example' }, { path: '/', host: 'b.example' }] },
  { name: 'locations: exact, prefix, firm, expressions', http: server(`
      location = /exact { proxy_pass http://BACKEND_A; proxy_set_header X-L exact; }
      location /exact { proxy_pass http://BACKEND_A; proxy_set_header X-L prefix; }
      location /api/ { proxy_pass http://BACKEND_A; proxy_set_header X-L api; }
      location ^~ /api/firm/ { proxy_pass http://BACKEND_A; proxy_set_header X-L firm; }
      location ~ \\.mp3$ { proxy_pass http://BACKEND_B; proxy_set_header X-L mp3; }
      location ~* \\.(MP3|wav)$ { proxy_pass http://BACKEND_B; proxy_set_header X-L nocase; }
      location / { proxy_pass http://BACKEND_A; proxy_set_header X-L root; }`),
    requests: ways('/exact', '/exact/', '/exactly', '/api/x', '/api/x.mp3', '/api/firm/x.mp3', '/x.MP3', '/x.wav', '/x.mp3?a=/api/firm/', '/API/x') },
  { name: 'locations in locations', http: server(`
      location /api/ { proxy_set_header X-L outer; proxy_pass http://BACKEND_A;
        location /api/calls/ { proxy_pass http://BACKEND_B; location ~ /download$ { proxy_set_header X-L inner; proxy_pass http://BACKEND_B; } }
        location ~ \\.json$ { proxy_pass http://BACKEND_B; } }
      location ~ /download$ { proxy_set_header X-L late; proxy_pass http://BACKEND_A; }
      location ~ ^/api/(.*)/x$ { proxy_set_header X-L $1; proxy_pass http://BACKEND_A; }`),
    requests: ways(PLAY, '/api/calls/x', '/api/z/download', '/api/z.json', '/api/deep/down/x', '/download', '/nowhere') },
  { name: 'a path in proxy_pass replaces the location', http: server(`
      location /api/ { proxy_pass http://BACKEND_A/; }
      location /old/ { proxy_pass http://BACKEND_A/new/; }
      location /odd { proxy_pass http://BACKEND_A/x; }
      location = /one { proxy_pass http://BACKEND_A/two?three; }
      location /same/ { proxy_pass http://BACKEND_A; }`),
    requests: ways('/api/calls?x=1', '/old/a%20b/c', '/odd/y', '/oddly', '/one', '/one?q', '/same//a/./b%2Fc', '/old/../api/z', '/old//a%2Fb%C3%A9') },
  { name: 'servers by name', http: `
      server { listen 127.0.0.1:PORT; server_name first.example; location / { proxy_pass http://BACKEND_A; proxy_set_header X-S first; } }
      server { listen 127.0.0.1:PORT; server_name *.example.com; location / { proxy_pass http://BACKEND_A; proxy_set_header X-S star; } }
      server { listen 127.0.0.1:PORT; server_name *.b.example.com; location / { proxy_pass http://BACKEND_A; proxy_set_header X-S longer; } }
      server { listen 127.0.0.1:PORT; server_name www.example.*; location / { proxy_pass http://BACKEND_A; proxy_set_header X-S tail; } }
      server { listen 127.0.0.1:PORT; server_name .dot.example; location / { proxy_pass http://BACKEND_A; proxy_set_header X-S dot; proxy_set_header X-N $server_name; } }
      server { listen 127.0.0.1:PORT; server_name ~^(?<who>.+)\\.re\\.example$ ~other; location / { proxy_pass http://BACKEND_A; proxy_set_header X-S $who; } }
      server { listen 127.0.0.1:PORT default_server; server_name _; location / { proxy_pass http://BACKEND_B; proxy_set_header X-S default; } }`,
    requests: ['first.example', 'FIRST.example', 'a.example.com', 'a.b.example.com', 'example.com', 'www.example.org', 'www.example.com', 'dot.example', 'x.dot.example',
      'dana.re.example', 'another.net', 'nobody.net'].map((host) => ({ path: '/', host })) },
  { name: 'without default_server the first is it', http: `
      server { listen 127.0.0.1:PORT; server_name one.example; location / { proxy_pass http://BACKEND_A; } }
      server { listen 127.0.0.1:PORT; server_name two.example; location / { proxy_pass http://BACKEND_B; } }
      server { listen 127.0.0.1:PORT2; server_name one.example; location / { proxy_pass http://BACKEND_B; } }`,
    requests: [{ path: '/', host: 'x.example' }, { path: '/', host: 'two.example' }, { path: '/', host: 'two.example', second: true }] },
  { name: 'maps', http: server(`location / { proxy_pass http://BACKEND_A; proxy_set_header X-A $a; proxy_set_header X-B $b; proxy_set_header X-C "$c."; proxy_set_header X-D $d; proxy_set_header X-E $e; }`, `
      map $http_x_in $a { default none; one 1; 'two words' 2; ~^(.+)-x$ "re $1"; ~*^UP "nocase"; "" empty; }
      map $http_x_in $b { ONE one; }
      map $http_x_in $c { volatile; \\default word; default other; }
      map $host $d { hostnames; default no; *.example sub; x.example exact; www.* tail; .dot.net dot; }
      map $a$b $e { 1one both; default $a; }`),
    requests: [undefined, 'one', 'ONE', 'two words', 'abc-x', 'upper', 'default', 'x'].map((value) => ({ path: '/', headers: value ? { 'X-In': value } : {} }))
      .concat(['a.x.example', 'www.org', 'dot.net', 'a.dot.net', 'none.net'].map((host) => ({ path: '/', host }))) },
  { name: 'a map included from a file', files: { 'map.inc': "ws upgrade;\n'' '';\n" },
    http: server('location / { proxy_pass http://BACKEND_A; proxy_set_header Connection $c; proxy_http_version 1.1; }', 'map $http_x_in $c { default keep-alive; include FOLDER/map.inc; }'),
    requests: [{ path: '/' }, { path: '/', headers: { 'X-In': 'ws' } }, { path: '/', headers: { 'X-In': 'y' } }] },
  { name: 'includes, relative and with a pattern', files: { 'headers.inc': 'proxy_set_header X-Included yes;\nproxy_http_version 1.1;', 's1.site': server('location / { include headers.inc; proxy_pass http://BACKEND_A; }') },
    http: 'include *.site;', requests: ways('/', '/x') },
  { name: 'limits of all levels', http: `proxy_read_timeout 70s; proxy_connect_timeout 3s;
      server { listen 127.0.0.1:PORT; proxy_read_timeout 2m; location / { proxy_pass http://BACKEND_A; } location /l { proxy_read_timeout 500ms; proxy_connect_timeout 4; proxy_pass http://BACKEND_A; } location /m { proxy_pass http://BACKEND_A; location /m/n { proxy_read_timeout 9s; proxy_pass http://BACKEND_A; } } }`,
    requests: ways('/', '/l', '/m', '/m/n') },
  { name: 'buffering', http: server(`proxy_buffering off;
      location / { proxy_pass http://BACKEND_A; }
      location /on { proxy_buffering on; proxy_pass http://BACKEND_A; location /on/in { proxy_pass http://BACKEND_A; } }`), requests: ways('/', '/on', '/on/in') },
  { name: 'gzip', http: server(`gzip on; gzip_min_length 1; gzip_proxied any;
      location / { proxy_pass http://BACKEND_A; } location /off { gzip off; proxy_pass http://BACKEND_A; }`), requests: ways('/', '/off') },
  { name: 'add_header replaces, too', http: `add_header X-Http 1;
      server { listen 127.0.0.1:PORT; add_header X-Server 1; add_header X-Always 1 always; location / { proxy_pass http://BACKEND_A; } location /own { add_header X-Own 1; proxy_pass http://BACKEND_A; } location /e { expires 1h; proxy_pass http://BACKEND_A; } }
      server { listen 127.0.0.1:PORT2; location / { proxy_pass http://BACKEND_A; } }`,
    requests: [...ways('/', '/own', '/e', '/fail', '/own/fail'), { path: '/', second: true }] },
  { name: 'a cache takes Range away', http: server(`location / { proxy_cache zone; proxy_cache_valid 200 1s; proxy_cache_key $request_id; proxy_pass http://BACKEND_A; }
      location /off/ { proxy_cache off; proxy_pass http://BACKEND_A; }
      location /kept/ { proxy_cache zone; proxy_cache_key $request_id; proxy_set_header Range $http_range; proxy_pass http://BACKEND_A; }`),
    requests: ['/', '/off/', '/kept/'].map((path) => ({ path, headers: { Range: 'bytes=0-1', 'If-Range': '"x"', 'If-None-Match': '"y"' } })) },
  { name: 'return', http: server(`location / { return 404; } location /text { return 200 hello; } location /to { return 301 https://$host$request_uri; } location /url { return http://x/; }
      location /kept { proxy_pass http://BACKEND_A; } location /both { proxy_pass http://BACKEND_A; return 403; }`), requests: ways('/', '/text', '/to', '/url', '/kept', '/both') },
  { name: 'a server that only redirects', http: `server { listen 127.0.0.1:PORT; server_name x.example; return 301 https://$host$request_uri; location / { proxy_pass http://BACKEND_A; } }
      server { listen 127.0.0.1:PORT; server_name y.example; location / { proxy_pass http://BACKEND_A; } }`, requests: [{ path: PLAY }, { path: PLAY, host: 'y.example' }] },
  { name: 'rewrite', http: server(`
      rewrite ^/server/(.*)$ /there/$1;
      location /a/ { rewrite ^/a/(.*)$ /b/$1 last; proxy_pass http://BACKEND_A; }
      location /b/ { proxy_set_header X-L b; proxy_pass http://BACKEND_A; }
      location /c/ { rewrite ^/c/(.*)$ /b/$1?new=1 break; proxy_pass http://BACKEND_A; }
      location /d/ { rewrite ^/d/(.*)$ /b/$1? break; proxy_pass http://BACKEND_B/ignored/; }
      location /e/ { rewrite ^/e/(.*)$ /b/$1; rewrite ^/b/(.*)$ /there/$1; proxy_pass http://BACKEND_A; }
      location /f/ { rewrite ^ /gone permanent; } location /g/ { rewrite ^/g/(.*)$ http://x/$1; }
      location /there/ { proxy_set_header X-L there; proxy_pass http://BACKEND_A; }
      location /loop { rewrite ^/loop(.*)$ /loop$1x last; }`),
    requests: ways('/server/x?q=1', '/a/x%20y?q=1', '/c/x?q=1', '/d/x?q=1', '/e/x', '/f/', '/g/x', '/loop', '/b/%41') },
  { name: 'if', http: server(`
      if ($http_x_in = stop) { return 403; }
      set $who nobody;
      if ($http_x_in ~ ^me-(.*)$) { set $who $1; }
      location / { proxy_set_header X-Who $who; proxy_pass http://BACKEND_A;
        if ($request_method = POST) { proxy_pass http://BACKEND_B; }
        if ($http_x_in) { add_header X-If 1; } }
      location /not { if ($http_x_in !~* A) { return 204; } proxy_pass http://BACKEND_A; }
      location /zero { set $zero 0; if ($zero) { return 500; } if ($http_x_in != "b c") { return 406; } proxy_pass http://BACKEND_A; }`),
    requests: [{ path: '/' }, { path: '/', headers: { 'X-In': 'stop' } }, { path: '/', headers: { 'X-In': 'me-dana' } }, { path: '/', method: 'POST' },
      { path: '/not' }, { path: '/not', headers: { 'X-In': 'xay' } }, { path: '/zero' }, { path: '/zero', headers: { 'X-In': 'b c' } }] },
  { name: 'try_files and names', http: server(`root FOLDER/html;
      location / { try_files $uri @back; }
      location /code/ { try_files $uri =418; }
      location /spa/ { try_files $uri /spa/index.html; }
      location /to/ { try_files $uri /b$uri?q=1; }
      location /b/ { proxy_pass http://BACKEND_B; }
      location @back { proxy_set_header X-L back; proxy_pass http://BACKEND_A; }
      location /in { internal; proxy_pass http://BACKEND_A; } location /out { rewrite ^/out /in last; }`), requests: ways('/x?y', '/code/x', '/to/x', '/in', '/out') },
  { name: 'a single-page application takes the paths that nobody else has', http: server(`root FOLDER/html; location / { try_files $uri $uri/ /index.html; } location /api/ { proxy_pass http://BACKEND_A; }`),
    requests: ways(PLAY, '/webhook/recording-status', '/apis/x') },
  { name: 'the slash that is left away', http: server('location /api/ { proxy_pass http://BACKEND_A; } location /page/ { root FOLDER/html; } location = /exact/ { proxy_pass http://BACKEND_A; }'), requests: ways('/api', '/api/', '/exact', '/exact/') },
  { name: 'an upstream with connections that are kept', http: server('location / { proxy_pass http://pool; proxy_http_version 1.1; proxy_set_header Connection ""; } location /p { proxy_pass http://pool/q; }',
    'upstream pool { server BACKEND_A; keepalive 4; }'), requests: ways('/', '/p/x', '/x') },
  { name: 'variables in proxy_pass', http: server(`set $back http://BACKEND_A; set $path /fixed;
      location / { proxy_pass $back; } location /a/ { proxy_pass http://BACKEND_B$path; } location /b/ { proxy_pass $back$request_uri; }
      location /c/ { proxy_pass http://BACKEND_A$uri$is_args$args; } location ~ ^/d/(.*)$ { proxy_pass http://BACKEND_A/e/$1; }`),
    requests: ways('/x?y=%20', '/a/z?q', '/b/x%20y?q', '/c/x?q=1', '/c/x', '/d/y') },
  { name: 'variables of the request', http: server(`location / { proxy_pass http://BACKEND_A; proxy_set_header Host $http_host; proxy_set_header X-1 $host; proxy_set_header X-2 $scheme:$server_port; proxy_set_header X-3 "\${request_method}-$uri";
      proxy_set_header X-4 $args; proxy_set_header X-5 $arg_a; proxy_set_header X-6 $http_user_agent; proxy_set_header X-7 $proxy_host; proxy_set_header X-8 $request_id; proxy_set_header X-9 $https; proxy_set_header X-10 $is_args$query_string; proxy_set_header X-11 $request_uri; proxy_set_header X-12 $http_missing; }`),
    requests: [{ path: '/p%20q/../r?a=1&b=2', host: 'Mixed.Example' }, { path: '/x' }] },
  { name: 'headers that are not passed on', http: server('location / { proxy_pass_request_headers off; proxy_pass http://BACKEND_A; } location /hidden { proxy_set_header Accept-Encoding ""; proxy_set_header user-agent other; proxy_pass http://BACKEND_A; }'),
    requests: [{ path: '/', headers: { Range: 'bytes=0-1' } }, { path: '/hidden' }] },
  { name: 'limit_except', http: server('location / { limit_except GET { deny all; } proxy_pass http://BACKEND_A; } location /own { proxy_pass http://BACKEND_A; limit_except GET POST { proxy_pass http://BACKEND_B; } }'),
    requests: [{ path: '/' }, { path: '/', method: 'HEAD' }, { path: '/own', method: 'POST' }, { path: '/own', method: 'DELETE' }] },
  { name: 'quotes, escapes, comments, braces', http: server(`# location / { return 500; }
      location "/with space" { proxy_pass http://BACKEND_A; proxy_set_header X-Q "a \\"b\\" ; { } # c"; proxy_set_header 'X-S' 'd\\'e'; }
      location ~ "^/n/\\d{2,3}$" { proxy_set_header X-N two; proxy_pass http://BACKEND_A; }
      location ~ ^/w/\\w+$ { proxy_set_header X-V "\${host}x"; proxy_pass http://BACKEND_A; }
      location / { proxy_set_header X-D a#b; proxy_pass http://BACKEND_A; }`),
    requests: ways('/with%20space', '/n/12', '/n/1', '/n/123', '/n/1234', '/w/ab', '/w/a-b') },
  { name: 'paths that are written in other ways', http: server('location /api/ { proxy_pass http://BACKEND_A; } location /api/calls/ { proxy_pass http://BACKEND_B; } location / { return 404; }'),
    requests: ways('/api//calls/x', '/api/./calls/x', '/api/x/../calls/y', '/%61pi/calls/', '/api/calls', '/api/calls/..', '/api/%2e%2e/x', '/api/calls/.', '/api/%2E/calls/', '/../x', '/api/%00', '/api/%zz') },
  { name: 'merge_slashes off', http: server('merge_slashes off; location /api/ { proxy_pass http://BACKEND_A; } location /api/calls/ { proxy_pass http://BACKEND_B; } location / { return 404; }'), requests: ways('/api//calls/x', '//api/calls/', '/api/calls/x') },
  { name: 'intercepted errors', http: server('error_page 500 /sorry; location / { proxy_intercept_errors on; proxy_pass http://BACKEND_A; } location = /sorry { internal; return 200 sorry; } location /plain/ { proxy_pass http://BACKEND_A; }'),
    requests: ways('/x', '/plain/fail') },
  { name: 'sub_filter and others', http: server('location / { sub_filter a b; proxy_pass http://BACKEND_A; } location /m { proxy_method POST; proxy_pass http://BACKEND_A; } location /x { proxy_http_version 1.1; proxy_pass http://BACKEND_A; }'), requests: ways('/', '/x') },
];
