# Asks Patroni of this container for a switchover. Arguments: the primary, the candidate (empty: any standby), the
# file that tells its before_stop of it.
# Says on standard error that it is connected; whatever takes time is done by then. Asks at a line on standard input, and
# not at all where that ends before. Prints the status and Patroni's words. The password stays in here: no process list
# shows it.
import base64
import contextlib
import http.client
import json
import pathlib
import sys

import yaml

leader, candidate, marker = sys.argv[1:]
with open("/etc/trivet/patroni.yml", encoding="utf-8") as file:
    rest = yaml.safe_load(file)["restapi"]
login = "{username}:{password}".format(**rest["authentication"])
body = json.dumps({"leader": leader, "candidate": candidate or None})
headers = {
    "Authorization": "Basic " + base64.b64encode(login.encode()).decode(),
    "Content-Type": "application/json",
}
connection = http.client.HTTPConnection(rest["connect_address"], timeout=40)
connection.connect()
print("connected", file=sys.stderr, flush=True)
if not sys.stdin.readline():
    sys.exit(0)
# It saves time, no more.
with contextlib.suppress(OSError):
    pathlib.Path(marker).touch()
agreed = False
try:
    connection.request("POST", "/switchover", body, headers)
    answer = connection.getresponse()
    agreed = answer.status == http.client.OK
    print(answer.status, answer.read().decode())
finally:
    if not agreed:
        pathlib.Path(marker).unlink(missing_ok=True)
