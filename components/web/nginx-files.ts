/** A path of a host name, and the service that answers it. */
export interface Route {
  /** Host name or IP address, as browsers send it. */
  host: string;
  /** Prefix of the path, starting with a slash. */
  path: string;
  service: string;
}

/** A service behind the load balancer. */
export interface Upstream {
  /** Name in the overlay network's DNS. */
  name: string;
  port: number;
}

/** What decides nginx.conf. */
export interface NginxConfig {
  upstreams: readonly Upstream[];
  routes: readonly Route[];
  /** Largest request body. MiB. */
  maxBodyMiB: number;
  /** Longest silence of an upstream, WebSockets included. Seconds. */
  readTimeoutSeconds: number;
}

/** Port inside the container that answers the health check. */
export const HEALTH_PORT = 8998;
/** Path over plain HTTP that tells who chooses a machine for users whether to choose this one: 204, or 503 before nginx ends. */
const READY_PATH = "/.trivet/ready";
/** Exists from the signal to stop on (start.sh). */
const LEAVING_FILE = "/tmp/leaving";
/** Port inside the container that answers while no replica can. */
const FALLBACK_PORT = 8999;

const isAddress = (host: string) => /^[\d.]+$/.test(host) || host.includes(":");

/** A host as it stands in a URL, and so in the request: IPv6 addresses in brackets. */
export const urlHost = (host: string) => (host.includes(":") ? `[${host}]` : host);

/** nginx.conf, whole. Paths are those inside the container. */
export function renderNginxConfig(config: NginxConfig): string {
  const hosts = [...new Set(config.routes.map((route) => route.host))];
  return [
    ...MAIN,
    "http {",
    ...HTTP,
    `  client_max_body_size ${config.maxBodyMiB}m;`,
    `  proxy_read_timeout ${config.readTimeoutSeconds}s;`,
    `  proxy_send_timeout ${config.readTimeoutSeconds}s;`,
    "",
    ...config.upstreams.flatMap(renderUpstream),
    ...renderInternalServers(),
    ...renderDefaultServers(hosts),
    ...hosts.flatMap((host) =>
      renderHost(
        host,
        config.routes.filter((r) => r.host === host),
      ),
    ),
    "}",
    "",
  ].join("\n");
}

const MAIN = [
  "worker_processes auto;",
  "worker_rlimit_nofile 65535;",
  "worker_shutdown_timeout 60s;",
  "pid /tmp/nginx.pid;",
  "error_log /dev/stderr warn;",
  "events { worker_connections 16384; }",
];

const HTTP = [
  "  include /etc/nginx/mime.types;",
  "  default_type application/octet-stream;",
  "  server_tokens off;",
  '  log_format main escape=json \'{"time":"$time_iso8601","client":"$remote_addr","host":"$host","method":"$request_method","uri":"$uri","status":$status,"bytes":$body_bytes_sent,"seconds":$request_time,"upstream":"$upstream_addr","upstream_seconds":"$upstream_response_time","id":"$request_id"}\';',
  "  access_log /dev/stdout main buffer=32k flush=1s;",
  "  sendfile on;",
  "  keepalive_timeout 60s;",
  // On a reload too: a request on its way over a connection that was just closed fails at the client.
  "  keepalive_min_timeout 30s;",
  "  gzip on;",
  "  gzip_proxied any;",
  "  gzip_types text/css application/javascript application/json image/svg+xml;",
  // Docker's own DNS gives answers a life of 600 s; a replica must be known, and forgotten, at once.
  "  resolver 127.0.0.11 valid=1s ipv6=off;",
  "  resolver_timeout 1s;",
  "  ssl_certificate /etc/trivet/certificate.pem;",
  "  ssl_certificate_key /etc/trivet/certificate-key.pem;",
  // Mozilla's intermediate profile, guideline 5.7.
  "  ssl_protocols TLSv1.2 TLSv1.3;",
  "  ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;",
  "  ssl_prefer_server_ciphers off;",
  "  ssl_session_cache shared:tls:10m;",
  "  ssl_session_timeout 1d;",
  "  ssl_session_tickets off;",
  "  map $http_upgrade $connection_upgrade { default upgrade; '' close; }",
  "  proxy_http_version 1.1;",
  "  proxy_set_header Host $host;",
  "  proxy_set_header X-Real-IP $remote_addr;",
  "  proxy_set_header X-Forwarded-For $remote_addr;",
  "  proxy_set_header X-Forwarded-Proto $scheme;",
  "  proxy_set_header X-Request-ID $request_id;",
  "  proxy_set_header Upgrade $http_upgrade;",
  "  proxy_set_header Connection $connection_upgrade;",
  "  proxy_connect_timeout 1s;",
  // Requests that wait for an answer of a machine that has died since are given up, and repeated elsewhere (never POST).
  "  proxy_socket_keepalive on;",
  // A request that was sent is repeated only if that does no harm (never POST); a refused one always.
  "  proxy_next_upstream error timeout http_502 http_503;",
  "  proxy_next_upstream_tries 3;",
];

function renderUpstream(upstream: Upstream): string[] {
  return [
    `  upstream ${upstream.name} {`,
    `    zone ${upstream.name} 256k;`,
    "    least_conn;",
    `    server ${upstream.name}:${upstream.port} resolve max_fails=1 fail_timeout=2s;`,
    // A name that does not resolve drops every peer; this one stays.
    `    server 127.0.0.1:${FALLBACK_PORT} backup;`,
    // A connection for each request. Over a kept one, a request to a machine that has just died waits for
    // its kernel to give up, and nginx must not repeat it if it is a POST; what cannot connect goes to the
    // next replica after a second, whatever it is. Measured with 16 users on two cores that all machines
    // share: pages that read the database 0.8 times as many a second, empty answers half as many.
    "    keepalive 0;",
    "  }",
    "",
  ];
}

function renderInternalServers(): string[] {
  return [
    "  server {",
    `    listen 127.0.0.1:${HEALTH_PORT};`,
    "    access_log off;",
    '    return 200 "ok\\n";',
    "  }",
    "  server {",
    `    listen 127.0.0.1:${FALLBACK_PORT};`,
    "    access_log off;",
    "    root /etc/trivet/pages;",
    "    error_page 503 /unavailable.html;",
    "    location = /unavailable.html { internal; add_header Retry-After 5 always; add_header Cache-Control no-store always; }",
    "    location / { return 503; }",
    "  }",
    "",
  ];
}

/** Requests for a name that nobody configured get no answer, and by name no certificate either. */
function renderDefaultServers(hosts: readonly string[]): string[] {
  // Browsers send no server name for an address, so the handshake has to go on if one is served.
  const refusal = hosts.some(isAddress) ? "return 444;" : "ssl_reject_handshake on;";
  return [
    "  server {",
    "    listen 80 default_server backlog=16384;",
    "    return 444;",
    "  }",
    "  server {",
    "    listen 443 ssl default_server backlog=16384;",
    `    ${refusal}`,
    "  }",
    "",
  ];
}

function renderHost(host: string, routes: readonly Route[]): string[] {
  return [
    "  server {",
    "    listen 80;",
    `    server_name ${urlHost(host)};`,
    `    location = ${READY_PATH} { access_log off; if (-f ${LEAVING_FILE}) { return 503; } return 204; }`,
    "    location / { return 308 https://$host$request_uri; }",
    "  }",
    "  server {",
    "    listen 443 ssl;",
    "    http2 on;",
    `    server_name ${urlHost(host)};`,
    ...(isAddress(host)
      ? []
      : ['    add_header Strict-Transport-Security "max-age=63072000" always;']),
    ...routes.map(
      ({ path, service }) =>
        `    location ${path} { proxy_pass http://${service}; error_page 502 = @${service}; }`,
    ),
    ...[...new Set(routes.map((route) => route.service))].map(renderSecondTry),
    "  }",
    "",
  ];
}

/**
 * nginx gives a request up with 502 that would go to its next replica after the name's addresses have changed (nginx/nginx#1656).
 * Then the last address is the upstream's name, and the request was sent to nobody or may be repeated.
 */
function renderSecondTry(service: string): string {
  return `    location @${service} { if ($upstream_addr ~ ":[0-9]+$") { return 502; } proxy_pass http://${service}; }`;
}

/** What a browser shows while no replica answers. */
export const UNAVAILABLE_PAGE = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="5">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>One moment, please</title>
<style>body{font:1.1rem/1.5 system-ui,sans-serif;max-width:32rem;margin:20vh auto;padding:0 1rem;color:#222}</style>
<h1>One moment, please</h1>
<p>The service is not answering right now. This page tries again every five seconds.</p>
</html>
`;
