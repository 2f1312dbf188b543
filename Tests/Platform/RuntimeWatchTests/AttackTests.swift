import Detection
import Foundation
import Testing

@testable import RuntimeWatch

/// What somebody does in a container, and the alert it has to raise.
struct Attack: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var script: String
    var rule: String
    var isPrivileged = false

    init(_ name: String, _ rule: String, privileged: Bool = false, _ script: String) {
        testDescription = name
        self.script = script
        self.rule = rule
        isPrivileged = privileged
    }
}

/// What a workload does in earnest, about which nothing may be said.
struct Routine: Sendable, CustomTestStringConvertible {
    var testDescription: String
    var script: String

    init(_ name: String, _ script: String) {
        testDescription = name
        self.script = script
    }
}

@Suite(.serialized, .enabled(if: Live.isPossible)) struct AttackTests {
    private static let drift = OwnAlert.drift.rawValue
    private static let files = "Program files changed in a container"
    private static let accounts = "Account files written in a container"
    private static let replaced = "Account files replaced in a container"
    private static let rights = "Program given another's rights in a container"
    private static let keys = "Keys for logging in written"
    private static let jobs = "Timed job written in a container"
    private static let packages = "Package database written in a container"
    private static let secrets = "Secrets of the machine read in a container"
    private static let traces = "Traces removed in a container"

    static let attacks = [
        Attack("a copied shell runs", drift, "cp /bin/busybox /tmp/sh; /tmp/sh true; /tmp/sh echo"),
        Attack("a dropped program under a hidden name", drift, "cp /bin/busybox /tmp/.x; /tmp/.x true"),
        Attack(
            "a dropped program with a hostile name", drift,
            "cp /bin/busybox \"$(printf '/tmp/a\\033[31m\\n')\"; "
                + "\"$(printf '/tmp/a\\033[31m\\n')\" true"),
        Attack("a dropped program in the shell's place", drift, "cp /bin/busybox /tmp/e; exec /tmp/e true"),
        Attack(
            "a program of the image replaced and run", drift,
            "cp /bin/busybox /tmp/b; mv /tmp/b /bin/nc2; /bin/nc2 true"),
        Attack("a dropped program run and removed", drift, "cp /bin/busybox /tmp/g; /tmp/g true; rm /tmp/g"),
        Attack("a dropped program found by a relative path", drift, "cd /tmp; cp /bin/busybox rel; ./rel true"),
        Attack("a dropped program through a link", drift, "cp /bin/busybox /tmp/t; ln -s /tmp/t /tmp/u; /tmp/u true"),
        Attack("a program written to /bin", files, "cp /bin/busybox /bin/new"),
        Attack("a program written to /usr/bin", files, "echo x > /usr/bin/evil"),
        Attack("a program removed", files, "rm /bin/wget"),
        Attack("a program moved over another", files, "cp /bin/busybox /tmp/n; mv /tmp/n /bin/cat2"),
        Attack("a link put among programs", files, "ln -s /tmp/x /bin/evil"),
        Attack("a folder climbed to reach programs", files, "cd /tmp; echo x > ../bin/evil"),
        Attack("a link to the programs' folder", files, "ln -s /bin /tmp/b; echo x > /tmp/b/evil"),
        Attack("an account added", accounts, "echo 'evil:x:0:0::/:/bin/sh' >> /etc/passwd"),
        Attack("an account added through a link", accounts, "ln -s /etc/passwd /tmp/p; echo e >> /tmp/p"),
        Attack("a password changed", accounts, "echo x > /etc/shadow"),
        Attack("rights given in sudoers", accounts, "echo 'web ALL=(ALL) ALL' > /etc/sudoers"),
        Attack("a group changed", accounts, "echo g >> /etc/group"),
        Attack("accounts replaced by renaming", replaced, "cp /etc/passwd /tmp/q; mv /tmp/q /etc/passwd"),
        Attack("accounts removed", replaced, "rm /etc/shadow"),
        Attack("a link to the accounts", replaced, "ln /etc/passwd /tmp/hard"),
        Attack("a key added", keys, "echo key >> /root/.ssh/authorized_keys"),
        Attack("a key moved into place", keys, "echo key > /tmp/k; mv /tmp/k /root/.ssh/authorized_keys"),
        Attack("a timed job", jobs, "echo '* * * * * root sh' > /etc/cron.d/evil"),
        Attack("a crontab", jobs, "echo '* * * * * root sh' >> /etc/crontab"),
        Attack("a spooled crontab", jobs, "mkdir -p /var/spool/cron/crontabs; echo x > /var/spool/cron/crontabs/root"),
        Attack("the loader's file", "Loader told to load a library first", "echo /tmp/a.so > /etc/ld.so.preload"),
        Attack("packages changed by hand", packages, "echo x > /var/lib/dpkg/status"),
        Attack("a program made setuid", rights, "cp /bin/busybox /tmp/s; chmod u+s /tmp/s"),
        Attack("a program made setgid", rights, "cp /bin/busybox /tmp/s; chmod 2755 /tmp/s"),
        Attack("a program made setuid by number", rights, "cp /bin/busybox /tmp/s; chmod 4755 /tmp/s"),
        Attack("hashes read", secrets, "cat /etc/shadow"),
        Attack("hashes read from their folder", secrets, "cd /etc; cat shadow"),
        Attack("hashes copied", secrets, "cp /etc/shadow /tmp/h"),
        Attack("a private key searched for and read", secrets, "echo k > /root/.ssh/id_rsa; cat /root/.ssh/id_rsa"),
        Attack("a history removed", traces, "rm /root/.ash_history"),
        Attack("a history emptied", traces, ": > /root/.ash_history"),
        Attack("a log removed", traces, "echo l > /var/log/a.log; rm /var/log/a.log"),
        Attack("another's environment read", "Environment of another process read", "cat /proc/1/environ"),
        Attack(
            "credentials of the cloud asked for", "Cloud metadata asked from a container",
            "nc -w 1 169.254.169.254 80 </dev/null"),
        Attack(
            "credentials of the cloud asked for at another port", "Cloud metadata asked from a container",
            "nc -w 1 169.254.169.254 1338 </dev/null"),
        Attack(
            "a shell over the network", "Shell talks over the network",
            "nc -l -p 34567 </dev/null >/dev/null & sleep 1; nc -w 2 127.0.0.1 34567 -e /bin/true; kill %1"),
        Attack(
            "a way out by core_pattern", "Way out of a container written", privileged: true,
            "echo '|/tmp/x' > /proc/sys/kernel/core_pattern.none 2>/dev/null; : >> /proc/sys/kernel/core_pattern"),
        Attack("a way out by release_agent", "Way out of a container written", ": > /tmp/release_agent"),
        Attack("a file system mounted", "Mount in a container", privileged: true, "mount -t tmpfs t /tmp"),
        Attack("a folder bound over another", "Mount in a container", privileged: true, "mount -o bind /tmp /var"),
        Attack("namespaces left", "New user namespace in a container", privileged: true, "unshare -U true"),
        Attack(
            "a pod's token read", "Service account token read by a stranger",
            "mkdir -p /var/run/secrets/kubernetes.io/serviceaccount; echo t > /var/run/secrets/kubernetes.io/serviceaccount/token; "
                + "cat /var/run/secrets/kubernetes.io/serviceaccount/token"),
    ]

    static let routines = [
        Routine("nothing", "true"),
        Routine("a page served", "echo '<html>' > /tmp/index.html; cat /tmp/index.html"),
        Routine("a cache filled and emptied", "for i in 1 2 3 4 5; do echo $i > /tmp/c$i; done; rm /tmp/c*"),
        Routine(
            "an archive packed and unpacked", "mkdir /tmp/a; echo x > /tmp/a/b; cd /tmp; tar cf a.tar a; tar xf a.tar"),
        Routine("a file compressed", "echo hello > /tmp/z; gzip /tmp/z"),
        Routine("accounts looked up", "id; cat /etc/passwd; grep web /etc/passwd"),
        Routine("a configuration read", "cat /etc/hosts /etc/resolv.conf; ls /etc"),
        Routine("a health check", "nc -w 1 127.0.0.1 1 </dev/null"),
        Routine("a log appended to", "echo started >> /var/log/app.log; cat /var/log/app.log"),
        Routine("own processes looked at", "ps; cat /proc/self/status"),
        Routine("own environment", "env; cat /proc/self/cmdline"),
        Routine("a job waited for", "sleep 0.05 & wait"),
        Routine("a pipe", "find /etc | sort | head -n 3 | wc -l"),
        Routine("a file edited in place", "echo a > /tmp/f; sed -i s/a/b/ /tmp/f"),
        Routine("rights of a data file", "echo a > /tmp/f; chmod 640 /tmp/f"),
        Routine("a program's own rights kept", "touch /tmp/run.lock; chmod 755 /tmp/run.lock"),
        Routine("a data folder made", "mkdir -p /tmp/data/deep/er; touch /tmp/data/deep/er/x; find /tmp/data"),
        Routine("a file replaced in one step", "echo new > /tmp/state.tmp; mv /tmp/state.tmp /tmp/state"),
        Routine("a socket's file", "touch /tmp/app.sock; rm /tmp/app.sock"),
        Routine("a large file", "dd if=/dev/zero of=/tmp/big bs=64k count=16; rm /tmp/big"),
        Routine("disk usage", "df; du /tmp"),
        Routine("the date", "date; stat /etc/hosts"),
        Routine("text worked on", "echo 'a b c' | awk '{print $2}'; echo x | xargs echo"),
        Routine("a link in a data folder", "touch /tmp/v1; ln -s v1 /tmp/current; cat /tmp/current"),
        Routine("a child killed", "sleep 5 & kill $!"),
        Routine("a name that is not there looked for", "cat /etc/none; ls /none"),
        Routine("many short programs", "i=0; while [ $i -lt 40 ]; do true; /bin/true; i=$((i+1)); done"),
        Routine("a subshell with a redirection", "(echo a; echo b) > /tmp/o 2>&1; cat < /tmp/o"),
        Routine("a template filled", "sed s/X/1/ /etc/hosts > /tmp/hosts; test -s /tmp/hosts"),
        Routine("memory used as a scratch folder", "echo x > /dev/shm/x; cat /dev/shm/x; rm /dev/shm/x"),
        Routine("a process file of its own", "echo $$ > /tmp/app.pid; cat /tmp/app.pid; rm /tmp/app.pid"),
        Routine(
            "logs turned over",
            "echo l > /var/log/app.log; mv /var/log/app.log /var/log/app.log.1; gzip /var/log/app.log.1"),
        Routine("a configuration checked", "sh -n /etc/hosts 2>/dev/null; test -r /etc/passwd"),
        Routine("a signal taken", "trap 'echo bye' TERM; kill -TERM $$"),
        Routine("several workers", "for i in 1 2 3 4; do (sleep 0.05; echo $i > /tmp/w$i) & done; wait"),
        Routine(
            "a port of its own",
            "nc -l -p 34568 </dev/null >/dev/null & sleep 0.2; nc -w 1 127.0.0.1 34568 </dev/null; kill %1"),
        Routine("a name looked up", "nslookup localhost 127.0.0.1 >/dev/null 2>&1"),
        Routine("a download that fails", "wget -q -T 1 http://127.0.0.1:1/ -O /tmp/page"),
        Routine(
            "a queue of files", "mkdir -p /tmp/q/new /tmp/q/cur; echo m > /tmp/q/new/1; mv /tmp/q/new/1 /tmp/q/cur/1"),
        Routine("a database's folder", "mkdir -m 700 /tmp/db; for i in 1 2 3; do echo p > /tmp/db/seg$i; done; sync"),
        Routine("owners of data changed", "touch /tmp/own; chown 1000:1000 /tmp/own; stat /tmp/own"),
        Routine("a less privileged user", "su web -c 'id' </dev/null"),
        Routine("limits looked at", "ulimit -a; cat /proc/self/limits"),
        Routine("load looked at", "cat /proc/loadavg /proc/meminfo /proc/cpuinfo >/dev/null"),
        Routine("mounts looked at", "cat /proc/mounts; df /"),
        Routine("a sparse file", "dd if=/dev/zero of=/tmp/sparse bs=1 count=1 seek=100000; rm /tmp/sparse"),
        Routine("a hard link among data", "echo x > /tmp/h1; ln /tmp/h1 /tmp/h2; cat /tmp/h2"),
        Routine("a lock taken", "mkdir /tmp/lock && rmdir /tmp/lock"),
        Routine("an export written", "tar cf /tmp/export.tar /etc/hosts /etc/passwd; tar tf /tmp/export.tar"),
        Routine(
            "an update of a cache in a loop",
            "i=0; while [ $i -lt 30 ]; do echo $i > /tmp/cache.new; mv /tmp/cache.new /tmp/cache; i=$((i+1)); done"),
    ]

    @Test func scriptedAttacksAreSeen() throws {
        let live = try LiveWatch()
        var missed: [String] = []
        for attack in Self.attacks {
            var container = try TestContainer(privileged: attack.isPrivileged)
            defer { container.remove() }
            let found = try live.run(&container, attack.script)
            if !found.contains(where: { $0.rule == attack.rule }) {
                missed.append("\(attack.testDescription): \(Set(found.map(\.rule)).sorted())")
            }
            #expect(found.allSatisfy { $0.field("k8s.pod.uid") == TestContainer.podUID })
        }
        print("attacks seen: \(Self.attacks.count - missed.count) of \(Self.attacks.count)")
        #expect(missed.isEmpty, "\(missed.joined(separator: "\n"))")
        #expect(live.nameless == 0)
    }

    @Test func routinesRaiseNothing() throws {
        let live = try LiveWatch()
        var accused: [String] = []
        for routine in Self.routines {
            var container = try TestContainer()
            defer { container.remove() }
            let found = try live.run(&container, routine.script)
            if !found.isEmpty { accused.append("\(routine.testDescription): \(found.map(\.message))") }
        }
        print("routines in silence: \(Self.routines.count - accused.count) of \(Self.routines.count)")
        #expect(accused.isEmpty, "\(accused.joined(separator: "\n"))")
    }
}
