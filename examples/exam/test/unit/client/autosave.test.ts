import assert from "node:assert/strict";
import {
  Autosave,
  backoffSeconds,
  type SaveReply,
  type SaveState,
} from "../../../src/client/autosave";

interface Sent {
  readonly sequence: number;
  readonly value: string;
  readonly answer: (reply: SaveReply) => Promise<void>;
}

/** Lets every promise that is ready run. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function start(sequence = 0) {
  const sent: Sent[] = [];
  const states: SaveState[] = [];
  const waiting: (() => void)[] = [];
  const autosave = new Autosave({
    sequence,
    value: "",
    send: (number, value) =>
      new Promise((resolve) => {
        const answer = (reply: SaveReply): Promise<void> => {
          resolve(reply);
          return settle();
        };
        sent.push({ sequence: number, value, answer });
      }),
    onState: (state) => states.push(state),
    backoff: () => 1,
    wait: (callback) => waiting.push(callback),
  });
  const last = (): Sent => sent.at(-1) ?? assert.fail("nothing was sent");
  const elapse = async (): Promise<void> => {
    waiting.shift()?.();
    await settle();
  };
  return { autosave, sent, states, last, elapse };
}

const savedReply: SaveReply = { kind: "saved", savedAt: "2030-01-01T00:00:00.000Z" };

describe("client/autosave", () => {
  it("says saved only when the server has said so", async () => {
    const { autosave, states, last } = start(4);
    autosave.save("a");
    assert.deepEqual(states, [{ kind: "saving" }]);
    assert.ok(autosave.dirty);
    assert.deepEqual([last().sequence, last().value], [5, "a"]);
    await last().answer(savedReply);
    assert.deepEqual(states.at(-1), savedReply);
    assert.ok(!autosave.dirty);
  });

  it("repeats a lost request with the same sequence", async () => {
    const { autosave, sent, states, last, elapse } = start();
    autosave.save("a");
    await last().answer({ kind: "retry" });
    assert.deepEqual(states.at(-1), { kind: "unsaved", attempts: 1, retrySeconds: 1 });
    await elapse();
    assert.deepEqual(
      sent.map(({ sequence, value }) => [sequence, value]),
      [
        [1, "a"],
        [1, "a"],
      ],
    );
    await last().answer(savedReply);
    assert.ok(!autosave.dirty);
  });

  it("sends one request at a time, and then only the newest value", async () => {
    const { autosave, sent, states, last } = start();
    for (const value of ["a", "ab", "abc"]) autosave.save(value);
    assert.equal(sent.length, 1);
    await last().answer(savedReply);
    assert.deepEqual([last().sequence, last().value], [2, "abc"]);
    assert.equal(states.at(-1)?.kind, "saving");
    await last().answer(savedReply);
    assert.equal(states.at(-1)?.kind, "saved");
    assert.equal(sent.length, 2);
  });

  it("takes a newer value into the next attempt, with a new sequence", async () => {
    const { autosave, last, elapse } = start();
    autosave.save("a");
    await last().answer({ kind: "retry" });
    autosave.save("ab");
    await elapse();
    assert.deepEqual([last().sequence, last().value], [2, "ab"]);
  });

  it("sends nothing when nothing has changed", async () => {
    const { autosave, sent, last } = start();
    autosave.save("");
    assert.equal(sent.length, 0);
    autosave.save("a");
    autosave.save("a");
    await last().answer(savedReply);
    autosave.save("a");
    assert.equal(sent.length, 1);
    autosave.save("");
    assert.deepEqual([last().sequence, last().value], [2, ""]);
  });

  it("goes on after what another window has saved", async () => {
    const { autosave, last } = start(1);
    autosave.save("a");
    await last().answer({ kind: "stale", current: 7 });
    assert.deepEqual([last().sequence, last().value], [8, "a"]);
  });

  it("goes on after signing in again", async () => {
    const { autosave, states, last, elapse } = start();
    autosave.save("a");
    await last().answer({ kind: "signed-out" });
    assert.deepEqual(states.at(-1), { kind: "signed-out" });
    await elapse();
    await last().answer(savedReply);
    assert.equal(states.at(-1)?.kind, "saved");
  });

  it("stops when the answer is refused, and stays unsaved", async () => {
    const { autosave, sent, states, last } = start();
    autosave.save("a");
    await last().answer({ kind: "refused", message: "closed" });
    autosave.save("b");
    assert.equal(sent.length, 1);
    assert.deepEqual(states.at(-1), { kind: "refused", message: "closed" });
    assert.ok(autosave.dirty);
  });

  it("waits longer each time, within a bound", () => {
    const pauses = [1, 2, 3, 4, 5, 20].map((attempt) => backoffSeconds(attempt, 0.5));
    assert.deepEqual(pauses, [1, 2, 4, 8, 15, 15]);
    assert.ok(backoffSeconds(1, 0) < backoffSeconds(1, 1));
  });
});
