import type * as pulumi from "@pulumi/pulumi";
import type { Host } from "../core/host";
import { checkedSignal, remoteFiles } from "../core/remote-files";
import type { PinnedService } from "./pinned-service";
import { pinnedService } from "./pinned-service";
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
  /** How long open connections have to end when it stops. Seconds. */
  stopGraceSeconds: number;
  /** What a new image has to have reached before. */
  before: pulumi.Resource[];
}

/** User and group of the image. */
const OWNER = "64803:64803";

/** HAProxy on one machine; a new file is judged by the running one before it takes it. */
export function proxyService(args: ProxyServiceArgs, parent: pulumi.Resource): PinnedService {
  const { service, host, swarm, image, folder, config, port, stopGraceSeconds, before } = args;
  const file = { path: `${folder}/haproxy.cfg`, content: config, mode: "0400", owner: OWNER };
  const afterwards = checkedSignal(service, "haproxy -c -q -f /etc/trivet/haproxy.cfg", "USR2");
  const content = { files: [file], afterwards, dependsOn: [swarm.provider] };
  const files = remoteFiles(`${service}-files`, host, content, parent);
  return pinnedService(
    service,
    {
      service,
      host,
      swarm,
      image,
      healthcheck: {
        test: ["CMD", "bash", "-c", `</dev/tcp/127.0.0.1/${port}`],
        startSeconds: 10,
      },
      configFolders: { [folder]: "/etc/trivet" },
      stopGraceSeconds,
      dependsOn: [files, ...before],
    },
    parent,
  );
}
