import { existsSync } from "node:fs";
import { basename, join } from "node:path";
import { local, remote } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { ArgsCheck } from "../core/args-check";
import { Component } from "../core/component";
import type { Host } from "../core/host";
import { isLeftOut, LeftOut, leadOf, onHost } from "../core/host";
import type { RemoteRun } from "../core/remote-script";
import { readScript, remoteScript, shellQuote } from "../core/remote-script";
import type { BuildContext } from "./context";
import { packContext } from "./context";

/** Where an image comes from: a registry, or a folder with a Dockerfile. */
export type ImageSource = (
  { pull: string } | { build: string; buildArgs?: Readonly<Record<string, string>> }
) & {
  /** What messages call it: where its user finds its setting. */
  calledAs?: string;
};

/** A registry that keeps built images, so that the next machine pulls instead of building. */
export interface ImageRegistry {
  /** `host[:port][/path]`, without a scheme. */
  address: string;
  /** Built images are pushed to it. @default false */
  push?: boolean;
  /** With `password`; left out for a registry that asks for none. */
  username?: string;
  /** Made secret here even if given as plain text. */
  password?: pulumi.Input<string>;
}

/** Arguments of {@link ImageSet}. */
export interface ImageSetArgs {
  /** Machines that must have the images. The first one that can be reached builds. */
  hosts: readonly Host[];
  /** By name, a DNS label. */
  images: Readonly<Record<string, ImageSource>>;
  registry?: ImageRegistry;
  /** Folder for the archives that builds get, where Pulumi runs. @default ".trivet/contexts" */
  archiveFolder?: string;
}

const OBTAIN = readScript(__dirname, "obtain.sh");

/** Name of an image that is pulled; empty for one that is built. */
const pulled = (source: ImageSource) => ("pull" in source ? source.pull : "");

/** In a folder where every user may write and that survives a reboot. */
const uploadPath = (context: BuildContext) => `/var/tmp/trivet-${basename(context.archive)}`;

/**
 * Images on machines: each is built once on the first host and streamed to the others, or pulled.
 * Services refer to the identity, never to a tag: Swarm would look a tag up at each start of a task.
 * On machines that were there before, one run comes after the other: while two stand-in machines that share two cores
 * unpacked the image of Postgres side by side, writes waited for 9.7 s.
 */
export class ImageSet<Names extends string = string> extends Component {
  /** Identity of each image (`sha256:…`), known once every host has it. */
  readonly ids: Readonly<Record<Names, pulumi.Output<string>>>;
  /** The last run on a machine that serves users already. */
  private turn: pulumi.Resource[] = [];

  constructor(
    name: string,
    args: ImageSetArgs & { images: Readonly<Record<Names, ImageSource>> },
    opts?: pulumi.ComponentResourceOptions,
  ) {
    checkArgs(name, args);
    super("trivet:images:ImageSet", name, opts);

    const names = Object.keys(args.images) as Names[];
    const entries = names.map((image) => [
      image,
      this.provide(name, image, args.images[image], args),
    ]);
    this.ids = Object.fromEntries(entries) as Record<Names, pulumi.Output<string>>;
    this.registerOutputs({ ids: this.ids });
  }

  private provide(name: string, image: string, source: ImageSource, args: ImageSetArgs) {
    const first = leadOf(args.hosts);
    const others = args.hosts.filter((host) => host !== first);
    const context =
      "build" in source
        ? packContext(
            source.build,
            args.archiveFolder ?? join(".trivet", "contexts"),
            image,
            JSON.stringify(source.buildArgs ?? {}),
          )
        : undefined;
    const prefix = `${name}-${image}-${first.name}`;
    const upload = context && this.upload(prefix, first, context);
    const local = context ? `trivet/${image}:${context.hash}` : pulled(source);
    const needs = [...(upload ? [upload] : []), ...this.turnOf(first)];
    const obtained = this.obtain(prefix, first, image, source, context, local, args, needs, "");
    this.noteTurn(first, obtained);
    const lines = obtained.stdout.apply((text) => text.trim().split("\n"));
    const id = lines.apply(([identity = ""]) => identity);
    // By its digest: the tag may have moved since the first machine pulled it.
    const exact = context ? local : lines.apply(([, digest]) => digest ?? local);
    const copies = others.map((host) => {
      const copyName = `${name}-${image}-${host.name}`;
      const after = [obtained, ...this.turnOf(host)];
      const copy = this.sharesRegistry(source, args)
        ? this.obtain(copyName, host, image, source, context, exact, args, after, local)
        : this.stream(copyName, first, host, id, local, after);
      this.noteTurn(host, copy);
      return copy;
    });
    return pulumi.all([id, ...copies.map((copy) => copy.id)]).apply(([identity]) => identity);
  }

  /** What a machine waits for that serves users already: it is to be the only one that unpacks an image, or builds one. */
  private turnOf({ isNew }: Host): pulumi.Resource[] {
    return isNew === false ? this.turn : [];
  }

  private noteTurn({ isNew }: Host, run: pulumi.Resource): void {
    if (isNew === false) this.turn = [run];
  }

  /** The other machines can fetch it themselves, from where the first one left or found it. */
  private sharesRegistry(source: ImageSource, args: ImageSetArgs): boolean {
    return "pull" in source || args.registry?.push === true;
  }

  private obtain(
    prefix: string,
    host: Host,
    image: string,
    source: ImageSource,
    context: BuildContext | undefined,
    reference: pulumi.Input<string>,
    args: ImageSetArgs,
    dependsOn: pulumi.Resource[],
    alias: string,
  ): RemoteRun {
    const { registry } = args;
    const copy = context && registry ? `${registry.address}/${image}:${context.hash}` : "";
    const buildArgs = "build" in source ? source.buildArgs : undefined;
    // The password goes to the registry that it is for, and to no other.
    const server = registry?.address.split("/")[0] ?? "";
    const signsIn = copy !== "" || pulled(source).startsWith(`${server}/`);
    const credentials = signsIn ? [registry?.username ?? "", registry?.password ?? ""] : ["", ""];
    return remoteScript(
      prefix,
      host,
      {
        script: OBTAIN,
        args: [
          context ? "build" : "pull",
          reference,
          context ? uploadPath(context) : "",
          copy,
          String(registry?.push === true),
          signsIn ? server : "",
          source.calledAs ?? "",
          alias,
          ...Object.entries(buildArgs ?? {}).map(([key, value]) => `${key}=${value}`),
        ],
        stdin: pulumi.all(credentials).apply((lines) => lines.map((line) => `${line}\n`).join("")),
        dependsOn,
      },
      this,
    );
  }

  private upload(prefix: string, host: Host, context: BuildContext): remote.CopyToRemote {
    return new remote.CopyToRemote(
      `${prefix}-context`,
      {
        connection: host.connection,
        source: new pulumi.asset.FileAsset(context.archive),
        remotePath: uploadPath(context),
        triggers: [context.hash],
      },
      onHost(host, this),
    );
  }

  /** Through the machine where Pulumi runs: the platform's machines hold no keys to each other. */
  private stream(
    prefix: string,
    from: Host,
    to: Host,
    id: pulumi.Output<string>,
    alias: string,
    dependsOn: pulumi.Resource[],
  ): pulumi.Resource & { readonly id: pulumi.Output<string> } {
    if (isLeftOut(to, "command:local:Command", prefix)) return new LeftOut(prefix, this);
    const create = pulumi.interpolate`set -eu; id=${id}; if ! ${sshCommand(to)} docker image inspect "$id" >/dev/null 2>&1; then ${sshCommand(from)} "docker save $id | gzip -1" | ${sshCommand(to)} "gunzip | docker load"; fi; ${sshCommand(to)} docker tag "$id" ${alias}`;
    return new local.Command(
      prefix,
      { create, interpreter: ["/bin/bash", "-o", "pipefail", "-c"], logging: "none" },
      onHost(to, this, dependsOn),
    );
  }
}

/** The ssh command that docker itself would use for this machine. */
function sshCommand(host: Host): pulumi.Output<string> {
  return pulumi.all([host.docker.host, host.docker.sshOpts]).apply(([address, options]) => {
    const { username, hostname, port } = new URL(address);
    const target = [
      "-p",
      port === "" ? "22" : port,
      `${username}@${hostname.replace(/[[\]]/g, "")}`,
    ];
    return ["ssh", ...options, ...target].map(shellQuote).join(" ");
  });
}

function checkArgs(name: string, args: ImageSetArgs): void {
  const check = new ArgsCheck(`ImageSet "${name}"`).nonEmpty(args.hosts, "hosts").unique(
    args.hosts.map((host) => host.name),
    "hosts",
  );
  for (const [image, source] of Object.entries(args.images)) {
    check.name(image, `images.${image}`);
    if ("build" in source) {
      check.that(
        existsSync(join(source.build, "Dockerfile")),
        `images.${image}.build`,
        `has no Dockerfile: ${source.build}`,
      );
    } else {
      check.that(
        /^[^\s-]\S*$/.test(source.pull),
        `images.${image}.pull`,
        `is ${JSON.stringify(source.pull)}, must be an image's name`,
      );
    }
  }
  check
    .that(
      args.registry === undefined ||
        /^[^\s/:]+(:\d{1,5})?(\/[^\s/]+)*$/.test(args.registry.address),
      "registry.address",
      "must be host[:port][/path], without a scheme",
    )
    .done();
}
