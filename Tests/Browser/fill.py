"""Fills a hub's embedded database with a fleet that nobody has: clusters, workloads, findings, images, alerts, events.

The database must be there already (a hub that was started once makes it). Everything is drawn from a seed, so that two
runs write the same rows. Counters are counted from the findings themselves, as `martlet store check` counts them.

Usage: fill.py DATABASE [--findings N] [--clusters N]
"""

import random
import sqlite3
import sys
import time

DAY = 86_400_000
RULES = [
    ("pod/privileged", "A container is privileged", 1), ("pod/host-port", "A container asks for a port on the node itself", 2),
    ("pod/host-path", "A volume is a folder of the node", 1), ("pod/run-as-root", "A container may run as root", 2),
    ("pod/capabilities", "A container may have more capabilities than it drops", 2),
    ("workload/no-limits", "A container has no limit of memory", 3), ("image/no-digest", "An image is named by a tag", 3),
    ("network/no-policy", "No policy selects the pods", 2), ("rbac/wildcard", "A role allows everything", 0),
    ("secrets/plaintext-env", "A variable holds a secret in plain text", 1),
] + [(f"generated/check-{number}", f"Generated check number {number}", number % 5) for number in range(110)]
PACKAGES = ["openssl", "zlib", "curl", "glibc", "busybox", "log4j-core", "expat", "libxml2", "sqlite", "nghttp2"]
KINDS = ["Deployment", "StatefulSet", "DaemonSet", "CronJob"]


def fill(path, findings=1_000_000, clusters=334):
    draw = random.Random(10)
    now = int(time.time() * 1000)
    each = findings // clusters
    base = sqlite3.connect(path)
    base.execute("PRAGMA synchronous = OFF")
    base.execute("PRAGMA cache_size = -200000")

    def put(table, rows):
        rows = iter(rows)
        first = next(rows, None)
        if first is None:
            return
        marks = ", ".join("?" * len(first))
        names = ", ".join(first)
        sql = f"INSERT OR REPLACE INTO {table} ({names}) VALUES ({marks})"
        base.execute(sql, tuple(first.values()))
        base.executemany(sql, (tuple(row.values()) for row in rows))

    with base:
        put("clusters", (cluster_row(draw, number, each, now) for number in range(clusters)))
        put("score_history", (
            score_row(draw, number, day, now) for number in range(clusters) for day in range(30)))
        for number in range(clusters):
            put("findings", finding_rows(draw, number, each, now))
            put("objects", object_rows(draw, number, max(1, each // 10), now))
            put("images", image_rows(number, now))
        put("finding_history", (
            {"cluster": f"cluster-{number}", "fingerprint": fingerprint(number, step * 20), "at": now - DAY,
             "event": "changed", "detail": "failing, high"}
            for number in range(clusters) for step in range(each // 20)))
        put("events", (event_row(draw, number, clusters, now) for number in range(50_000)))
        put("alerts", (alert_row(draw, number, clusters, now) for number in range(3_000)))
        put("deliveries", (delivery_row(draw, number, clusters, now) for number in range(3_000)))
        put("waivers", (waiver_row(number, clusters, now) for number in range(1_000)))
        count_all(base)
        # What people look for, and what is known of each advisory: the store keeps it as findings are written.
        base.execute("INSERT OR IGNORE INTO search_terms SELECT 'rule', rule, MAX(lower(rule) || ' ' || lower(title)) "
                     "FROM findings GROUP BY rule")
        base.execute("INSERT OR IGNORE INTO search_terms SELECT 'name', name, lower(name) FROM "
                     "(SELECT name FROM findings UNION SELECT name FROM objects)")
        base.execute("INSERT OR IGNORE INTO advisories SELECT rule, substr(title, instr(title, ' in ') + 4), "
                     "CASE WHEN instr(message, 'fixed in ') > 0 THEN substr(message, instr(message, 'fixed in ') + 9) "
                     "ELSE '' END, MIN(first_seen) FROM findings WHERE kind = 'Image' GROUP BY rule")
    base.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    count = base.execute("SELECT COUNT(*) FROM findings").fetchone()[0]
    base.close()
    return count


def count_all(base):
    """Writes every counter anew."""
    base.execute("DELETE FROM rollups")
    where = {"cluster": "system = 0", "system": "system = 1", "namespace": "1 = 1",
             "rule": "kind <> 'Image' AND system = 0", "image": "kind = 'Image'", "advisory": "kind = 'Image'"}
    item = {"cluster": "''", "system": "''", "namespace": "namespace", "rule": "rule", "image": "name", "advisory": "rule"}
    for dimension, condition in where.items():
        base.execute(
            f"INSERT INTO rollups (cluster, dimension, item, rank, status, total) "
            f"SELECT cluster, '{dimension}', {item[dimension]}, rank, status, COUNT(*) FROM findings "
            f"WHERE {condition} GROUP BY 1, 3, 4, 5")
    base.execute(
        "INSERT INTO rollups (cluster, dimension, item, rank, status, total) "
        "SELECT '', dimension, item, rank, status, SUM(total) FROM rollups "
        "WHERE dimension IN ('rule', 'image', 'advisory') GROUP BY 2, 3, 4, 5")


def fingerprint(cluster, number):
    return f"{(cluster << 32) + number:016x}"


def cluster_row(draw, number, each, now):
    failed = each
    passed = each * draw.randint(2, 20)
    return {
        "id": f"cluster-{number}", "name": f"region-{number % 7}-cluster-{number}", "source": "agent", "server": "",
        "version": "v1.36.2", "state": "lost" if number % 50 == 9 else "resting", "detail": "", "holes": "",
        "added_at": now - 40 * DAY, "event_at": now - 60_000, "scan_at": now - 60_000, "lag": 300, "objects": each,
        "workloads": each // 10, "passed": passed, "failed": failed, "waived": 10, "unobservable": each // 50,
        "score": passed / (passed + failed), "serial": 1,
    }


def score_row(draw, number, day, now):
    at = time.strftime("%Y-%m-%d", time.gmtime((now - (29 - day) * DAY) / 1000))
    return {
        "cluster": f"cluster-{number}", "day": at, "score": 0.6 + 0.01 * day + draw.random() * 0.05,
        "critical": 200 - day, "high": 500, "medium": 900, "low": 300, "info": 100, "waived": 10, "objects": 3000,
    }


def finding_rows(draw, cluster, each, now):
    for number in range(each):
        is_image = number % 10 < 3
        status = 3 if number % 17 == 0 else 1 if number % 29 == 0 else 2 if number % 31 == 0 else 0
        first = now - draw.randint(1, 60) * DAY
        row = {
            "cluster": f"cluster-{cluster}", "fingerprint": fingerprint(cluster, number), "status": status,
            "file": "", "system": 0, "evidence": "[]", "origin": "", "waiver": None, "digest": "0", "first_seen": first,
            "changed_at": min(now, first + draw.randint(0, 5) * DAY), "fixed_at": now - DAY if status == 3 else None,
            "reopened": 0, "object_version": "1", "actor": "",
        }
        if status == 1:
            row["waiver"] = "platform: generated (until 2099-12-31)"
        if is_image:
            # A few advisories are everywhere, most of them in few images, as in life.
            advisory = int(draw.paretovariate(0.6)) % 20_000
            package = PACKAGES[advisory % len(PACKAGES)]
            fix = f"; fixed in 2.{advisory % 9}.1" if advisory % 3 else ""
            row |= {
                "rule": f"CVE-{2020 + advisory % 7}-{10_000 + advisory}", "rank": advisory % 5, "api_group": "",
                "kind": "Image", "namespace": "", "name": image(cluster, number),
                "title": f"CVE-{2020 + advisory % 7}-{10_000 + advisory} in {package}",
                "message": f"{package} 1.{advisory % 40} has CVE-{2020 + advisory % 7}-{10_000 + advisory}{fix}",
                "source": "trivy",
            }
        else:
            rule, title, rank = RULES[number % len(RULES)]
            workload = number // 10
            row |= {
                "rule": rule, "rank": rank, "api_group": "apps", "kind": KINDS[workload % len(KINDS)],
                "namespace": f"team-{workload % 40}", "name": f"app-{workload}", "title": title,
                "message": f'container "app-{workload}" is as it should not be, number {number}', "source": "martlet",
            }
        yield row


def image(cluster, number):
    return f"registry.example/team-{number % 40}/app-{number % 60}:1.{cluster % 12}"


def object_rows(draw, cluster, count, now):
    for number in range(count):
        yield {
            "cluster": f"cluster-{cluster}", "api_group": "apps", "kind": KINDS[number % len(KINDS)],
            "namespace": f"team-{number % 40}", "name": f"app-{number}", "file": "", "runs_pods": 1, "system": 0,
            "labels": f"app=app-{number}\nteam=team-{number % 40}", "images": image(cluster, number),
            "service_account": "default", "origin": "", "object_version": "1", "worst": draw.choice([0, 1, 1, 2, 2, 3, 5]),
            "failing": draw.randint(0, 12), "digest": "0", "seen_at": now,
        }


def image_rows(cluster, now):
    for number in range(120):
        yield {"cluster": f"cluster-{cluster}", "image": image(cluster, number), "digest": f"sha256:{number:064x}",
               "workloads": 3, "seen_at": now}


def event_row(draw, number, clusters, now):
    at = now - number * 60_000
    return {
        "cluster": f"cluster-{number % clusters}", "id": f"{at:014d}-{number:06d}", "at": at,
        "source": draw.choice(["falco", "audit"]), "rank": draw.randint(0, 4), "rule": "Terminal shell in container",
        "namespace": f"team-{number % 40}", "subject": f"app-{number % 300}-7d9f", "message": "A shell was spawned",
        "content": "{}",
    }


def alert_row(draw, number, clusters, now):
    at = now - number * 600_000
    is_over = number % 3 == 0
    return {
        "cluster": f"cluster-{number % clusters}", "id": f"{at:014d}-alert-{number:06d}", "rule": "new-critical",
        "group_key": f"team-{number % 40}", "rank": draw.randint(0, 2), "state": "resolved" if is_over else "firing",
        "title": "New critical findings", "content": "[]", "namespace": f"team-{number % 40}", "total": number % 9 + 1,
        "started_at": at, "changed_at": at, "ended_at": now if is_over else None, "acknowledged_by": None,
        "acknowledged_at": None, "escalated_at": None,
    }


def delivery_row(draw, number, clusters, now):
    at = now - number * 600_000
    state = "dead" if number % 40 == 0 else "sent"
    return {
        "cluster": f"cluster-{number % clusters}", "id": f"{at:014d}-delivery-{number:06d}", "notifier": "chat",
        "alert": f"{at:014d}-alert-{number:06d}", "dedup": str(number), "content": "firing", "state": state,
        "attempts": 1, "due_at": at, "created_at": at, "sent_at": at if state == "sent" else None,
        "error": "" if state == "sent" else "the receiver answered 410",
    }


def waiver_row(number, clusters, now):
    return {
        "cluster": f"cluster-{number % clusters}", "id": f"{now - number:014d}-waiver-{number:06d}",
        "rule": RULES[number % len(RULES)][0], "kind": None, "namespace": f"team-{number % 40}", "name": None, "path": None,
        "owner": "platform", "reason": "generated", "expires": "2099-12-31",
        "state": ["requested", "approved", "rejected"][number % 3], "requested_by": "ada", "requested_at": now,
        "decided_by": None, "decided_at": None,
    }


if __name__ == "__main__":
    def number(name, otherwise):
        return int(sys.argv[sys.argv.index(name) + 1]) if name in sys.argv else otherwise

    total = number("--findings", 1_000_000)
    start = time.time()
    count = fill(sys.argv[1], total, number("--clusters", max(1, min(334, total // 100))))
    print(f"{count} findings in {time.time() - start:.0f} s")
