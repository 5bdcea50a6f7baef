import assert from "node:assert/strict";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { WebSocket } from "ws";
import {
  environment,
  makeScratch,
  prepare,
  type Replica,
  type Scratch,
  signIn,
  signInAdmin,
  startReplica,
} from "./world";

const PATH = "/ws/countdown?exam=2";

interface Message {
  readonly type: string;
  readonly state: string;
  readonly closesAt: string;
}

describe("the countdown over two replicas", () => {
  let scratch: Scratch;
  let replicas: Replica[] = [];

  before(async function () {
    const made = await makeScratch();
    if (made === null) this.skip();
    scratch = made;
    await prepare(scratch);
    const settings = environment(scratch);
    replicas = [await startReplica(settings), await startReplica(settings)];
    for (const { app } of replicas) await app.listen({ port: 0, host: "127.0.0.1" });
  });
  after(async () => {
    for (const replica of replicas) await replica.stop();
    await (scratch as Scratch | undefined)?.drop();
  });

  function connect({ app }: Replica, cookie: string, headers = {}, path = PATH): WebSocket {
    const { port } = app.server.address() as AddressInfo;
    return new WebSocket(`ws://127.0.0.1:${String(port)}${path}`, {
      headers: { cookie, ...headers },
    });
  }

  function received(socket: WebSocket): Message[] {
    const messages: Message[] = [];
    socket.on("message", (data: Buffer) => {
      messages.push(JSON.parse(data.toString("utf8")) as Message);
    });
    return messages;
  }

  async function until(condition: () => boolean, seconds = 8): Promise<void> {
    const deadline = Date.now() + seconds * 1000;
    while (!condition()) {
      assert.ok(Date.now() < deadline, "it did not happen in time");
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  it("reaches every client through every replica at once", async () => {
    const [one, two] = replicas;
    assert.ok(one !== undefined && two !== undefined);
    const admin = await signInAdmin(one);
    const change = (action: string, payload: object = {}) =>
      one.app.inject({
        method: "POST",
        url: `/admin/exams/2/${action}`,
        headers: { cookie: admin },
        payload,
      });
    await change("open");
    const sockets = await Promise.all(
      replicas.map(async (replica) => connect(replica, await signIn(replica, "s0001"))),
    );
    const inboxes = sockets.map(received);
    await until(() => inboxes.every((inbox) => inbox.length >= 2));
    const before = inboxes[0]?.[0]?.closesAt ?? "";

    const extended = new Date(Date.parse(before) + 300_000).toISOString();
    await change("extend", { closesAt: before, minutes: 5 });
    const told = (inbox: Message[]): boolean =>
      inbox.some((message) => message.type === "changed" && message.closesAt === extended);
    await until(() => inboxes.every(told), 1);

    // What comes after the change never tells the former end again.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    for (const inbox of inboxes) {
      const later = inbox.slice(inbox.findIndex((message) => message.type === "changed"));
      assert.ok(later.every((message) => message.closesAt === extended));
    }

    await change("close");
    await until(() => inboxes.every((inbox) => inbox.at(-1)?.state === "closed"), 1);
    for (const socket of sockets) socket.terminate();
  });

  it("is for signed-in browsers of this site", async () => {
    const [one] = replicas;
    assert.ok(one !== undefined);
    const refusal = async (socket: WebSocket): Promise<string> => {
      const [error] = (await once(socket, "error")) as [Error];
      return error.message;
    };
    assert.match(await refusal(connect(one, "")), /401/);
    const cookie = await signIn(one, "s0002");
    const foreign = connect(one, cookie, { origin: "https://evil.example" });
    assert.match(await refusal(foreign), /403/);
    const unknown = connect(one, cookie, {}, "/nowhere");
    assert.match(await refusal(unknown), /404/);
  });

  it("sends clients elsewhere when the replica stops", async () => {
    const third = await startReplica(environment(scratch));
    await third.app.listen({ port: 0, host: "127.0.0.1" });
    const socket = connect(third, await signIn(third, "s0003"));
    await once(socket, "open");
    const closed = once(socket, "close");
    await third.stop();
    const [code] = (await closed) as [number];
    assert.equal(code, 1001);
  });
});
