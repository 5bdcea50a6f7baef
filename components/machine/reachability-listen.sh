#!/usr/bin/env bash
# Listens for a while at those ports of this machine's private address that nobody listens at yet, so that the other
# machines can try them: TCP takes connections, UDP sends back what comes; a UDP port that somebody holds is answered
# beside him. Prints the TCP ports and the UDP ports, comma-separated or "-".
# Arguments: machine, private address, TCP ports, UDP ports, the addresses of all machines, file of the listener's
# process identity and seconds to listen for (other ones in tests).
export MACHINE=$1
address=$2 tcp=$3 udp=$4 all=$5 pid_file=${6:-/run/trivet-reachability.pid} listen_seconds=${7:-120}

command -v perl > /dev/null || fail "has no command perl, which every Debian and Ubuntu has: apt-get install perl-base"
end_listener "$pid_file"
open_firewall "$all"
# Nothing of the listener may hold this script's standard output.
problem=$(mktemp)
trap 'rm -f "$problem"' EXIT
perl - "$address" "$tcp" "$udp" "$pid_file" "$listen_seconds" 2> "$problem" << 'PERL' ||
use strict;
use warnings;
use Errno qw(EADDRINUSE);
use IO::Select;
use IO::Socket::INET;
use POSIX qw(setsid);
use Socket qw(PF_INET SOCK_RAW IPPROTO_UDP inet_aton pack_sockaddr_in);

my ($address, $tcp, $udp, $pid_file, $seconds) = @ARGV;
my $until = time + $seconds;
my $all = IO::Select->new;
my %kind;
my %beside;
my %held = (tcp => [], udp => []);
my %ports = (tcp => $tcp, udp => $udp);
for my $protocol (qw(tcp udp)) {
  for my $port (grep { /\A\d+\z/ } split /,/, $ports{$protocol}) {
    my $socket = IO::Socket::INET->new(
      LocalAddr => $address, LocalPort => $port, Proto => $protocol,
      $protocol eq "tcp" ? (Listen => 64, ReuseAddr => 1) : ());
    if (!$socket) {
      $beside{$port} = 1 if $! == EADDRINUSE && $protocol eq "udp";
      next if $! == EADDRINUSE;
      die "cannot listen at $address port $port ($protocol): $!\n";
    }
    push @{ $held{$protocol} }, $port;
    $kind{$socket} = $protocol;
    $all->add($socket);
  }
}
# Sees what the machine's firewall lets through to those ports, with the IP header in front.
my $raw;
if (%beside && socket($raw, PF_INET, SOCK_RAW, IPPROTO_UDP) && bind($raw, pack_sockaddr_in(0, inet_aton($address)))) {
  push @{ $held{udp} }, sort { $a <=> $b } keys %beside;
  $kind{$raw} = "raw";
  $all->add($raw);
}
sub answer_beside {
  recv($raw, my $packet, 2048, 0) // return;
  my $header = (ord($packet) & 15) * 4;
  my $from = substr $packet, 12, 4;
  my ($source, $port) = unpack "n2", substr($packet, $header, 4);
  my $text = substr($packet, $header + 8);
  return unless $beside{$port} && $text eq "trivet\n";
  # A checksum of 0 is none.
  my $answer = pack("n4", $port, $source, 8 + length $text, 0) . $text;
  send($raw, $answer, 0, pack_sockaddr_in(0, $from));
}
sub ports { join(",", @{ $held{ $_[0] } }) || "-" }
if ($all->count > 0) {
  defined(my $pid = fork) or die "cannot fork: $!\n";
  if ($pid == 0) {
    # From here on nobody waits for it.
    setsid();
    open STDIN, "<", "/dev/null";
    open STDOUT, ">", "/dev/null";
    open STDERR, ">", "/dev/null";
    $0 = "trivet-reachability";
    while ((my $left = $until - time) > 0) {
      for my $socket ($all->can_read($left)) {
        my $kind = $kind{$socket} // "connection";
        if ($kind eq "tcp") {
          my $connection = $socket->accept;
          $all->add($connection) if $connection;
        } elsif ($kind eq "raw") {
          answer_beside();
        } elsif ($kind eq "udp") {
          my $from = $socket->recv(my $text, 512);
          $socket->send($text, 0, $from) if defined $from;
        } elsif (!$socket->sysread(my $text, 512)) {
          $all->remove($socket);
          close $socket;
        }
      }
    }
    POSIX::_exit(0);
  }
  open my $file, ">", $pid_file or die "cannot write $pid_file: $!\n";
  print $file "$pid\n";
  close $file;
}
print ports("tcp"), " ", ports("udp"), "\n";
PERL
  fail "$(tail -n 1 "$problem")"
