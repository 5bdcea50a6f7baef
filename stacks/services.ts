import * as pulumi from "@pulumi/pulumi";
import { entryOf, mapValues } from "../components/core/collections";
import { leadOf } from "../components/core/host";
import * as random from "@pulumi/random";
import type { ImageSource } from "../components/images/image-set";
import { ImageSet } from "../components/images/image-set";
import type { SwarmHandle } from "../components/swarm/swarm";
import type { Backends } from "../components/web/app-environment";
import { AppService } from "../components/web/app-service";
import type { PlatformConfig, ServiceConfig } from "./config";
import type { Machines } from "./machines";
import { registryOf } from "./platform";

/** Secrets that the platform made, by service and name. */
export type GeneratedSecrets = Record<string, Record<string, pulumi.Output<string>>>;

/** The applications of the stack, and the secrets that were made for them. */
export function createServices(
  config: PlatformConfig,
  machines: Machines,
  swarm: SwarmHandle & pulumi.Resource,
  backends: Backends,
): { services: AppService[]; generated: GeneratedSecrets } {
  const sources = Object.entries(config.services).map(([name, service]): [string, ImageSource] => [
    name,
    service.build === undefined
      ? { pull: service.image ?? "", calledAs: `trivet:services.${name}.image` }
      : { build: service.build, calledAs: `trivet:services.${name}.build` },
  ]);
  const images = new ImageSet(
    "app-image",
    { hosts: machines.all, images: Object.fromEntries(sources), ...registryOf(config) },
    { dependsOn: swarm },
  );
  const generated = mapValues(config.services, generateSecrets);
  const services = Object.entries(config.services).map(
    ([name, service]) =>
      new AppService(name, {
        ...service,
        calledAs: `trivet:services.${name}`,
        swarm,
        manager: leadOf(machines.core),
        // The identity, not the name that the configuration gives.
        image: entryOf(images.ids, name),
        backends,
        env: {
          // What gunicorn, Puma and others read; the pools are sized for this many.
          WEB_CONCURRENCY: String(service.workers),
          ...service.env,
        },
        secrets: {
          ...mapValues(service.secrets, (value) => pulumi.secret(value)),
          ...generated[name],
        },
      }),
  );
  return { services, generated };
}

/** Made once and kept in the state. */
function generateSecrets(
  service: ServiceConfig,
  name: string,
): Record<string, pulumi.Output<string>> {
  const made = service.generatedSecrets.map((key): [string, pulumi.Output<string>] => {
    const { result } = new random.RandomPassword(`${name}-${key}`, { length: 40, special: false });
    return [key, pulumi.secret(result)];
  });
  return Object.fromEntries(made);
}
