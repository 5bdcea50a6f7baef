import assert from "node:assert/strict";
import { firstAddress } from "../../../components/swarm/swarm";

describe("the gateway's address", () => {
  for (const [subnet, address] of [
    ["10.212.0.0/24", "10.212.0.1"],
    ["10.212.0.128/25", "10.212.0.129"],
    ["172.16.0.0/12", "172.16.0.1"],
    ["192.168.255.240/28", "192.168.255.241"],
  ] as const) {
    it(`of ${subnet} is ${address}`, () => {
      assert.equal(firstAddress(subnet), address);
    });
  }
});
