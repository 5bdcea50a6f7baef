import * as pulumi from "@pulumi/pulumi";
import { entryOf, firstOf } from "../components/core/collections";
import * as random from "@pulumi/random";
import type { ImageSource } from "../components/images/image-set";
import { ImageSet } from "../components/images/image-set";
import type { SwarmHandle } from "../components/swarm/swarm";
import type { Backends } from "../components/web/app-environment";
import { AppService } from "../components/web/app-service";
import type { PlatformConfig, ServiceConfig } from "./config";
import type { Machines } from "./machines";
import { registryOf } from "./platform";

/** The applications of the stack. */
export function createServices(
  config: PlatformConfig,
  machines: Machines,
  swarm: SwarmHandle & pulumi.Resource,
  backends: Backends,
): AppService[] {
  const sources = Object.entries(config.services).map(([name, service]): [string, ImageSource] => [
    name,
    service.build === undefined ? { pull: service.image ?? "" } : { build: service.build },
  ]);
  const images = new ImageSet(
    "app-image",
    { hosts: machines.all, images: Object.fromEntries(sources), ...registryOf(config) },
    { dependsOn: swarm },
  );
  return Object.entries(config.services).map(
    ([name, service]) =>
      new AppService(name, {
        ...service,
        swarm,
        manager: firstOf(machines.core),
        // The identity, not the name that the configuration gives.
        image: entryOf(images.ids, name),
        backends,
        env: {
          // What gunicorn, Puma and others read; the pools are sized for this many.
          WEB_CONCURRENCY: String(service.workers),
          ...service.env,
        },
        secrets: secretsOf(name, service),
      }),
  );
}

/** The secrets that the configuration gives, and those that it wants made. */
function secretsOf(name: string, service: ServiceConfig): Record<string, pulumi.Output<string>> {
  const given = Object.entries(service.secrets).map(([key, value]) => [key, pulumi.secret(value)]);
  const made = service.generatedSecrets.map((key) => {
    const { result } = new random.RandomPassword(`${name}-${key}`, { length: 40, special: false });
    return [key, pulumi.secret(result)];
  });
  return Object.fromEntries([...given, ...made]) as Record<string, pulumi.Output<string>>;
}
