import * as pulumi from "@pulumi/pulumi";
import { ArgsCheck } from "../core/args-check";
import { Component } from "../core/component";
import type { Host } from "../core/host";
import { PORTS } from "../core/ports";
import { checkedSignal, remoteFiles } from "../core/remote-files";
import { rolling } from "../core/rolling";
import type { PinnedService } from "../swarm/pinned-service";
import { pinnedService, startScript } from "../swarm/pinned-service";
import type { SwarmHandle } from "../swarm/swarm";
import type { Route, Upstream } from "./nginx-files";
import { HEALTH_PORT, renderNginxConfig, UNAVAILABLE_PAGE } from "./nginx-files";

/** Certificate chain and key for every domain. */
export interface TlsCertificate {
  /** PEM, the server's certificate first. */
  certificate: pulumi.Input<string>;
  /** PEM. Made secret here even if given as plain text. */
  key: pulumi.Input<string>;
}

/** Arguments of {@link NginxLoadBalancer}. */
export interface NginxLoadBalancerArgs {
  /** Machines that answer on their own ports 80 and 443. */
  hosts: readonly Host[];
  swarm: SwarmHandle;
  /** Identity of an image with nginx 1.30.4 or newer, laid out like the official one. */
  image: pulumi.Input<string>;
  /** Services by their name in the overlay network. */
  upstreams: readonly Upstream[];
  /** With none every request is refused. Two for the same host and path are an error. */
  routes: readonly Route[];
  tls: TlsCertificate;
  /** Largest request body. MiB, 1 to 10240. @default 32 */
  maxBodyMiB?: number;
  /** Longest silence of an application, WebSockets included. Seconds, 1 to 86400. @default 300 */
  readTimeoutSeconds?: number;
}

/** User and group of the official image's workers; the master reads the key as root. */
const OWNER = "0:0";

const START = startScript(__dirname, "start.sh");

/** So long it serves on when it is told to stop: keepalived asks twice, a second apart (keepalived-files.ts), then moves. */
const LEAVE_SECONDS = 4;
/** Requests that run have 60 s to end (worker_shutdown_timeout). The provider waits no longer for a service that it removes. */
const STOP_GRACE_SECONDS = LEAVE_SECONDS + 70;

/**
 * A replica that owes an answer is asked after 2 s whether its machine is still there, then every second, and given up
 * after four silences; the kernel's own would be two hours. Users' connections do not ask: phones sleep.
 */
const KEEPALIVE = {
  "net.ipv4.tcp_keepalive_time": "2",
  "net.ipv4.tcp_keepalive_intvl": "1",
  "net.ipv4.tcp_keepalive_probes": "4",
};

/** nginx on each machine: TLS, host names, least-connections over the replicas that are healthy now. */
export class NginxLoadBalancer extends Component {
  /** Public address of each machine, known once its nginx answers. */
  readonly addresses: pulumi.Output<string[]>;

  constructor(name: string, args: NginxLoadBalancerArgs, opts?: pulumi.ComponentResourceOptions) {
    const { maxBodyMiB, readTimeoutSeconds } = resolveArgs(name, args);
    super("trivet:web:NginxLoadBalancer", name, opts);

    const { upstreams, routes } = args;
    const config = renderNginxConfig({ upstreams, routes, maxBodyMiB, readTimeoutSeconds });
    const servers = rolling(args.hosts, (host, before) =>
      this.runServer(name, host, args, config, before),
    );
    const addresses = pulumi.all(args.hosts.map((host) => host.publicAddress));
    this.addresses = pulumi
      .all([addresses, pulumi.all(servers.map((server) => server.id))])
      .apply(([all]) => all);
    this.registerOutputs({ addresses: this.addresses });
  }

  private runServer(
    name: string,
    host: Host,
    args: NginxLoadBalancerArgs,
    config: string,
    before: pulumi.Resource[],
  ): PinnedService {
    const service = `${name}-${host.name}`;
    const folder = `/etc/trivet/${name}`;
    const key = pulumi.secret(args.tls.key);
    const files = remoteFiles(
      `${service}-files`,
      host,
      {
        files: [
          { path: `${folder}/nginx.conf`, content: config },
          { path: `${folder}/start.sh`, content: START },
          { path: `${folder}/pages/unavailable.html`, content: UNAVAILABLE_PAGE },
          { path: `${folder}/certificate.pem`, content: args.tls.certificate },
          { path: `${folder}/certificate-key.pem`, content: key, mode: "0400", owner: OWNER },
        ],
        afterwards: checkedSignal(service, "nginx -t -q -c /etc/trivet/nginx.conf", "HUP"),
        dependsOn: [args.swarm.provider],
      },
      this,
    );
    return pinnedService(
      service,
      {
        service,
        host,
        swarm: args.swarm,
        image: args.image,
        command: ["bash", "/etc/trivet/start.sh", String(LEAVE_SECONDS)],
        healthcheck: {
          test: ["CMD", "bash", "-c", `</dev/tcp/127.0.0.1/${HEALTH_PORT}`],
          startSeconds: 10,
          // The published image has no start interval of its own, so this is when it counts as started.
          intervalSeconds: 5,
        },
        configFolders: { [folder]: "/etc/trivet" },
        publish: [
          { target: PORTS.http, published: PORTS.http },
          { target: PORTS.https, published: PORTS.https },
        ],
        sysctls: {
          "net.core.somaxconn": "65535",
          // What was sent to a machine which has just died is given up after about 13 s (derived: 200 ms,
          // doubled five times); the kernel's 15 would let it wait until nginx gives up, after 60 s.
          "net.ipv4.tcp_retries2": "5",
          ...KEEPALIVE,
        },
        stopSignal: "SIGQUIT",
        stopGraceSeconds: STOP_GRACE_SECONDS,
        dependsOn: [files, ...before],
      },
      this,
    );
  }
}

/** What nginx would read as more than one word. */
const PLAIN_WORD = /^[A-Za-z0-9._~:/@!*+,=-]+$/;

function resolveArgs(name: string, args: NginxLoadBalancerArgs) {
  const { maxBodyMiB = 32, readTimeoutSeconds = 300 } = args;
  const known = args.upstreams.map((upstream) => upstream.name);
  const check = new ArgsCheck(`NginxLoadBalancer "${name}"`)
    .nonEmpty(args.hosts, "hosts")
    .unique(known, "upstreams")
    .unique(
      args.routes.map((route) => `${route.host}${route.path}`),
      "routes",
    )
    .integer(maxBodyMiB, "maxBodyMiB", 1, 10_240)
    .integer(readTimeoutSeconds, "readTimeoutSeconds", 1, 86_400);
  args.upstreams.forEach(({ name: upstream, port }, i) => {
    check.name(upstream, `upstreams[${i}].name`).port(port, `upstreams[${i}].port`);
  });
  args.routes.forEach(({ host, path, service }, i) => {
    check
      .that(
        PLAIN_WORD.test(host),
        `routes[${i}].host`,
        `is ${JSON.stringify(host)}, must be a host name`,
      )
      .that(
        path.startsWith("/") && PLAIN_WORD.test(path),
        `routes[${i}].path`,
        `is ${JSON.stringify(path)}, must start with / and hold no blank, quote, semicolon or brace`,
      )
      .that(
        known.includes(service),
        `routes[${i}].service`,
        `is ${service}, must be one of ${known.join(", ")}`,
      );
  });
  check.done();
  return { maxBodyMiB, readTimeoutSeconds };
}
