import assert from "node:assert/strict";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { HttpReader } from "../../../../scripts/drills/reader";
import { CERTIFICATE, KEY } from "../../stacks/config/pem";

/** Answers this many requests, and then what `afterwards` does. */
function site(answers: number, afterwards: "hangs" | "closes" | "answers"): Server {
  let left = answers;
  return createServer({ cert: CERTIFICATE, key: KEY }, (request, response) => {
    left -= 1;
    if (left >= 0 || afterwards === "answers") response.end("page");
    else if (afterwards === "closes") request.socket.destroy();
  });
}

describe("a reader of a drill", () => {
  const servers: Server[] = [];
  const serve = async (server: Server, address: string, port = 0): Promise<number> => {
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(port, address, resolve));
    return (server.address() as AddressInfo).port;
  };
  afterEach(() => {
    for (const server of servers.splice(0)) {
      server.closeAllConnections();
      server.close();
    }
  });

  const read = async (port: number, milliseconds: number) => {
    const addresses = ["127.0.0.1", "127.0.0.2"];
    const options = { addresses, certificate: CERTIFICATE, pauseMs: 20, timeoutMs: 300 };
    const reader = new HttpReader(`https://example.org:${port}/`, options);
    await sleep(milliseconds);
    return await reader.stop();
  };

  it("counts a request that gets no answer over a kept-alive connection as failed", async () => {
    const port = await serve(site(1, "hangs"), "127.0.0.1");
    await serve(site(0, "answers"), "127.0.0.2", port);
    const { answeredAt, failed, reasons } = await read(port, 700);
    assert.ok(answeredAt.length >= 1);
    assert.ok(failed >= 1);
    assert.deepEqual(Object.keys(reasons), ["no answer within 300 ms"]);
  });

  it("repeats at the next address what met the end of a kept-alive connection, as browsers do", async () => {
    const port = await serve(site(1, "closes"), "127.0.0.1");
    await serve(site(0, "answers"), "127.0.0.2", port);
    const { answeredAt, failed } = await read(port, 500);
    assert.equal(failed, 0);
    assert.ok(answeredAt.length >= 3);
  });

  it("goes on to the next address where nobody listens", async () => {
    const port = await serve(site(0, "answers"), "127.0.0.2");
    const { answeredAt, failed } = await read(port, 400);
    assert.equal(failed, 0);
    assert.ok(answeredAt.length >= 2);
  });
});
