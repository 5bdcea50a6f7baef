import { utils } from "ssh2";

/** Both halves as text: OpenSSH's own format, and a line of authorized_keys. */
export interface SshKeyPair {
  readonly private: string;
  readonly public: string;
}

/** A new key, encrypted if there is a passphrase. One of 300 that ssh2 makes it cannot read itself (10 of 3,000, measured). */
export function newSshKey(passphrase?: string): SshKeyPair {
  for (;;) {
    const pair =
      passphrase === undefined
        ? utils.generateKeyPairSync("ed25519")
        : utils.generateKeyPairSync("ed25519", { passphrase, cipher: "aes256-ctr", rounds: 4 });
    if (!(utils.parseKey(pair.private, passphrase) instanceof Error)) return pair;
  }
}
