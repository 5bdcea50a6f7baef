/** The end of an SFTP connection that takes files and keeps none. */
import { utils, type SFTPWrapper } from "ssh2";

const { STATUS_CODE } = utils.sftp;

/** Every folder is there already, and whatever is written has arrived. */
export function swallowFiles(sftp: SFTPWrapper): void {
  const succeed = (id: number) => {
    sftp.status(id, STATUS_CODE.OK);
  };
  sftp.on("OPEN", (id) => {
    sftp.handle(id, Buffer.from("file"));
  });
  sftp.on("WRITE", succeed);
  sftp.on("CLOSE", succeed);
  sftp.on("FSETSTAT", succeed);
  sftp.on("SETSTAT", succeed);
  const describe = (id: number, path: string) => {
    if (/\.[a-z]+$/.test(path)) sftp.status(id, STATUS_CODE.NO_SUCH_FILE);
    else sftp.attrs(id, { mode: 0o40755, uid: 0, gid: 0, size: 0, atime: 0, mtime: 0 });
  };
  sftp.on("STAT", describe);
  sftp.on("LSTAT", describe);
}
