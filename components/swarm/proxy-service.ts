import type * as pulumi from "@pulumi/pulumi";
import type { Host } from "../core/host";
import { checkedSignal, remoteFiles } from "../core/remote-files";
import type { PinnedService } from "./pinned-service";
import { pinnedService, startScript } from "./pinned-service";
import type { SwarmHandle } from "./swarm";

/** Arguments of {@link proxyService}. */
export interface ProxyServiceArgs {
  service: string;
  host: Host;
  swarm: SwarmHandle;
  /** Identity of an image with HAProxy (`components/images/haproxy`). */
  image: pulumi.Input<string>;
  /** Folder of haproxy.cfg on the machine. */
  folder: string;
  /** haproxy.cfg. */
  config: pulumi.Input<string>;
  /** TCP port of the machine that is open while it works. */
  port: number;
  /** How long open connections have to end when it stops. Seconds, below {@link STOP_GRACE_SECONDS}. */
  drainSeconds: number;
  /** What a new image has to have reached before. */
  before: pulumi.Resource[];
}

/** User and group of the image. */
const OWNER = "64803:64803";

const START = startScript(__dirname, "proxy.sh");

/**
 * From the signal to the kill; proxy.sh is done long before. The provider waits so long for the container when the service
 * is removed: with the time of the connections alone, 1 s or 2 s, `pulumi destroy` of a platform in use failed.
 */
const STOP_GRACE_SECONDS = 15;

/** HAProxy on one machine; a new file is judged by the running one before it takes it. */
export function proxyService(args: ProxyServiceArgs, parent: pulumi.Resource): PinnedService {
  const { service, host, swarm, image, folder, config, port, drainSeconds, before } = args;
  const files = [
    { path: `${folder}/haproxy.cfg`, content: config, mode: "0400", owner: OWNER },
    { path: `${folder}/start.sh`, content: START },
  ];
  const afterwards = checkedSignal(service, "haproxy -c -q -f /etc/trivet/haproxy.cfg", "USR2");
  const content = { files, afterwards, dependsOn: [swarm.provider] };
  const written = remoteFiles(`${service}-files`, host, content, parent);
  return pinnedService(
    service,
    {
      service,
      host,
      swarm,
      image,
      command: ["bash", "/etc/trivet/start.sh", String(drainSeconds)],
      healthcheck: {
        test: ["CMD", "bash", "-c", `</dev/tcp/127.0.0.1/${port}`],
        startSeconds: 10,
      },
      configFolders: { [folder]: "/etc/trivet" },
      stopGraceSeconds: STOP_GRACE_SECONDS,
      dependsOn: [written, ...before],
    },
    parent,
  );
}
