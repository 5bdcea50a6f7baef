# Asks Patroni of this container for a switchover. Arguments: the primary, the candidate (empty: any standby), the
# file that tells its before_stop of it.
# Asks at a line on standard input, and not at all where that ends before: whatever takes time is done by then.
# Prints the status and Patroni's words. The password stays in here: no process list shows it.
import base64
import contextlib
import json
import pathlib
import sys
import urllib.error
import urllib.request

import yaml

leader, candidate, marker = sys.argv[1:]
with open("/etc/trivet/patroni.yml", encoding="utf-8") as file:
    rest = yaml.safe_load(file)["restapi"]
login = "{username}:{password}".format(**rest["authentication"])
request = urllib.request.Request(
    "http://{}/switchover".format(rest["connect_address"]),
    data=json.dumps({"leader": leader, "candidate": candidate or None}).encode(),
    headers={
        "Authorization": "Basic " + base64.b64encode(login.encode()).decode(),
        "Content-Type": "application/json",
    },
)
if not sys.stdin.readline():
    sys.exit(0)
# Proxies of the environment are not for addresses of the platform.
opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# It saves time, no more.
with contextlib.suppress(OSError):
    pathlib.Path(marker).touch()
try:
    with opener.open(request, timeout=40) as answer:
        print(answer.status, answer.read().decode())
except urllib.error.URLError as error:
    pathlib.Path(marker).unlink(missing_ok=True)
    if not isinstance(error, urllib.error.HTTPError):
        raise
    print(error.code, error.read().decode())
