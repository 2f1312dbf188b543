"""Walks every screen of the dashboard in a real browser.

Starts `martlet serve` on the example, logs in, and holds each screen to: no console error, no request to another host,
no serious finding of axe, a title, keyboard ways, hostile names shown harmless. Needs playwright and
axe-playwright-python from PyPI and a chromium; says "skipped" where one is missing.

Usage: walk.py PROGRAM [--screenshots FOLDER]
Prints: browser: S of S screens, A serious axe findings, C console errors, X external requests
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

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
    "/", "/fleet", "/clusters/{cluster}", "/findings", "/findings?severity=critical", "/workloads", "/vulnerabilities",
    "/network", "/network?by=workload", "/identities", "/paths", "/paths?from=pods", "/alerts", "/compliance",
    "/compliance/soc2", "/compliance/hipaa", "/compliance/pci-dss", "/settings", "/search?q=payments", "/search",
]

# A namespace's worth of names that try to be markup, to turn text around, or to be endless.
HOSTILE = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: hostile
  namespace: shop
  labels: {team: '"><script>document.title="owned"</script>', long: '%s'}
  annotations: {note: "\\u202Egnp.exe <img src=x onerror=alert(1)>"}
spec:
  selector: {matchLabels: {app: hostile}}
  template:
    metadata: {labels: {app: hostile}}
    spec:
      containers:
      - name: '<b>bold</b>'
        image: 'registry.example/"><svg onload=alert(1)>:\\U0001F525'
        securityContext: {privileged: true}
""" % ("x" * 300)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start(program, folder, port):
    manifests = os.path.join(folder, "manifests")
    shutil.copytree(os.path.join(os.path.dirname(__file__), "../../Examples/shop"), manifests)
    with open(os.path.join(manifests, "hostile.yaml"), "w", encoding="utf-8") as file:
        file.write(HOSTILE)
    environment = dict(os.environ, KUBECONFIG="/nonexistent")
    hub = subprocess.Popen(
        [program, "serve", "--data", os.path.join(folder, "data"), "--port", str(port), "--no-cluster", "--otherwise", manifests],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)
    password = None
    deadline = time.time() + 60
    while time.time() < deadline:
        line = hub.stdout.readline()
        if not line:
            break
        found = re.search(r"password (\S+)", line)
        if found:
            password = found.group(1)
        if "listens on" in line:
            break
    if password is None:
        hub.kill()
        sys.exit("browser: the hub did not start")
    return hub, manifests, password


def main():
    program = sys.argv[1]
    pictures = sys.argv[sys.argv.index("--screenshots") + 1] if "--screenshots" in sys.argv else None
    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        print("browser: skipped: no chromium is installed")
        return 0
    if pictures:
        os.makedirs(pictures, exist_ok=True)
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    faults, errors, outside, serious, seen = [], [], [], [], 0
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        hub, manifests, password = start(program, folder, port)
        try:
            browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
            context = browser.new_context(viewport={"width": 1280, "height": 860})
            page = context.new_page()
            page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.on("dialog", lambda dialog: (faults.append("a script of a name ran"), dialog.dismiss()))
            page.on("request", lambda request: outside.append(request.url)
                    if not request.url.startswith(base) and not request.url.startswith("data:") else None)

            def look(path, name=None):
                nonlocal seen
                answer = page.goto(base + path)
                page.wait_for_load_state("load")
                seen += 1
                if answer.status != 200:
                    faults.append(f"{path}: {answer.status}")
                if "owned" in page.title() or "Martlet" not in page.title():
                    faults.append(f"{path}: title {page.title()}")
                if page.locator("h1").count() != 1:
                    faults.append(f"{path}: {page.locator('h1').count()} headings")
                width = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                if width > 1:
                    faults.append(f"{path}: {width} px wider than the window")
                if Axe is not None:
                    for found in Axe().run(page).response["violations"]:
                        if found["impact"] in ("serious", "critical"):
                            serious.append(f"{path}: {found['id']}: {found['nodes'][0]['html'][:160]}")
                if pictures and name:
                    page.screenshot(path=os.path.join(pictures, name + ".png"))

            look("/fleet")  # leads to the login
            page.fill("[name=name]", "admin")
            page.fill("[name=password]", "wrong")
            page.click("main button")
            if "wrong" not in page.inner_text("main"):
                faults.append("a wrong password is not told")
            page.fill("[name=name]", "admin")
            page.fill("[name=password]", password)
            page.click("main button")
            page.wait_for_url(base + "/**")
            errors[:] = [text for text in errors if "401" not in text]  # the wrong password's own answer

            deadline = time.time() + 60
            while time.time() < deadline:
                page.goto(base + "/workloads")
                if page.locator("tbody tr").count() > 0:
                    break
                time.sleep(0.5)
            page.goto(base + "/fleet")
            cluster = page.locator("tbody a").first.get_attribute("href").rsplit("/", 1)[-1]
            for path in SCREENS:
                name = path.split("?")[0].strip("/").replace("/", "-").replace("{cluster}", "one") or "fix-first"
                look(path.replace("{cluster}", cluster), name if "?" not in path else None)
            page.goto(base + "/findings")
            look(page.locator("tbody a").first.get_attribute("href"), "finding")
            page.goto(base + "/workloads?q=hostile")
            look(page.locator("tbody a").first.get_attribute("href"), "workload")
            if page.locator("main b, main img[src=x], main svg[onload]").count():
                faults.append("a name became markup")

            # Keys: search, help, places, rows.
            page.goto(base + "/findings")
            page.keyboard.press("/")
            if page.evaluate("document.activeElement.id") != "search":
                faults.append("/ does not reach the search")
            page.keyboard.press("Tab")
            page.evaluate("document.activeElement.blur()")
            page.keyboard.press("?")
            if not page.locator("dialog#keys").is_visible():
                faults.append("? does not show the keys")
            page.keyboard.press("Escape")
            page.keyboard.press("j")
            page.keyboard.press("j")
            if page.locator("tr[aria-selected=true]").count() != 1:
                faults.append("j does not select a row")
            with page.expect_navigation():
                page.keyboard.press("g")
                page.keyboard.press("f")
            if not page.url.endswith("/fleet"):
                faults.append("g f does not lead to the fleet")

            # Live: a change in the manifests arrives without a reload.
            page.goto(base + "/workloads")
            page.locator("#live-state", has_text=re.compile("^live$")).wait_for()
            before = page.locator("tbody tr").count()
            os.remove(os.path.join(manifests, "hostile.yaml"))
            deadline = time.time() + 20
            while page.locator("tbody tr").count() >= before:
                if time.time() > deadline:
                    faults.append("a change does not arrive on an open page")
                    break
                page.wait_for_timeout(200)

            # Narrow, dark, without scripts.
            narrow = browser.new_context(
                viewport={"width": 360, "height": 740}, color_scheme="dark", java_script_enabled=False,
                storage_state=context.storage_state())
            phone = narrow.new_page()
            for path in ("/", "/fleet", "/findings", "/network", "/compliance"):
                phone.goto(base + path)
                seen += 1
                if phone.locator("h1").count() != 1:
                    faults.append(f"{path}: nothing without scripts")
                if pictures and path == "/":
                    phone.screenshot(path=os.path.join(pictures, "narrow-dark.png"))
            size = len(urllib.request.urlopen(base + "/login").read())
            if size > 100_000:
                faults.append(f"the first page has {size} bytes")
            browser.close()
        finally:
            hub.terminate()
            hub.wait(timeout=20)
    for fault in faults:
        print(f"browser: {fault}")
    for text in errors + outside + serious:
        print(f"browser: {text}")
    tools = "" if Axe is not None else " (axe not installed)"
    print(f"browser: {seen - len(faults)} of {seen} screens, {len(serious)} serious axe findings{tools}, "
          f"{len(errors)} console errors, {len(outside)} external requests")
    return 1 if faults or errors or outside or serious else 0


if __name__ == "__main__":
    sys.exit(main())
