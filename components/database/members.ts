/** One member of a cluster, etcd or Postgres: the machine's name and private address. */
export interface Member {
  name: string;
  address: string;
}

/** The member called `name`, which its own cluster always has. */
export function memberCalled(name: string, members: readonly Member[]): Member {
  const found = members.find((member) => member.name === name);
  if (found === undefined) throw new Error(`${name} is not among the members`);
  return found;
}
