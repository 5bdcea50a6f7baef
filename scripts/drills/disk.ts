/** Moves Docker's data to a file system that is little larger than what it holds; once. */
export const OWN_DISK = `
if [ ! -e /root/disk.img ]; then
  systemctl stop docker.socket docker containerd
  used=$(du -sm /var/lib/docker | cut -f1)
  truncate -s $((used * 12 / 10 + 600))M /root/disk.img
  command -v mkfs.ext4 > /dev/null || DEBIAN_FRONTEND=noninteractive apt-get install -y -q e2fsprogs > /dev/null
  mkfs.ext4 -q -m 0 /root/disk.img
  [ -e /dev/loop-control ] || mknod /dev/loop-control c 10 237
  for i in $(seq 0 31); do [ -e "/dev/loop$i" ] || mknod "/dev/loop$i" b 7 "$i"; done
  mkdir -p /mnt/disk
  mount -o loop /root/disk.img /mnt/disk
  cp -a /var/lib/docker/. /mnt/disk/
  mount --move /mnt/disk /var/lib/docker || { umount /mnt/disk; mount -o loop /root/disk.img /var/lib/docker; }
  systemctl start docker
fi
echo done`;

/** Leaves no room on that file system. */
export const FILL = `
fallocate -l $(($(df --output=avail -B1 /var/lib/docker | tail -n 1) - 65536)) /var/lib/docker/filler
dd if=/dev/zero of=/var/lib/docker/filler2 bs=4k 2> /dev/null || true
cat /var/lib/docker/filler2 >> /var/lib/docker/filler 2> /dev/null || true
rm -f /var/lib/docker/filler2
dd if=/dev/zero bs=4k >> /var/lib/docker/filler 2> /dev/null || true
df -h /var/lib/docker`;

/** Undoes {@link OWN_DISK}: after a restart of the machine, the data would lie on a disk that nobody mounts. */
export const SHARED_DISK = `
if [ -e /root/disk.img ]; then
  systemctl stop docker.socket docker containerd
  umount /var/lib/docker
  mount -o loop /root/disk.img /mnt/disk
  find /var/lib/docker -mindepth 1 -delete
  cp -a /mnt/disk/. /var/lib/docker/
  umount /mnt/disk
  rm /root/disk.img
  systemctl start docker
fi
echo done`;

/**
 * Shell that has this machine's primary begin segments of its log until one is refused: those that it keeps for later
 * would let it write on for hours. Prints how many it had room for, and what became of the next. Not by `docker exec`,
 * which needs room itself.
 */
export const exhaust = (container: string) => `
process=$(docker inspect -f '{{.State.Pid}}' ${container}) begun=0 said="room for all"
user=$(stat -c %u "/proc/$process")
for i in $(seq 100); do
  said=$(nsenter -t "$process" -a -S "$user" -G "$user" psql -X -U postgres -Atc 'SELECT pg_switch_wal()' 2>&1) || break
  begun=$i said="room for all"
  sleep 0.1
done
echo "$begun" $said`;

export const UNFILL = "rm -f /var/lib/docker/filler; echo done";
