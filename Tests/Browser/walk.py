"""Walks every screen of the dashboard in a real browser: on the example, and on a fleet with a million findings.

Starts `martlet serve`, logs in, and holds each screen to: no console error, no request to another host, no serious
finding of axe, one heading, keyboard ways, hostile names shown harmless, readable on a phone, at 200 % zoom, in the dark,
on paper and without scripts, every table as a file. People come in by password and through an OpenID provider. On the fleet the server's answers are timed. Needs playwright and
axe-playwright-python from PyPI and a chromium; says "skipped" where one is missing.

A walk that takes more than a quarter of an hour hangs: it ends with 3 and tells where.

Usage: walk.py PROGRAM [--screenshots FOLDER] [--findings N]
Prints: browser: S of S screens, A serious axe findings, C console errors, X external requests
"""

import faulthandler
import http.cookiejar
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request

import fill

try:
    from playwright.sync_api import sync_playwright
except ImportError:
    print("browser: skipped: playwright is not installed")
    sys.exit(0)
try:
    from axe_playwright_python.sync_playwright import Axe
except ImportError:
    Axe = None

SCREENS = [
    "/", "/fleet", "/clusters/{cluster}", "/findings", "/findings?severity=critical", "/findings?rule=pod/privileged",
    "/workloads", "/vulnerabilities", "/vulnerabilities?by=image", "/vulnerabilities/advisory?id={advisory}",
    "/vulnerabilities/image?name={image}", "/network", "/network?by=workload", "/network/deny", "/network/why?from=internet&to=shop/cart", "/identities", "/paths",
    "/paths?from=pods", "/alerts", "/compliance", "/compliance/soc2", "/compliance/soc2?from={day}&to={day}",
    "/compliance/soc2/CC6.1", "/compliance/hipaa", "/compliance/pci-dss", "/settings", "/search?q=payments", "/search",
]

# What is asked of a fleet of a million findings, and how long the server may take (95 of 100 answers, warm).
FLEET_SCREENS = [
    "/", "/?cluster=cluster-7", "/fleet", "/fleet?page=3", "/clusters/cluster-7", "/findings", "/findings?severity=critical",
    "/findings?status=fixed", "/findings?sort=changed", "/findings?rule=pod/privileged", "/findings?q=app-123",
    "/findings?q=nothing-like-this", "/findings?q=CVE-2024-10004", "/findings?cluster=cluster-7&q=number%20123",
    "/findings?cluster=cluster-7&namespace=team-3", "/workloads", "/workloads?q=app-123", "/workloads?cluster=cluster-7",
    "/workload?cluster=cluster-7&kind=Deployment&namespace=team-0&name=app-0", "/vulnerabilities",
    "/vulnerabilities?severity=critical", "/vulnerabilities?by=image", "/vulnerabilities?q=CVE-2024", "/vulnerabilities?fix=yes",
    "/vulnerabilities/advisory?id=CVE-2021-10001", "/vulnerabilities/image?name={image}", "/network", "/identities", "/paths",
    "/alerts", "/alerts?state=resolved", "/compliance", "/settings", "/search?q=app-123", "/search?q=nothing-like-this",
]
MOST_MILLISECONDS = 100
# The longest walk, and the longest answer that is waited for, in seconds.
MOST_SECONDS = 900
PATIENCE = 60
MOST_BYTES = 100_000

# Text that tries to be markup, to turn text around, to be endless, to be a formula.
EVIL = '"\'><script>document.title="owned"</script><img src=x onerror=alert(1)>\u202Egnp.exe\U0001F525' + "x" * 300

HOSTILE = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: hostile
  namespace: shop
  labels: {team: EVIL}
  annotations: {note: EVIL}
spec:
  selector: {matchLabels: {app: hostile}}
  template:
    metadata: {labels: {app: hostile}}
    spec:
      serviceAccountName: EVIL
      volumes: [{name: EVIL, hostPath: {path: EVIL}}]
      containers:
      - name: EVIL
        image: EVIL
        env: [{name: EVIL, value: EVIL}]
        securityContext: {privileged: true}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: EVIL}
rules: [{apiGroups: ["*"], resources: ["*", EVIL], verbs: ["*", EVIL]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: EVIL}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: EVIL}
subjects: [{kind: ServiceAccount, namespace: shop, name: EVIL}, {kind: User, apiGroup: rbac.authorization.k8s.io, name: EVIL}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: EVIL, namespace: shop}
spec: {podSelector: {matchLabels: {app: hostile}}, policyTypes: [Egress]}
---
apiVersion: v1
kind: Service
metadata: {name: EVIL, namespace: shop}
spec: {type: LoadBalancer, selector: {app: hostile}, ports: [{port: 80, name: EVIL}]}
---
apiVersion: v1
kind: Secret
metadata: {name: EVIL, namespace: shop}
stringData: {EVIL: EVIL}
"""

REPORT = {
    "SchemaVersion": 2, "ArtifactName": "shop/cart:1", "Results": [{"Target": "shop/cart:1", "Class": "os-pkgs", "Vulnerabilities": [
        {"VulnerabilityID": "CVE-2026-0001", "PkgName": "zlib", "InstalledVersion": "1.2", "FixedVersion": "1.3",
         "Severity": "CRITICAL"},
        {"VulnerabilityID": EVIL[:200], "PkgName": EVIL, "InstalledVersion": EVIL, "FixedVersion": EVIL, "Severity": "HIGH"},
    ]}],
}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Hub:
    """A running hub, and a client that is logged in."""

    running = []

    def __init__(self, program, folder, manifests, password=None, settings=None):
        self.base = f"http://127.0.0.1:{free_port()}"
        environment = dict(os.environ, KUBECONFIG="/nonexistent")
        # To a file and not to a pipe: nobody reads on once the hub listens, and a full pipe would stop it.
        self.log = os.path.join(folder, "hub.log")
        with open(self.log, "w", encoding="utf-8") as file:
            self.process = subprocess.Popen(
                [program, "serve", "--data", os.path.join(folder, "data"), "--port", self.base.rsplit(":", 1)[1],
                 "--no-cluster", "--otherwise", manifests] + (["--config", settings] if settings else []),
                stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, env=environment)
        Hub.running.append(self)
        deadline = time.time() + 120
        said = ""
        while time.time() < deadline and "listens on" not in said and self.process.poll() is None:
            time.sleep(0.1)
            with open(self.log, encoding="utf-8") as file:
                said = file.read()
        found = re.search(r"password (\S+)", said)
        self.password = found.group(1) if found else password
        if "listens on" not in said or self.password is None:
            self.process.kill()
            sys.exit(f"browser: the hub did not start: {said[-1000:]}")
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))

    def ask(self, request, form=None):
        """The answer's bytes. A hub that lets somebody wait is described while it does: a full disk queue is no fault
        of it, a hub that never answers is."""
        watch = threading.Timer(PATIENCE, self.describe)
        watch.start()
        try:
            with self.opener.open(request, form, 5 * PATIENCE) as answer:
                return answer.read()
        finally:
            watch.cancel()

    def log_in(self):
        form = urllib.parse.urlencode({"name": "admin", "password": self.password, "next": "/login"}).encode()
        self.ask(self.base + "/login", form)
        body = json.dumps({"name": "admin", "password": self.password}).encode()
        request = urllib.request.Request(self.base + "/api/v1/session", body, {"Content-Type": "application/json"})
        self.csrf = json.loads(self.ask(request))["csrf"]

    def post(self, path, body):
        return self.ask(urllib.request.Request(
            self.base + path, json.dumps(body).encode(),
            {"Content-Type": "application/json", "X-CSRF-Token": self.csrf}))

    def get(self, path):
        return self.ask(self.base + path)

    def cpu(self):
        """Processor time of the hub so far, in milliseconds."""
        with open(f"/proc/{self.process.pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")

    def describe(self):
        """What a hub that does not answer said last, and where each of its threads waits."""
        print(f"browser: the hub's last lines ({'running' if self.process.poll() is None else self.process.returncode}):")
        with open(self.log, encoding="utf-8", errors="replace") as file:
            print("".join(file.readlines()[-40:])[-8000:])
        folder = f"/proc/{self.process.pid}/task"
        for thread in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            words = []
            for name in ("comm", "wchan", "syscall"):
                try:
                    with open(f"{folder}/{thread}/{name}", encoding="ascii") as file:
                        words.append(file.read().strip())
                except OSError:
                    words.append("?")
            print(f"browser: thread {thread}: {' · '.join(words)}")
        if shutil.which("gdb") and self.process.poll() is None:
            try:
                subprocess.run(
                    ["gdb", "-p", str(self.process.pid), "-batch", "-nx", "-ex", "thread apply all bt 24"],
                    stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=120, check=False)
            except subprocess.TimeoutExpired:
                print("browser: gdb took too long")

    def stop(self):
        Hub.running.remove(self)
        self.process.terminate()
        try:
            self.process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise


class Walk:
    """What was looked at, and what was wrong with it."""

    def __init__(self, browser, base, pictures):
        self.browser, self.base, self.pictures = browser, base, pictures
        self.faults, self.errors, self.outside, self.serious, self.seen = [], [], [], [], 0
        self.context = self.new_context(viewport={"width": 1280, "height": 860})
        self.page = self.watch(self.context.new_page())

    def new_context(self, **options):
        return self.browser.new_context(**options)

    def watch(self, page):
        page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("dialog", lambda dialog: (self.faults.append("a script of a name ran"), dialog.dismiss()))
        page.on("request", lambda request: self.outside.append(request.url)
                if not request.url.startswith((self.base, "data:")) else None)
        return page

    def look(self, path, name=None, page=None, axe=True):
        page = page or self.page
        answer = page.goto(self.base + path)
        page.wait_for_load_state("load")
        self.seen += 1
        if answer.status != 200:
            self.faults.append(f"{path}: {answer.status}")
        if "owned" in page.title() and not page.locator("h1", has_text="owned").count() or "Martlet" not in page.title():
            self.faults.append(f"{path}: title {page.title()[:80]}")
        if page.locator("h1").count() != 1:
            self.faults.append(f"{path}: {page.locator('h1').count()} headings")
        if page.locator("main script, main img[src=x], main [onerror], main [onload]").count():
            self.faults.append(f"{path}: a name became markup")
        width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        if width > 1:
            self.faults.append(f"{path}: {width} px wider than the window of {page.viewport_size['width']}")
        if axe and Axe is not None:
            for found in Axe().run(page).response["violations"]:
                if found["impact"] in ("serious", "critical"):
                    self.serious.append(f"{path}: {found['id']}: {found['nodes'][0]['html'][:160]}")
        self.shoot(page, name)

    def shoot(self, page, name, whole=False):
        if self.pictures and name:
            page.screenshot(path=os.path.join(self.pictures, name + ".png"), full_page=whole)

    def log_in(self, password, after="/fleet"):
        page = self.page
        self.look(after)  # leads to the login
        page.fill("[name=name]", "admin")
        page.fill("[name=password]", "wrong")
        page.click("main button")
        if "wrong" not in page.inner_text("main"):
            self.faults.append("a wrong password is not told")
        page.fill("[name=name]", "admin")
        page.fill("[name=password]", password)
        page.click("main button")
        page.wait_for_url(self.base + after)
        self.errors[:] = [text for text in self.errors if "401" not in text]  # the wrong password's own answer


def keys(walk):
    page = walk.page
    page.goto(walk.base + "/findings")
    page.keyboard.press("Tab")
    if "skip" not in (page.evaluate("document.activeElement.className") or ""):
        walk.faults.append("the first Tab does not offer to skip to the content")
    page.keyboard.press("/")
    if page.evaluate("document.activeElement.id") != "search":
        walk.faults.append("/ does not reach the search")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("?")
    if not page.locator("dialog#keys").is_visible():
        walk.faults.append("? does not show the keys")
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    page.keyboard.press("j")
    if page.locator("tr[aria-selected=true]").count() != 1:
        walk.faults.append("j does not select a row")
    with page.expect_navigation():
        page.keyboard.press("Enter")
    if "/findings/" not in page.url:
        walk.faults.append("Enter does not open the row")
    for key, end in (("f", "/fleet"), ("v", "/vulnerabilities"), ("c", "/compliance")):
        with page.expect_navigation():
            page.keyboard.press("g")
            page.keyboard.press(key)
        if not page.url.endswith(end):
            walk.faults.append(f"g {key} does not lead to {end}")


def live(walk, manifests):
    page = walk.page
    page.goto(walk.base + "/workloads")
    page.locator("#live-state", has_text=re.compile("^live$")).wait_for()
    before = page.locator("tbody tr").count()
    os.remove(os.path.join(manifests, "hostile.yaml"))
    deadline = time.time() + 30
    while page.locator("tbody tr").count() >= before:
        if time.time() > deadline:
            walk.faults.append("a change does not arrive on an open page")
            break
        page.wait_for_timeout(200)


def files(walk, hub, paths):
    """Every table of every screen is also a file."""
    count = 0
    for path in paths:
        for link in re.findall(r'class="exports no-print">.*?</p>', hub.get(path).decode()):
            for address in re.findall(r'href="([^"]+)"', link):
                address = address.replace("&amp;", "&")
                body = hub.get(path.split("?")[0] + address)
                count += 1
                if "as=json" in address:
                    json.loads(body)
                elif not body:
                    walk.faults.append(f"{path}: {address} is empty")
    if count < 20:
        walk.faults.append(f"only {count} tables are files")
    return count


def forms(walk, paths):
    """The same screens narrow and dark, zoomed, printed, and without scripts."""
    state = walk.context.storage_state()
    for scheme in ("light", "dark"):
        phone = walk.watch(walk.new_context(
            viewport={"width": 360, "height": 740}, color_scheme=scheme, storage_state=state).new_page())
        for path in paths:
            name = path.split("?")[0].strip("/").replace("/", "-") or "fix-first"
            walk.look(path, f"phone-{scheme}-{name}" if "?" not in path else None, phone, axe=scheme == "dark")
    # 200 % zoom of a window of 1280 px leaves 640 px, each of two dots.
    zoomed = walk.watch(walk.new_context(
        viewport={"width": 640, "height": 430}, device_scale_factor=2, storage_state=state).new_page())
    for path in paths:
        walk.look(path, None, zoomed, axe=False)
    plain = walk.new_context(
        viewport={"width": 1280, "height": 860}, java_script_enabled=False, storage_state=state).new_page()
    for path in paths:
        plain.goto(walk.base + path)
        walk.seen += 1
        if plain.locator("h1").count() != 1 or not plain.locator("nav a").count():
            walk.faults.append(f"{path}: nothing without scripts")
    paper = walk.page
    paper.emulate_media(media="print")
    for path in ("/findings", "/compliance/soc2"):
        paper.goto(walk.base + path)
        walk.seen += 1
        if paper.locator("header").is_visible() or not paper.locator("h1").is_visible():
            walk.faults.append(f"{path}: does not print as a page")
    paper.emulate_media(media="screen")


def example(program, browser, pictures, folder):
    manifests = os.path.join(folder, "manifests")
    shutil.copytree(os.path.join(os.path.dirname(__file__), "../../Examples/shop"), manifests)
    hub = Hub(program, folder, manifests)
    walk = Walk(browser, hub.base, pictures)
    try:
        walk.log_in(hub.password)
        hub.log_in()
        deadline = time.time() + 60
        while time.time() < deadline and b"<tbody><tr>" not in hub.get("/workloads"):
            time.sleep(0.5)
        cluster = re.search(r'href="/clusters/([^"]+)"', hub.get("/fleet").decode()).group(1)
        cart = dict(REPORT, Results=[dict(REPORT["Results"][0], Vulnerabilities=REPORT["Results"][0]["Vulnerabilities"][:1])])
        image = re.search(r'name=([^"&]+cart[^"&]*)"', hub.get("/vulnerabilities").decode())
        image = urllib.parse.unquote(image.group(1)) if image else "shop/cart:1"
        hub.post(f"/api/v1/ingest/reports?cluster={cluster}&image={urllib.parse.quote(image)}", cart)
        values = {
            "cluster": cluster, "advisory": "CVE-2026-0001", "image": urllib.parse.quote(image),
            "day": time.strftime("%Y-%m-%d", time.gmtime()),
        }
        paths = [path.format(**values) for path in SCREENS]
        # First as it is, for the pictures; then with evil names in every place.
        for path, template in zip(paths, SCREENS):
            name = template.split("?")[0].strip("/").replace("/", "-").replace("{cluster}", "one") or "fix-first"
            walk.look(path, name if "?" not in template or "{image}" in template or "{advisory}" in template else None)
        dark = walk.watch(walk.new_context(
            viewport={"width": 1280, "height": 860}, color_scheme="dark", storage_state=walk.context.storage_state()).new_page())
        for path, name in (("/", "fix-first"), ("/fleet", "fleet"), ("/vulnerabilities", "vulnerabilities"),
                           ("/network", "network"), ("/paths", "paths"), ("/compliance/soc2", "compliance")):
            walk.look(path, "dark-" + name, dark)
        keys(walk)
        forms(walk, [path for path in paths if "q=" not in path])
        count = files(walk, hub, paths)
        before = hub.get("/workloads").count(b"<tr>")
        with open(os.path.join(manifests, "hostile.yaml"), "w", encoding="utf-8") as file:
            file.write(HOSTILE.replace("EVIL", json.dumps(EVIL, ensure_ascii=False)))
        hub.post(f"/api/v1/ingest/reports?cluster={cluster}&image={urllib.parse.quote(EVIL)}", REPORT)
        hub.post(f"/api/v1/ingest/alertmanager?cluster={cluster}", {"alerts": [{
            "status": "firing", "labels": {"alertname": EVIL, "namespace": "shop", "pod": EVIL, "severity": "critical"},
            "annotations": {"summary": EVIL}, "startsAt": "2026-01-01T00:00:00Z"}]})
        hub.post("/api/v1/waivers", {
            "cluster": cluster, "rule": "pod/host-port", "namespace": "shop", "name": "hostile", "owner": EVIL[:200],
            "reason": EVIL, "expires": time.strftime("%Y-%m-%d", time.gmtime(time.time() + 864_000))})
        deadline = time.time() + 60
        while hub.get("/workloads").count(b"<tr>") <= before:
            if time.time() > deadline:
                walk.faults.append("the hostile workload was not seen")
                break
            time.sleep(0.5)
        for path in paths:
            walk.look(path, axe=False)
        page = walk.page
        for path, name in (("/findings", "finding"), ("/workloads?q=hostile", None), ("/workloads?q=cart", "workload")):
            page.goto(walk.base + path)
            walk.look(page.locator("tbody a").first.get_attribute("href"), name)
        for query in ({"id": EVIL[:200]}, {"name": EVIL}):
            kind = "advisory" if "id" in query else "image"
            walk.look(f"/vulnerabilities/{kind}?" + urllib.parse.urlencode(query))
        for path in ("/search?q=", "/findings?q=", "/workloads?q=", "/vulnerabilities?q="):
            walk.look(path + urllib.parse.quote(EVIL))
        live(walk, manifests)
        size = len(hub.get("/")) + sum(len(hub.get(path)) for path in set(
            re.findall(r'(?:href|src)="(/assets/[^"]+)"', hub.get("/").decode())))
        if size > MOST_BYTES:
            walk.faults.append(f"the first load has {size} bytes")
        print(f"browser: the first load is {size // 1000} kB; {count} tables as files")
    except Exception:
        hub.describe()
        raise
    finally:
        # First the pages: one that listens to a hub that ends calls that an error, and rightly so.
        for context in browser.contexts:
            context.close()
        hub.stop()
    return walk


def openid(program, browser, pictures, folder):
    """Logs in through a provider of this machine, as somebody whose group has a role and as somebody without one."""
    mock = shutil.which("oidc-provider-mock")
    if mock is None:
        print("browser: the login by OpenID is skipped: oidc-provider-mock is not installed")
        return []
    issuer = f"http://127.0.0.1:{free_port()}"
    users = [{"sub": "alice", "preferred_username": "alice", "groups": ["security"]}, {"sub": "bob", "groups": ["sales"]}]
    provider = subprocess.Popen(
        [mock, "-p", issuer.rsplit(":", 1)[1]] + [word for user in users for word in ("--user-claims", json.dumps(user))],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    hub = None
    try:
        settings = os.path.join(folder, "settings.yaml")
        with open(settings, "w", encoding="utf-8") as file:
            json.dump({"openid": {"issuer": issuer, "client": "martlet", "secret": "made up",
                                  "groups": [{"group": "security", "role": "viewer"}]}}, file)
        deadline = time.time() + 60
        while time.time() < deadline:
            try:
                urllib.request.urlopen(issuer + "/.well-known/openid-configuration", timeout=10).close()
                break
            except OSError:
                time.sleep(0.2)
        manifests = os.path.join(os.path.dirname(__file__), "../../Examples/shop")
        hub = Hub(program, folder, manifests, settings=settings)
        walk = Walk(browser, hub.base, pictures)
        walk.look("/login", "login-openid")
        for name, answer in (("alice", 200), ("bob", 403)):
            context = walk.new_context()
            # The provider's own pages ask for styles from elsewhere; nothing leaves this machine.
            context.route(lambda url: not url.startswith("http://127.0.0.1:"), lambda route: route.abort())
            page = context.new_page()
            page.goto(hub.base + "/login?next=/findings")
            page.click("main a[href^='/login/openid']")
            page.fill("[name=sub]", name)
            with page.expect_navigation(url=hub.base + "/**") as leads:
                page.click("button:has-text('Authorize')")
            walk.seen += 1
            status = leads.value.status
            if status != answer or (answer == 200 and page.url != hub.base + "/findings"):
                walk.faults.append(f"the login of {name} by OpenID ends with {status} at {page.url}")
            if answer == 200:
                walk.look("/settings", page=walk.watch(page))
        return [walk]
    except Exception:
        if hub:
            hub.describe()
        raise
    finally:
        for context in browser.contexts:
            context.close()
        if hub:
            hub.stop()
        provider.terminate()
        provider.wait()


def fleet(program, browser, pictures, folder, findings):
    manifests = os.path.join(os.path.dirname(__file__), "../../Examples/shop")
    hub = Hub(program, folder, manifests)
    hub.stop()
    count = fill.fill(os.path.join(folder, "data", "hub.sqlite"), findings, max(1, min(334, findings // 100)))
    hub = Hub(program, folder, manifests, hub.password)
    walk = Walk(browser, hub.base, pictures)
    try:
        walk.log_in(hub.password)
        hub.log_in()
        paths = [path.format(image=urllib.parse.quote(fill.image(1, 0))) for path in FLEET_SCREENS]
        walls, costs = [], []
        for path in paths:
            hub.get(path)  # warm
            before = hub.cpu()
            for _ in range(10):
                start = time.perf_counter()
                hub.get(path)
                walls.append((time.perf_counter() - start) * 1000)
            costs.append(((hub.cpu() - before) / 10, path))

        def most(values):
            return sorted(values)[int(len(values) * 0.95)]

        cost = most([milliseconds for milliseconds, _ in costs])
        # A figure to look at, not a fault: the neighbours of a shared machine lengthen both.
        print(f"browser: {count} findings, server p95 {most(walls):.0f} ms on the wall and {cost:.0f} ms of processor time, "
              f"{len(walls)} warm answers, goal <= {MOST_MILLISECONDS} ms; dearest: "
              + ", ".join(f"{path} {milliseconds:.0f} ms" for milliseconds, path in sorted(costs, reverse=True)[:5]))
        for path in paths:
            name = path.split("?")[0].strip("/").replace("/", "-") or "fix-first"
            walk.look(path, f"fleet-{name}" if "?" not in path else None, axe=False)
    except Exception:
        hub.describe()
        raise
    finally:
        # First the pages: one that listens to a hub that ends calls that an error, and rightly so.
        for context in browser.contexts:
            context.close()
        hub.stop()
    return walk


def option(name):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else None


def give_up():
    """Ends a walk that hangs, whatever it waits for."""
    print(f"browser: no end after {MOST_SECONDS} s; it waits here:")
    faulthandler.dump_traceback(sys.stdout)
    for hub in Hub.running:
        hub.describe()
        hub.process.kill()
    os._exit(3)


def main():
    sys.stdout.reconfigure(line_buffering=True)
    watch = threading.Timer(MOST_SECONDS, give_up)
    watch.daemon = True
    watch.start()
    program = os.path.abspath(sys.argv[1])
    pictures = option("--screenshots")
    findings = int(option("--findings") or os.environ.get("BROWSER_FINDINGS", "1000000"))
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        print("browser: skipped: no chromium is installed")
        return 0
    if pictures:
        os.makedirs(pictures, exist_ok=True)
    walks = []
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        print(f"browser: {browser.version}")
        os.mkdir(os.path.join(folder, "example"))
        walks.append(example(program, browser, pictures, os.path.join(folder, "example")))
        os.mkdir(os.path.join(folder, "openid"))
        walks += openid(program, browser, pictures, os.path.join(folder, "openid"))
        if findings:
            os.mkdir(os.path.join(folder, "fleet"))
            walks.append(fleet(program, browser, pictures, os.path.join(folder, "fleet"), findings))
        browser.close()

    def all(name):
        return [item for walk in walks for item in getattr(walk, name)]

    faults, errors, outside, serious = all("faults"), all("errors"), all("outside"), all("serious")
    for text in faults + errors + outside + serious:
        print(f"browser: {text}")
    tools = "" if Axe is not None else " (axe not installed)"
    seen = sum(walk.seen for walk in walks)
    print(f"browser: {seen - len(faults)} of {seen} screens, {len(serious)} serious axe findings{tools}, "
          f"{len(errors)} console errors, {len(outside)} external requests")
    return 1 if faults or errors or outside or serious else 0


if __name__ == "__main__":
    sys.exit(main())
