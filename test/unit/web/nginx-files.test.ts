import assert from "node:assert/strict";
import { renderNginxConfig, UNAVAILABLE_PAGE } from "../../../components/web/nginx-files";

const head = (maxBodyMiB: number, seconds: number) => `worker_processes auto;
worker_rlimit_nofile 65535;
worker_shutdown_timeout 60s;
pid /tmp/nginx.pid;
error_log /dev/stderr warn;
events { worker_connections 16384; }
http {
  include /etc/nginx/mime.types;
  default_type application/octet-stream;
  server_tokens off;
  log_format main escape=json '{"time":"$time_iso8601","client":"$remote_addr","host":"$host","method":"$request_method","uri":"$uri","status":$status,"bytes":$body_bytes_sent,"seconds":$request_time,"upstream":"$upstream_addr","upstream_seconds":"$upstream_response_time","id":"$request_id"}';
  access_log /dev/stdout main buffer=32k flush=1s;
  sendfile on;
  keepalive_timeout 60s;
  keepalive_min_timeout 30s;
  gzip on;
  gzip_proxied any;
  gzip_types text/css application/javascript application/json image/svg+xml;
  resolver 127.0.0.11 valid=1s ipv6=off;
  resolver_timeout 1s;
  ssl_certificate /etc/trivet/certificate.pem;
  ssl_certificate_key /etc/trivet/certificate-key.pem;
  ssl_protocols TLSv1.2 TLSv1.3;
  ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305;
  ssl_prefer_server_ciphers off;
  ssl_session_cache shared:tls:10m;
  ssl_session_timeout 1d;
  ssl_session_tickets off;
  map $http_upgrade $connection_upgrade { default upgrade; '' close; }
  proxy_http_version 1.1;
  proxy_set_header Host $host;
  proxy_set_header X-Real-IP $remote_addr;
  proxy_set_header X-Forwarded-For $remote_addr;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Request-ID $request_id;
  proxy_set_header Upgrade $http_upgrade;
  proxy_set_header Connection $connection_upgrade;
  proxy_connect_timeout 1s;
  proxy_socket_keepalive on;
  proxy_next_upstream error timeout http_502 http_503;
  proxy_next_upstream_tries 3;
  client_max_body_size ${maxBodyMiB}m;
  proxy_read_timeout ${seconds}s;
  proxy_send_timeout ${seconds}s;

`;

const upstream = (name: string, port: number) => `  upstream ${name} {
    zone ${name} 256k;
    least_conn;
    server ${name}:${port} resolve max_fails=1 fail_timeout=2s;
    server 127.0.0.1:8999 backup;
    keepalive 0;
  }

`;

const internal = (refusal: string) => `  server {
    listen 127.0.0.1:8998;
    access_log off;
    return 200 "ok\\n";
  }
  server {
    listen 127.0.0.1:8999;
    access_log off;
    root /etc/trivet/pages;
    error_page 503 /unavailable.html;
    location = /unavailable.html { internal; add_header Retry-After 5 always; add_header Cache-Control no-store always; }
    location / { return 503; }
  }

  server {
    listen 80 default_server backlog=16384;
    return 444;
  }
  server {
    listen 443 ssl default_server backlog=16384;
    ${refusal}
  }

`;
const NO_CERTIFICATE = "ssl_reject_handshake on;";

const site = (name: string, lines: string) => `  server {
    listen 80;
    server_name ${name};
    location = /.trivet/ready { access_log off; if (-f /tmp/leaving) { return 503; } return 204; }
    location / { return 308 https://$host$request_uri; }
  }
  server {
    listen 443 ssl;
    http2 on;
    server_name ${name};
${lines}
  }

`;
const route = (path: string, service: string) =>
  `    location ${path} { proxy_pass http://${service}; error_page 502 = @${service}; }`;
/** Of a request that nginx gave up because the addresses have changed, and of no other. */
const secondTry = (service: string) =>
  `    location @${service} { if ($upstream_addr ~ ":[0-9]+$") { return 502; } proxy_pass http://${service}; }`;
const STRICT = '    add_header Strict-Transport-Security "max-age=63072000" always;\n';
const limits = { maxBodyMiB: 32, readTimeoutSeconds: 300 };

describe("nginx.conf", () => {
  it("of one host name", () => {
    const config = {
      upstreams: [{ name: "web", port: 8000 }],
      routes: [{ host: "example.org", path: "/", service: "web" }],
      ...limits,
    };
    assert.equal(
      renderNginxConfig(config),
      head(32, 300) +
        upstream("web", 8000) +
        internal(NO_CERTIFICATE) +
        site("example.org", `${STRICT}${route("/", "web")}\n${secondTry("web")}`) +
        "}\n",
    );
  });

  it("of two services, their paths and two host names", () => {
    const config = {
      upstreams: [
        { name: "web", port: 8000 },
        { name: "api", port: 9000 },
      ],
      routes: [
        { host: "example.org", path: "/", service: "web" },
        { host: "www.example.org", path: "/", service: "web" },
        { host: "example.org", path: "/api", service: "api" },
        { host: "example.org", path: "/api/v1", service: "api" },
      ],
      maxBodyMiB: 1,
      readTimeoutSeconds: 60,
    };
    assert.equal(
      renderNginxConfig(config),
      head(1, 60) +
        upstream("web", 8000) +
        upstream("api", 9000) +
        internal(NO_CERTIFICATE) +
        site(
          "example.org",
          [
            STRICT + route("/", "web"),
            route("/api", "api"),
            route("/api/v1", "api"),
            secondTry("web"),
            secondTry("api"),
          ].join("\n"),
        ) +
        site("www.example.org", `${STRICT}${route("/", "web")}\n${secondTry("web")}`) +
        "}\n",
    );
  });

  // Browsers send no server name for an address, and refuse a strict transport rule for one.
  for (const [address, name] of [
    ["203.0.113.1", "203.0.113.1"],
    ["2001:db8::1", "[2001:db8::1]"],
  ] as const) {
    it(`of the address ${address}`, () => {
      const config = {
        upstreams: [{ name: "web", port: 8000 }],
        routes: [{ host: address, path: "/", service: "web" }],
        ...limits,
      };
      assert.equal(
        renderNginxConfig(config),
        head(32, 300) +
          upstream("web", 8000) +
          internal("return 444;") +
          site(name, `${route("/", "web")}\n${secondTry("web")}`) +
          "}\n",
      );
    });
  }

  it("of no services", () => {
    assert.equal(
      renderNginxConfig({ upstreams: [], routes: [], ...limits }),
      `${head(32, 300)}${internal(NO_CERTIFICATE)}}\n`,
    );
  });
});

describe("the page for a service that does not answer", () => {
  it("tries again by itself and needs no other file", () => {
    assert.match(UNAVAILABLE_PAGE, /<meta http-equiv="refresh" content="5">/);
    assert.doesNotMatch(UNAVAILABLE_PAGE, /src=|href=|url\(/);
  });
});
