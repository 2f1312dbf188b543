"""Breaks hub and agent on purpose, and counts what is lost and what is there twice.

Usage: faults.py PROGRAM [NAME...]
Prints: faults <name>: N of M survived, lost L, duplicated D

A thing survives when the hub knows of it in the end. Lost and duplicated count findings and alerts; an alert that was
sent twice with the same key is one, as receivers take it. FAULTS_KILLS and FAULTS_SEED change the number of kills and
the chance they are made with.
"""

import os
import random
import shutil
import subprocess
import sys
import tempfile
import time

from rig import Rig, free_port

KILLS = int(os.environ.get("FAULTS_KILLS", "100"))


def say(name, survived, most, lost, duplicated, more=""):
    print(f"faults {name}: {survived} of {most} survived, lost {lost}, duplicated {duplicated}{more}", flush=True)


def judge(rig, name, changes, more="", with_alerts=True):
    lost, duplicated = rig.settle()
    alerts = rig.alerts() if with_alerts else (0, 0)
    say(name, max(0, changes - lost - alerts[0]), changes, lost + alerts[0], duplicated + alerts[1], more)
    return lost + alerts[0] + duplicated + alerts[1] == 0


def kill(program):
    """kill -9 of hub or agent at a random moment while the cluster changes."""
    rig = Rig(program)
    try:
        rig.start()
        for round in range(KILLS):
            for _ in range(3):
                rig.change()
                time.sleep(random.random() * 0.15)
            name = random.choice(["hub", "agent"])
            rig.kill(name)
            rig.change()
            rig.start_hub() if name == "hub" else rig.start_agent()
            time.sleep(random.random() * 1.2)
        repeated = rig.receiver.repetitions()
        lost, duplicated = rig.settle(180)
        alerts = rig.alerts(120)
        survived = KILLS if lost + alerts[0] == 0 else max(0, KILLS - lost - alerts[0])
        say(
            "kill -9", survived, KILLS, lost + alerts[0], duplicated + alerts[1],
            f" ({rig.count} findings, {len(rig.receiver.firing())} alerts, {repeated} sent twice and taken once)")
        return lost + alerts[0] + duplicated + alerts[1] == 0
    finally:
        rig.end()


def network(program):
    """The way to the hub is cut while the cluster changes."""
    rig = Rig(program)
    try:
        rig.start()
        rig.wire.cut()
        for _ in range(60):
            rig.change()
            time.sleep(0.15)
        rig.wire.mend()
        return judge(rig, "network cut", 60)
    finally:
        rig.end()


def day(program):
    """The way is cut for 25 hours of the agent's clock: more than it keeps."""
    rig = Rig(program, with_clock=True)
    try:
        rig.start()
        rig.wire.cut()
        for round in range(40):
            rig.change()
            time.sleep(0.15)
            rig.clock("agent", round * 3600 * 25 // 39)
        time.sleep(1)
        rig.wire.mend()
        lost, duplicated = rig.settle()
        alerts = rig.alerts()
        agent = rig.detail().get("agent", {})
        say(
            "network cut 25 h", 40 - lost - alerts[0], 40, lost + alerts[0], duplicated + alerts[1],
            f" ({agent.get('lostBatches', 0)} batches of history dropped and shown)")
        return lost + alerts[0] + duplicated + alerts[1] == 0
    finally:
        rig.end()


def disk(program):
    """No room on the agent's disk, then on the hub's."""
    if os.geteuid() != 0:
        print("faults full disk: skipped: needs root for a small disk")
        return True
    ok = True
    for who in ("agent", "hub"):
        small = tempfile.mkdtemp(prefix="martlet-disk-")
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", small], check=True)
        rig = Rig(program, **({"agent_data": f"{small}/a"} if who == "agent" else {"data": f"{small}/h"}))
        try:
            rig.start()
            with open(f"{small}/ballast", "wb", buffering=0) as file:
                try:
                    while file.write(b"x" * 4096):
                        pass
                except OSError:
                    pass
            for _ in range(30):
                rig.change()
                time.sleep(0.1)
            time.sleep(2)
            os.unlink(f"{small}/ballast")
            ok = judge(rig, f"full disk of the {who}", 30) and ok
        finally:
            rig.end()
            subprocess.run(["umount", "-l", small], check=False)
            shutil.rmtree(small, ignore_errors=True)
    return ok


class Database:
    """A PostgreSQL of our own, on a socket."""

    bin = "/usr/lib/postgresql/15/bin"

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="martlet-pg-")
        os.chmod(self.folder, 0o755)
        self.data = f"{self.folder}/data"
        is_root = os.geteuid() == 0
        self.prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if is_root else []
        if is_root:
            shutil.chown(self.folder, "postgres", "postgres")
        self.run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-N", "-E", "UTF8", "--locale=C")
        self.start()
        self.run("createdb", "-h", self.folder, "-U", "postgres", "hub")
        return f"host={self.folder} user=postgres dbname=hub"

    def run(self, name, *arguments):
        subprocess.run(
            [*self.prefix, f"{self.bin}/{name}", *arguments], check=True, cwd=self.folder,
            stdout=subprocess.DEVNULL, timeout=60)

    def start(self):
        options = f"-k {self.folder} -c listen_addresses= -c fsync=off"
        self.run("pg_ctl", "-D", self.data, "-w", "-l", f"{self.folder}/log", "-o", options, "start")

    def stop(self):
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def database(program):
    """PostgreSQL goes away and comes back."""
    if not os.path.exists(f"{Database.bin}/postgres"):
        print("faults database down: skipped: PostgreSQL 15 is not installed")
        return True
    postgres = Database()
    with postgres as address:
        rig = Rig(program, postgres=address)
        try:
            rig.start()
            for _ in range(3):
                postgres.stop()
                for _ in range(10):
                    rig.change()
                    time.sleep(0.15)
                postgres.start()
                rig.change()
                time.sleep(1)
            return judge(rig, "database down", 33)
        finally:
            rig.end()


def replicas(program):
    """Three hubs share one PostgreSQL and one cluster; one of them is killed again and again."""
    if not os.path.exists(f"{Database.bin}/postgres"):
        print("faults three replicas: skipped: PostgreSQL 15 is not installed")
        return True
    with Database() as address:
        rig = Rig(program, settings="contexts: [edge]\n", postgres=address)
        rig.environment["MARTLET_KEY_FILE"] = f"{rig.folder}/key"
        ports = {}

        def start(name):
            if name not in ports:
                ports[name] = free_port()
            rig.run(
                name, "serve", "--no-cluster", "--config", f"{rig.folder}/hub.yaml", "--data",
                f"{rig.folder}/{name}", "--port", str(ports[name]), "--kubeconfig", f"{rig.folder}/kubeconfig")

        try:
            ports["hub"] = rig.port
            start("hub")
            rig.until("the hub is there", lambda: rig.get("/healthz") is not None, 60)
            rig.log_in()
            for name in ("hub1", "hub2"):
                start(name)
            rig.until("one of them watches", lambda: rig.state() == "watching", 60)
            kills = max(3, KILLS // 10)
            for _ in range(kills):
                for _ in range(4):
                    rig.change()
                    time.sleep(random.random() * 0.3)
                name = random.choice(list(ports))
                rig.kill(name)
                rig.change()
                time.sleep(random.random() * 3)
                start(name)
                time.sleep(random.random() * 3)
            rig.until("the hub is there", lambda: rig.get("/healthz") is not None, 60)
            lost, duplicated = rig.settle(120)
            alerts = rig.alerts(120)
            survived = max(0, kills - lost - alerts[0])
            say(
                "three replicas", survived, kills, lost + alerts[0], duplicated + alerts[1],
                f" ({len(rig.receiver.firing())} alerts, {rig.receiver.repetitions()} sent twice and taken once)")
            return lost + alerts[0] + duplicated + alerts[1] == 0
        finally:
            rig.end()


def server(program):
    """The API server restarts, forgets, is busy and slow."""
    ok = True

    def restart(rig):
        rig.cluster.stop()
        for _ in range(5):
            rig.change()
        time.sleep(2)
        rig.cluster.start()

    def forget(rig):
        for _ in range(5):
            rig.change()
        rig.cluster.forget()

    def busy(rig):
        rig.cluster.busy = 20
        rig.cluster.hang_up()
        for _ in range(5):
            rig.change()
        time.sleep(2)

    def slow(rig):
        rig.cluster.delay = 1.5
        rig.cluster.hang_up()
        for _ in range(5):
            rig.change()
        time.sleep(3)
        rig.cluster.delay = 0

    for name, fault in (
        ("API server restart", restart), ("API server 410", forget), ("API server 429", busy),
        ("API server slow", slow),
    ):
        rig = Rig(program)
        try:
            rig.start()
            for _ in range(4):
                fault(rig)
                rig.change()
                time.sleep(0.5)
            lost, duplicated = rig.settle()
            alerts = rig.alerts()
            say(name, 24 - lost - alerts[0], 24, lost + alerts[0], duplicated + alerts[1])
            ok = ok and lost + alerts[0] + duplicated + alerts[1] == 0
        finally:
            rig.end()
    return ok


def clock(program):
    """The agent's clock is ten minutes off, either way."""
    ok = True
    for seconds in (600, -600):
        rig = Rig(program, with_clock=True)
        try:
            rig.clock("agent", seconds)
            rig.start()
            for _ in range(20):
                rig.change()
                time.sleep(0.1)
            ok = judge(rig, f"clock {seconds:+d} s", 20) and ok
        finally:
            rig.end()
    return ok


def deleted(program):
    """The cluster goes away: the hub says so, keeps what it knew, and goes on when it is back."""
    rig = Rig(program)
    try:
        rig.start()
        for _ in range(10):
            rig.change()
        rig.settle()
        rig.cluster.stop()
        is_shown = rig.until("it is shown as lost", lambda: rig.state() == "lost", 60)
        is_kept = sorted(rig.found() or []) == sorted(rig.expected)
        rig.cluster.start()
        for _ in range(10):
            rig.change()
        lost, duplicated = rig.settle()
        alerts = rig.alerts()
        lost += alerts[0] + (0 if is_shown else 1) + (0 if is_kept else 1)
        say("cluster deleted", 20 - lost, 20, lost, duplicated + alerts[1], " (shown as lost meanwhile)" if is_shown else "")
        return lost + duplicated + alerts[1] == 0
    finally:
        rig.end()


def certificate(program):
    """The agent sleeps longer than its certificate holds."""
    rig = Rig(program, with_clock=True)
    try:
        rig.start()
        before = rig.detail()["agent"]["certificateEnds"]
        rig.kill("agent")
        rig.kill("hub")
        for name in ("agent", "hub"):
            rig.clock(name, 40 * 86_400)
        for _ in range(20):
            rig.change()
        rig.start_hub()
        rig.until("the hub is there", lambda: rig.get("/healthz") is not None, 60)
        with open(f"{rig.folder}/hub.log") as file:
            rig.log_in()
        rig.start_agent()
        lost, duplicated = rig.settle()
        alerts = rig.alerts()
        after = rig.detail()["agent"]["certificateEnds"]
        lost += alerts[0] + (0 if after > before else 1)
        say("certificate expired", 20 - lost, 20, lost, duplicated + alerts[1], f" (it ends {after[:10]} now, {before[:10]} before)")
        return lost + duplicated + alerts[1] == 0
    finally:
        rig.end()


FAULTS = {
    "kill": kill, "network": network, "day": day, "disk": disk, "database": database, "replicas": replicas,
    "server": server,
    "clock": clock, "deleted": deleted, "certificate": certificate,
}


def main():
    random.seed(int(os.environ.get("FAULTS_SEED", "7")))
    program = os.path.abspath(sys.argv[1])
    failed = 0
    for name in sys.argv[2:] or FAULTS:
        try:
            failed += 0 if FAULTS[name](program) else 1
        except Exception as error:  # a fault that cannot be tried is told, and the next one is tried
            print(f"faults {name}: could not be tried: {type(error).__name__}: {error}", flush=True)
            failed += 1
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
