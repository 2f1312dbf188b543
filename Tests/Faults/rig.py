"""What the faults are tried on: a hub, an agent, and stand-ins for everything around them.

The API server, the network between agent and hub, the receiver of alerts and the clock are ours, so that each can be
broken on purpose; hub and agent are the program itself.
"""

import http.server
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
static long offset(void) {
  const char *path = getenv("FAULTS_CLOCK");
  long seconds = 0;
  FILE *file = path ? fopen(path, "r") : NULL;
  if (file) { if (fscanf(file, "%ld", &seconds) != 1) seconds = 0; fclose(file); }
  return seconds;
}
int clock_gettime(clockid_t id, struct timespec *out) {
  static int (*real)(clockid_t, struct timespec *);
  if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
  int result = real(id, out);
  if (!result && id == CLOCK_REALTIME) out->tv_sec += offset();
  return result;
}
int gettimeofday(struct timeval *out, void *zone) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  out->tv_sec = now.tv_sec;
  out->tv_usec = now.tv_nsec / 1000;
  return 0;
}
time_t time(time_t *out) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (out) *out = now.tv_sec;
  return now.tv_sec;
}
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Threaded(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, address):
        pass  # whoever is killed hangs up in the middle


class Cluster:
    """An API server with namespaces and deployments; it can answer 429 and 410, be slow, and be away."""

    KINDS = {"/api/v1/namespaces": ("Namespace", "v1"), "/apis/apps/v1/deployments": ("Deployment", "apps/v1")}

    def __init__(self):
        self.port = free_port()
        self.lock = threading.Condition()
        self.version = 10
        self.objects = {}
        self.events = []
        self.floor = 0
        self.busy = 0
        self.delay = 0.0
        self.server = None
        self.generation = 0
        self.put("/api/v1/namespaces", {"metadata": {"name": "shop"}})
        self.start()

    def start(self):
        self.server = Threaded(("127.0.0.1", self.port), self.handler())
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()
        self.hang_up()

    def hang_up(self):
        with self.lock:
            self.generation += 1
            self.lock.notify_all()

    def forget(self):
        """Every moment before now is too old, as after a compaction."""
        with self.lock:
            self.events = []
            self.floor = self.version
            self.generation += 1
            self.lock.notify_all()

    def put(self, path, object, event=None):
        with self.lock:
            self.version += 1
            kind, api = self.KINDS[path]
            object.update(kind=kind, apiVersion=api)
            object["metadata"]["resourceVersion"] = str(self.version)
            key = (path, object["metadata"].get("namespace", ""), object["metadata"]["name"])
            event = event or ("MODIFIED" if key in self.objects else "ADDED")
            if event == "DELETED":
                self.objects.pop(key, None)
            else:
                self.objects[key] = object
            self.events.append((self.version, path, event, object))
            self.lock.notify_all()

    def deploy(self, name, open_port=True, gone=False):
        container = {"name": "app", "image": "app:1", "ports": [{"containerPort": 80}]}
        if open_port:
            container["ports"][0]["hostPort"] = 80
        labels = {"app": name}
        object = {
            "metadata": {"name": name, "namespace": "shop", "uid": name},
            "spec": {
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
            },
        }
        self.put("/apis/apps/v1/deployments", object, "DELETED" if gone else None)

    def handler(cluster):
        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_):
                pass

            def send(self, status, value, headers=()):
                body = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                for name, text in headers:
                    self.send_header(name, text)
                self.end_headers()
                self.wfile.write(body)

            def refuse(self, status, reason):
                headers = [("Retry-After", "1")] if status == 429 else []
                self.send(status, {"kind": "Status", "code": status, "reason": reason, "message": reason}, headers)

            def do_GET(self):
                path, _, query = self.path.partition("?")
                values = dict(part.partition("=")[::2] for part in query.split("&") if part)
                if cluster.delay:
                    time.sleep(cluster.delay)
                with cluster.lock:
                    refused = cluster.busy > 0
                    if refused:
                        cluster.busy -= 1
                if refused:
                    return self.refuse(429, "TooManyRequests")
                if path == "/version":
                    return self.send(200, {"major": "1", "minor": "33", "gitVersion": "v1.33.0"})
                if path in ("/api", "/apis"):
                    return self.send(200, self.discovery(path))
                if path not in cluster.KINDS:
                    return self.refuse(404, "NotFound")
                if values.get("watch") == "true":
                    return self.watch(path, int(values.get("resourceVersion") or 0))
                kind, api = cluster.KINDS[path]
                with cluster.lock:
                    items = [object for key, object in cluster.objects.items() if key[0] == path]
                    list = {"kind": kind + "List", "apiVersion": api, "items": items}
                    list["metadata"] = {"resourceVersion": str(cluster.version)}
                self.send(200, list)

            def discovery(self, path):
                name = "" if path == "/api" else "apps"
                plural, kind = ("namespaces", "Namespace") if path == "/api" else ("deployments", "Deployment")
                resource = {
                    "resource": plural,
                    "responseKind": {"group": name, "version": "v1", "kind": kind},
                    "scope": "Cluster" if path == "/api" else "Namespaced",
                    "verbs": ["get", "list", "watch"],
                }
                group = {"metadata": {"name": name}, "versions": [{"version": "v1", "resources": [resource]}]}
                return {
                    "kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": [group]}

            def watch(self, path, seen):
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                generation = cluster.generation
                while True:
                    with cluster.lock:
                        if seen < cluster.floor:
                            gone = {"kind": "Status", "code": 410, "reason": "Expired", "message": "too old"}
                            lines = [{"type": "ERROR", "object": gone}]
                            is_over = True
                        else:
                            fresh = [e for e in cluster.events if e[0] > seen and e[1] == path]
                            lines = [{"type": e[2], "object": e[3]} for e in fresh]
                            is_over = cluster.generation != generation
                            if not lines and not is_over:
                                cluster.lock.wait(0.5)
                            seen = fresh[-1][0] if fresh else seen
                    for line in lines:
                        text = json.dumps(line).encode() + b"\n"
                        self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))
                    self.wfile.flush()
                    if is_over:
                        self.wfile.write(b"0\r\n\r\n")
                        self.close_connection = True
                        return

        return Handler


class Receiver:
    """Takes alerts; one key is one alert, however often it comes."""

    def __init__(self):
        self.taken = {}
        self.lock = threading.Lock()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                with receiver.lock:
                    receiver.taken.setdefault(body["dedup"], []).append(body)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

        self.server = Threaded(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def firing(self):
        """Names that an alert came for, with the number of different keys."""
        counts = {}
        with self.lock:
            for bodies in self.taken.values():
                body = bodies[0]
                if body["state"] != "firing":
                    continue
                for word in body["text"].split():
                    if word.startswith("shop/"):
                        name = word[5:].rstrip(":")
                        counts.setdefault(name, set()).add(body["dedup"])
        return {name: len(keys) for name, keys in counts.items()}

    def repetitions(self):
        with self.lock:
            return sum(len(bodies) - 1 for bodies in self.taken.values())


class Wire:
    """The network between agent and hub, which can be cut."""

    def __init__(self, target):
        self.target = target
        self.is_cut = False
        self.pairs = set()
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            if self.is_cut:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target), timeout=2)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            self.pairs.add((client, server))
            for a, b in ((client, server), (server, client)):
                threading.Thread(target=self.pump, args=(a, b), daemon=True).start()

    @staticmethod
    def pump(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for side in (source, sink):
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        self.is_cut = True
        for pair in list(self.pairs):
            for side in pair:
                try:
                    side.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self.pairs.clear()

    def mend(self):
        self.is_cut = False


class Rig:
    """A hub with its agent; `folder` holds everything."""

    def __init__(self, program, settings="", data=None, agent_data=None, with_clock=False, postgres=None):
        self.program = program
        self.folder = tempfile.mkdtemp(prefix="martlet-faults-")
        self.data = data or f"{self.folder}/hub"
        self.agent_data = agent_data or f"{self.folder}/agent"
        self.cluster = Cluster()
        self.receiver = Receiver()
        self.port, self.agents = free_port(), free_port()
        self.wire = Wire(self.agents)
        self.expected = set()
        self.count = 0
        self.processes = {}
        self.environment = {k: v for k, v in os.environ.items() if not k.startswith(("KUBE", "MARTLET"))}
        self.environment["HOME"] = self.folder
        if with_clock:
            self.make_clock()
        if postgres:
            self.environment["MARTLET_POSTGRES"] = postgres
        with open(f"{self.folder}/hub.yaml", "w") as file:
            file.write(f"""
agents: {{port: {self.agents}}}
notifiers:
- name: hook
  kind: webhook
  url: http://127.0.0.1:{self.receiver.port}/
  options: {{template: '{{"dedup":"{{{{dedup}}}}","state":"{{{{state}}}}","text":"{{{{text}}}}"}}'}}
alerts:
- {{name: ports, severity: info, rules: [pod/host-port], groupBy: [cluster, object], notifiers: [hook], waitMilliseconds: 0}}
{settings}
""")
        with open(f"{self.folder}/kubeconfig", "w") as file:
            file.write(json.dumps({
                "apiVersion": "v1", "kind": "Config", "current-context": "edge",
                "clusters": [{"name": "edge", "cluster": {"server": f"http://127.0.0.1:{self.cluster.port}"}}],
                "contexts": [{"name": "edge", "context": {"cluster": "edge", "user": "edge"}}],
                "users": [{"name": "edge", "user": {}}],
            }))

    def make_clock(self):
        source, library = f"{self.folder}/clock.c", f"{self.folder}/clock.so"
        with open(source, "w") as file:
            file.write(CLOCK)
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
        self.library = library

    def clock(self, name, seconds):
        """Puts the clock of a program so many seconds forward."""
        with open(f"{self.folder}/{name}.clock.new", "w") as file:
            file.write(str(seconds))
        os.rename(f"{self.folder}/{name}.clock.new", f"{self.folder}/{name}.clock")

    # Programs

    def run(self, name, *arguments):
        environment = dict(self.environment)
        if hasattr(self, "library"):
            environment["LD_PRELOAD"] = self.library
            environment["FAULTS_CLOCK"] = f"{self.folder}/{name}.clock"
        log = open(f"{self.folder}/{name}.log", "a")
        self.processes[name] = subprocess.Popen(
            [self.program, *arguments], stdout=log, stderr=log, env=environment, cwd=self.folder)

    def start_hub(self):
        self.run(
            "hub", "serve", "--no-cluster", "--config", f"{self.folder}/hub.yaml", "--data", self.data,
            "--port", str(self.port))

    def start_agent(self, *more):
        self.run(
            "agent", "agent", "--hub", f"127.0.0.1:{self.wire.port}", "--data", self.agent_data,
            "--kubeconfig", f"{self.folder}/kubeconfig", *more)

    def start(self):
        self.start_hub()
        self.until("the hub is there", lambda: self.get("/healthz") is not None, 60)
        self.log_in()
        answer = self.request("POST", "/api/v1/agents", {"cluster": "edge"})
        self.start_agent("--join", answer["token"])
        self.until("the agent watches", lambda: self.state() == "watching", 60)

    def kill(self, name):
        process = self.processes[name]
        process.send_signal(signal.SIGKILL)
        process.wait()

    def end(self):
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
                process.wait()
        self.wire.cut()
        self.cluster.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    # Asking the hub

    def request(self, method, path, body=None):
        headers = {"Cookie": getattr(self, "cookie", ""), "X-CSRF-Token": getattr(self, "csrf", "")}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", method=method, headers=headers,
            data=None if body is None else json.dumps(body).encode())
        with urllib.request.urlopen(request, timeout=20) as answer:
            self.answered = answer.headers
            text = answer.read()
            return json.loads(text) if text.startswith(b"{") else {}

    def get(self, path):
        try:
            return self.request("GET", path)
        except (OSError, urllib.error.URLError):
            return None

    def log_in(self):
        with open(f"{self.folder}/hub.log") as file:
            password = file.read().split("password ")[1].split()[0]
        answer = self.request("POST", "/api/v1/session", {"name": "admin", "password": password})
        self.cookie = self.answered["Set-Cookie"].split(";")[0]
        self.csrf = answer["csrf"]

    def detail(self):
        return self.get("/api/v1/clusters/edge") or {}

    def state(self):
        return self.detail().get("freshness", {}).get("state")

    def found(self):
        """Names of deployments the hub knows to be open, as often as it says so; nil when it does not answer."""
        names, cursor = [], ""
        while True:
            page = self.get(f"/api/v1/findings?cluster=edge&rule=pod/host-port&limit=500{cursor}")
            if page is None:
                return None
            names += [item["subject"]["name"] for item in page["items"]]
            if not page["next"]:
                return names
            cursor = f"&cursor={page['next']}"

    # Changes

    def change(self):
        """One change in the cluster: mostly something new that is open, at times something mended or gone."""
        kind = random.random()
        closed = [name for name in self.expected if random.random() < 0.2]
        if kind < 0.25 and closed:
            name = closed[0]
            self.expected.discard(name)
            self.cluster.deploy(name, open_port=False, gone=kind < 0.1)
        else:
            self.count += 1
            name = f"app-{self.count}"
            self.expected.add(name)
            self.cluster.deploy(name)

    # Judging

    def until(self, what, holds, seconds):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if holds():
                return True
            time.sleep(0.1)
        return False

    def settle(self, seconds=90):
        """Waits for the hub to know what is; tells what is lost and what is there twice."""
        def is_settled():
            names = self.found()
            return names is not None and sorted(names) == sorted(self.expected)
        self.until("the hub knows", is_settled, seconds)
        names = self.found() or []
        lost = len(self.expected - set(names))
        return lost, len(names) - len(set(names)) + len(set(names) - self.expected)

    def raised(self):
        """Names that the hub has raised an alert for."""
        names, cursor = set(), ""
        while page := self.get(f"/api/v1/alerts?limit=500{cursor}"):
            names |= set(re.findall(r"shop/(app-[0-9]+)", json.dumps(page)))
            if not page["next"]:
                break
            cursor = f"&cursor={page['next']}"
        return names

    def alerts(self, seconds=60):
        """What nobody was told of, and what was told under two keys.

        To be told is what is still open, and every alert the hub has raised. What came and went while nobody looked
        is in no history.
        """
        needed = set(self.expected) | self.raised()
        self.until("alerts have come", lambda: needed <= set(self.receiver.firing()), seconds)
        firing = self.receiver.firing()
        return len(needed - set(firing)), sum(count - 1 for count in firing.values())
