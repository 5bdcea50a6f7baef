import assert from "node:assert/strict";
import {
  notYetElsewhere,
  parsePlacement,
  servicesOn,
} from "../../../../scripts/operator/placement";

const NODES = `node a ready active vm1
node b ready active vm2
node c ready active vm3
`;
const web = (...tasks: string[]) =>
  parsePlacement(
    `${NODES}service web 3 \n${tasks.map((task) => `task ${task}\n`).join("")}service nginx-vm1 1 vm1\ntask a running\n`,
  );

describe("where tasks are", () => {
  it("is read from what a manager prints", () => {
    const placement = web("a running", "b starting", " pending", "c shutdown");
    assert.deepEqual(placement.applications, { web: 3 });
    assert.deepEqual(placement.tasks, [
      { service: "web", node: "a", running: true },
      { service: "web", node: "b", running: false },
      { service: "nginx-vm1", node: "a", running: true },
    ]);
    assert.deepEqual(placement.nodes.a, { machine: "vm1", active: true });
  });

  it("tells what is left on a machine", () => {
    assert.deepEqual(servicesOn(web("a running", "a running"), "vm1"), ["nginx-vm1", "web"]);
    assert.deepEqual(servicesOn(web("a shutdown", "b running"), "vm1"), ["nginx-vm1"]);
    assert.deepEqual(servicesOn(web("a running"), "vm2"), []);
  });

  it("tells which applications are not complete elsewhere", () => {
    const left = (...tasks: string[]) => notYetElsewhere(web(...tasks), "vm1");
    assert.deepEqual(left("b running", "c running", "c running"), []);
    assert.deepEqual(left("b running", "c running", "c starting"), ["web"]);
    assert.deepEqual(left("b running", "c running", "c running", "a running"), ["web"]);
  });
});
