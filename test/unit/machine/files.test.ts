import assert from "node:assert/strict";
import {
  renderDaemonJson,
  renderLimits,
  renderPortList,
  renderSysctlConf,
  reservedPortList,
  SSHD_DROP_IN,
} from "../../../components/machine/files";

const HEAD = "# Written by Trivet: changes made here are overwritten.";

describe("files of a machine", () => {
  it("writes ports as the kernel shows them", () => {
    assert.equal(renderPortList([443, 80, 2380, 2379, 2381, 80]), "80,443,2379-2381");
    assert.equal(renderPortList([]), "");
  });

  it("reserves the platform's ports and those given", () => {
    const platform = "80,443,2377,2379-2381,4789,5000-5001,5432,6379-6380,6432,7000,7946,8008";
    assert.equal(reservedPortList([]), `${platform},26379`);
    assert.equal(reservedPortList([9100, 26380]), `${platform},9100,26379-26380`);
  });

  it("writes the sysctl.d file, sorted, optional keys with a minus", () => {
    const sysctls = { "net.b": "1 2", "net.a": "3" };
    assert.equal(renderSysctlConf(sysctls, ["net.b"]), `${HEAD}\nnet.a = 3\n-net.b = 1 2`);
  });

  it("writes the drop-ins", () => {
    assert.equal(
      renderLimits(65_535),
      `${HEAD}\n[Unit]\nStartLimitIntervalSec=0\n[Service]\nLimitNOFILE=65535`,
    );
    assert.equal(SSHD_DROP_IN, `${HEAD}\nMaxStartups 100:30:200\nMaxSessions 100`);
  });

  it("writes daemon.json without empty lists", () => {
    const settings = {
      logMaxSizeMiB: 10,
      logMaxFiles: 5,
      registryMirrors: [],
      insecureRegistries: [],
      addressPools: [],
    };
    assert.equal(
      renderDaemonJson(settings),
      [
        "{",
        '  "log-driver": "local",',
        '  "log-opts": {',
        '    "max-size": "10m",',
        '    "max-file": "5"',
        "  },",
        '  "live-restore": false',
        "}",
      ].join("\n"),
    );
  });

  it("writes daemon.json with mirrors, registries and pools", () => {
    const text = renderDaemonJson({
      logMaxSizeMiB: 1,
      logMaxFiles: 1,
      registryMirrors: ["https://mirror.example.org"],
      insecureRegistries: ["10.0.0.5:5000"],
      addressPools: [{ base: "10.214.0.0/16", size: 24 }],
    });
    assert.deepEqual(JSON.parse(text), {
      "log-driver": "local",
      "log-opts": { "max-size": "1m", "max-file": "1" },
      "live-restore": false,
      "registry-mirrors": ["https://mirror.example.org"],
      "insecure-registries": ["10.0.0.5:5000"],
      "default-address-pools": [{ base: "10.214.0.0/16", size: 24 }],
    });
  });
});
