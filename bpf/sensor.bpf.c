// What the kernel does and rules ask about, as records in a ring.
//
// One program sits at the end of every system call and looks its number up; whatever nobody wants leaves there. At the
// end of a call the kernel has resolved its paths, so that files are named by what was opened and not by what a
// process may have written over since. Each event is counted as delivered, filtered or lost.
#include "kernel.h"
#include "record.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>

// Helpers of the kernel that trace are given to programs under this licence only.
char license_text[] SEC("license") = "Dual MIT/GPL";

#define DATA_LIMIT (RECORD_LIMIT + STRING_LIMIT + 64)
#define PATH_DEPTH 40
#define OVERLAY_MAGIC 0x794c7630
#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define TMPFS_MAGIC 0x01021994
#define RAMFS_MAGIC 0x858458f6
#define AT_FDCWD -100
#define SIGKILL 9
#define TS_COMPAT 2
#define PROT_EXEC 4
#define MAP_TYPE 15
#define MAP_PRIVATE 2
#define MAP_ANONYMOUS 32
#define O_ACCMODE 3
#define O_CREAT 0100
#define O_TRUNC 01000
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define SOCK_DGRAM 2

struct scratch {
    u32 busy;
    u32 length;
    u64 which;
    u8 data[DATA_LIMIT];
};

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, 8 * 1024 * 1024);
} ring SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, u32);
    __type(value, struct configuration);
} configuration SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, CLASS_COUNT);
    __type(key, u32);
    __type(value, struct counters);
} ledger SEC(".maps");

// One for system calls, one for each tracepoint that may come inside of one, one for responses inside of those.
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 3);
    __type(key, u32);
    __type(value, struct scratch);
} scratches SEC(".maps");

struct name_key {
    char text[32];
};

// Names of files and folders whose reading rules ask about.
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 1024);
    __type(key, struct name_key);
    __type(value, u8);
} names SEC(".maps");

struct datagram_key {
    u32 process;
    u16 port, family;
    u8 address[16];
};

// Where datagrams went already: only the first of each is news.
struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    __uint(max_entries, 16384);
    __type(key, struct datagram_key);
    __type(value, u8);
} datagrams SEC(".maps");

static __always_inline struct configuration *settings(void) {
    u32 zero = 0;
    return bpf_map_lookup_elem(&configuration, &zero);
}

// MARK: The ledger

static __always_inline struct counters *count(u32 class) { return bpf_map_lookup_elem(&ledger, &class); }

static __always_inline struct scratch *take(u32 which) {
    struct scratch *s = bpf_map_lookup_elem(&scratches, &which);
    if (!s) return 0;
    if (s->busy) return 0;
    s->busy = 1;
    s->which = which;
    return s;
}

static __always_inline void give(struct scratch *s) { s->busy = 0; }

// Whether the ring is too full for a class that can be done without.
static __always_inline int is_shed(u32 class, struct configuration *c) {
    if (class < CLASS_CHANGE) return 0;
    u64 used = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
    u64 size = c->ring_bytes;
    return class == CLASS_CHANGE ? used > size - size / 8 : used > size - size / 4;
}

static __always_inline void send(struct scratch *s, struct counters *n, struct configuration *c) {
    struct header *h = (struct header *)s->data;
    u32 length = s->length;
    if (length > DATA_LIMIT - 64) length = DATA_LIMIT - 64;
    h->sequence = (u32)n->sequence++;
    u64 wake = BPF_RB_NO_WAKEUP;
    if (h->class < CLASS_CHANGE) {
        wake = 0;
    } else {
        // Once for each sixteenth of the ring that fills: to wake a reader that is awake costs more than the record.
        u64 used = bpf_ringbuf_query(&ring, BPF_RB_AVAIL_DATA);
        if ((used ^ (used + length)) & ~(u64)(c->wake_bytes - 1)) wake = BPF_RB_FORCE_WAKEUP;
    }
    if (bpf_ringbuf_output(&ring, s->data, length, wake))
        n->lost++;
    else
        n->delivered++;
}

// MARK: Parts

static __always_inline void put_bytes(struct scratch *s, u8 tag, const void *bytes, u32 length) {
    u32 at = s->length;
    if (at > RECORD_LIMIT) return;
    struct part *p = (struct part *)&s->data[at];
    p->tag = tag;
    p->flags = 0;
    p->length = length;
    __builtin_memcpy(&s->data[at + sizeof(*p)], bytes, length);
    s->length = at + sizeof(*p) + length;
}

static __always_inline void mark_truncated(struct scratch *s) { ((struct header *)s->data)->flags |= FLAG_TRUNCATED; }

static __always_inline long put_user_string(struct scratch *s, u8 tag, u64 address) {
    u32 at = s->length;
    if (at > RECORD_LIMIT) {
        mark_truncated(s);
        return -1;
    }
    struct part *p = (struct part *)&s->data[at];
    long n = bpf_probe_read_user_str(&s->data[at + sizeof(*p)], STRING_LIMIT, (void *)address);
    if (n <= 0) {
        if (address) mark_truncated(s);
        return -1;
    }
    if (n > STRING_LIMIT) n = STRING_LIMIT;
    if (n == STRING_LIMIT) mark_truncated(s);
    p->tag = tag;
    p->flags = 0;
    p->length = n - 1;
    s->length = at + sizeof(*p) + n - 1;
    return s->data[at + sizeof(*p)];
}

static __always_inline void put_user_bytes(struct scratch *s, u8 tag, u64 from, u64 to) {
    u32 at = s->length;
    if (at > RECORD_LIMIT || to <= from) return;
    u64 length = to - from;
    if (length > STRING_LIMIT - 1) {
        length = STRING_LIMIT - 1;
        if (tag == PART_ARGUMENTS) mark_truncated(s);
    }
    struct part *p = (struct part *)&s->data[at];
    if (bpf_probe_read_user(&s->data[at + sizeof(*p)], length & (STRING_LIMIT - 1), (void *)from)) {
        if (tag == PART_ARGUMENTS) mark_truncated(s);
        return;
    }
    p->tag = tag;
    p->flags = 0;
    p->length = length;
    s->length = at + sizeof(*p) + length;
}

// The names on the way from a file up to the root of the process, the last first, each with a zero behind it.
//
// A function of its own for the verifier, which walks it once for a program and not wherever it is called: with it in
// place of each call most of a second of the sensor's start went there.
__attribute__((noinline)) int add_path(u32 which, u32 tag, u64 place) {
    struct path *from = (void *)place;
    struct scratch *s = bpf_map_lookup_elem(&scratches, &which);
    if (!s) return 0;
    struct task_struct *task = (void *)bpf_get_current_task();
    struct path path, root;
    bpf_core_read(&path, sizeof(path), from);
    struct fs_struct *fs = BPF_CORE_READ(task, fs);
    if (!fs || !path.dentry || bpf_core_read(&root, sizeof(root), &fs->root)) return 0;
    u32 start = s->length;
    if (start > RECORD_LIMIT - 64) {
        mark_truncated(s);
        return 0;
    }
    u32 at = start + sizeof(struct part);
    u8 flags = 0;
    struct dentry *dentry = path.dentry;
    struct vfsmount *mounted = path.mnt;
    if (!BPF_CORE_READ(dentry, d_hash.pprev) && dentry != BPF_CORE_READ(mounted, mnt_root)) flags |= FILE_DELETED;
    int i;
    for (i = 0; i < PATH_DEPTH; i++) {
        if (dentry == root.dentry && mounted == root.mnt) break;
        struct dentry *top = BPF_CORE_READ(mounted, mnt_root);
        struct dentry *above = BPF_CORE_READ(dentry, d_parent);
        if (dentry == top) {
            struct mount *m = (void *)mounted - bpf_core_field_offset(struct mount, mnt);
            struct mount *over = BPF_CORE_READ(m, mnt_parent);
            if (over == m) break;
            dentry = BPF_CORE_READ(m, mnt_mountpoint);
            mounted = (void *)over + bpf_core_field_offset(struct mount, mnt);
            continue;
        }
        if (at > RECORD_LIMIT) {
            mark_truncated(s);
            break;
        }
        long n = bpf_probe_read_kernel_str(&s->data[at], NAME_LIMIT, BPF_CORE_READ(dentry, d_name.name));
        if (n > 0 && n <= NAME_LIMIT) at += n;
        if (dentry == above) {
            flags |= FILE_PSEUDO;
            break;
        }
        dentry = above;
    }
    if (i == PATH_DEPTH) mark_truncated(s);
    if (start > RECORD_LIMIT - 64) return 0;
    struct part *p = (struct part *)&s->data[start];
    p->tag = tag;
    p->flags = flags;
    p->length = at - start - sizeof(*p);
    s->length = at;
    return 0;
}

static __always_inline void put_path(struct scratch *s, u8 tag, struct path *from) {
    add_path(s->which, tag, (u64)from);
}

// MARK: Reading the kernel

extern void *bpf_rdonly_cast(const void *, u32) __ksym __weak;

// Whether pointers that were computed can be read like those of known types (6.2 and newer): without a helper.
static __always_inline int casts(void) { return &bpf_rdonly_cast != 0; }

// Eight bytes, read as the first member of a structure that begins with such a number.
static __always_inline u64 word_at(const void *place) {
    if (casts()) {
        struct timespec64 *typed = bpf_rdonly_cast(place, bpf_core_type_id_kernel(struct timespec64));
        return typed->tv_sec;
    }
    u64 word = 0;
    bpf_probe_read_kernel(&word, sizeof(word), place);
    return word;
}

static __always_inline struct file *file_of(s64 number) {
    // Read without a helper wherever the kernel knows the types: this is on the way of every file that is opened.
    struct task_struct *task = bpf_get_current_task_btf();
    struct fdtable *table = task->files->fdt;
    if (number < 0 || number >= table->max_fds) return 0;
    return (struct file *)word_at(table->fd + number);
}

static __always_inline void file_facts(struct file *file, struct file_facts *f) {
    struct inode *inode = BPF_CORE_READ(file, f_inode);
    if (!inode) return;
    f->inode = BPF_CORE_READ(inode, i_ino);
    f->mode = BPF_CORE_READ(inode, i_mode);
    f->device = BPF_CORE_READ(inode, i_sb, s_dev);
    f->magic = BPF_CORE_READ(inode, i_sb, s_magic);
    struct inode___apart *apart = (void *)inode;
    struct inode___old *old = (void *)inode;
    if (bpf_core_field_exists(apart->i_ctime_sec)) {
        f->mtime = BPF_CORE_READ(apart, i_mtime_sec) * 1000000000 + BPF_CORE_READ(apart, i_mtime_nsec);
        f->ctime = BPF_CORE_READ(apart, i_ctime_sec) * 1000000000 + BPF_CORE_READ(apart, i_ctime_nsec);
    } else if (bpf_core_field_exists(old->i_ctime)) {
        f->mtime = BPF_CORE_READ(old, i_mtime.tv_sec) * 1000000000 + BPF_CORE_READ(old, i_mtime.tv_nsec);
        f->ctime = BPF_CORE_READ(old, i_ctime.tv_sec) * 1000000000 + BPF_CORE_READ(old, i_ctime.tv_nsec);
    }
    if ((u32)f->magic == OVERLAY_MAGIC) {
        // An overlay's inode ends with the general one; the file of the upper layer, if there is one, comes next.
        void *upper = 0;
        f->flags |= FILE_OVERLAY;
        bpf_probe_read_kernel(&upper, sizeof(upper), (void *)inode + bpf_core_type_size(struct inode));
        if (upper) f->flags |= FILE_UPPER;
    }
}

// A control group in the unified hierarchy when the process is in one there, else in that of numbers of processes.
static __always_inline void group_of(struct task_struct *task, struct header *h) {
    struct css_set *set = BPF_CORE_READ(task, cgroups);
    struct cgroup *group = BPF_CORE_READ(set, dfl_cgrp);
    if (group && BPF_CORE_READ(group, level) == 0) {
        u32 pids = bpf_core_enum_value(enum cgroup_subsys_id, pids_cgrp_id);
        struct cgroup_subsys_state *state = 0;
        void *list = __builtin_preserve_access_index(&set->subsys);
        bpf_probe_read_kernel(&state, sizeof(state), list + pids * sizeof(void *));
        struct cgroup *other = state ? BPF_CORE_READ(state, cgroup) : 0;
        if (other && BPF_CORE_READ(other, level) > 0) group = other;
    }
    h->cgroup = BPF_CORE_READ(group, kn, id);
    h->cgroup_root = BPF_CORE_READ(group, root, hierarchy_id);
}

static __always_inline struct header *begin(struct scratch *s, struct task_struct *task, u8 kind, u8 class) {
    struct header *h = (struct header *)s->data;
    __builtin_memset(h, 0, sizeof(*h));
    struct task_struct *leader = BPF_CORE_READ(task, group_leader);
    struct task_struct *parent = BPF_CORE_READ(task, real_parent);
    h->time = bpf_ktime_get_boot_ns();
    h->start = BPF_CORE_READ(leader, start_boottime);
    h->process = BPF_CORE_READ(task, tgid);
    h->thread = BPF_CORE_READ(task, pid);
    h->parent = BPF_CORE_READ(parent, tgid);
    h->parent_start = BPF_CORE_READ(parent, group_leader, start_boottime);
    h->uid = BPF_CORE_READ(task, cred, uid.val);
    h->processor = bpf_get_smp_processor_id();
    h->kind = kind;
    h->class = class;
    BPF_CORE_READ_INTO(&h->name, task, comm);
    group_of(task, h);
    s->length = sizeof(*h);
    return h;
}

static __always_inline int is_outside(struct configuration *c) {
    struct task_struct *task = bpf_get_current_task_btf();
    return task->nsproxy->mnt_ns->ns.inum == c->own_mounts;
}

static __always_inline int has_own_mounts(struct task_struct *task, struct configuration *c) {
    struct nsproxy *proxy = BPF_CORE_READ(task, nsproxy);
    return proxy && BPF_CORE_READ(proxy, mnt_ns, ns.inum) != c->own_mounts;
}

static __always_inline u32 number_inside(struct pid *pid) {
    if (!pid) return 0;
    u32 level = BPF_CORE_READ(pid, level);
    int nr = 0;
    void *numbers = __builtin_preserve_access_index(&pid->numbers);
    bpf_probe_read_kernel(&nr, sizeof(nr), numbers + level * bpf_core_type_size(struct upid));
    return nr;
}

static __always_inline u32 number_outside(struct pid *pid) {
    int nr = 0;
    if (pid) bpf_probe_read_kernel(&nr, sizeof(nr), __builtin_preserve_access_index(&pid->numbers));
    return nr;
}

static __always_inline void put_identity(struct scratch *s, struct task_struct *task) {
    struct exec_facts e = {};
    struct cred *cred = BPF_CORE_READ(task, cred);
    struct signal_struct *signal = BPF_CORE_READ(task, signal);
    bpf_core_read(&e.permitted, 8, &cred->cap_permitted);
    bpf_core_read(&e.effective, 8, &cred->cap_effective);
    bpf_core_read(&e.inheritable, 8, &cred->cap_inheritable);
    e.uid = BPF_CORE_READ(cred, uid.val);
    e.gid = BPF_CORE_READ(cred, gid.val);
    e.euid = BPF_CORE_READ(cred, euid.val);
    e.loginuid = -1;
    if (bpf_core_field_exists(task->loginuid)) e.loginuid = BPF_CORE_READ(task, loginuid.val);
    struct tty_struct *tty = BPF_CORE_READ(signal, tty);
    if (tty) {
        u32 major = BPF_CORE_READ(tty, driver, major);
        u32 minor = BPF_CORE_READ(tty, driver, minor_start) + BPF_CORE_READ(tty, index);
        e.terminal = (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
    }
    struct pid *group = BPF_CORE_READ(signal, pids[2]);
    struct pid *session = BPF_CORE_READ(signal, pids[3]);
    e.session = number_outside(session);
    e.group = number_outside(group);
    e.own_number = number_inside(BPF_CORE_READ(task, group_leader, thread_pid));
    e.own_group = number_inside(group);
    e.own_session = number_inside(session);
    struct file *exe = BPF_CORE_READ(task, mm, exe_file);
    if (exe) file_facts(exe, &e.file);
    put_bytes(s, PART_EXEC, &e, sizeof(e));
}

// MARK: Responses

// File systems in memory that are none of the pod's volumes, by number: the reader finds them as containers begin. A
// volume in memory is where pods hand programs to each other, and no place to kill them at.
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 16384);
    __type(key, u32);
    __type(value, u8);
} memories SEC(".maps");

// Whether a program was written where images do not reach: the container's own layer, memory.
static __always_inline int is_dropped(struct file *file) {
    struct file_facts f = {};
    file_facts(file, &f);
    if (f.flags & FILE_UPPER) return 1;
    if (f.magic != TMPFS_MAGIC && f.magic != RAMFS_MAGIC) return 0;
    // What was never in a folder (memfd_create) is its own parent.
    struct dentry *dentry = BPF_CORE_READ(file, f_path.dentry);
    if (BPF_CORE_READ(dentry, d_parent) == dentry) return 1;
    u32 device = f.device;
    return bpf_map_lookup_elem(&memories, &device) != 0;
}

static __always_inline void tell_stopped(struct task_struct *task, struct file *file, struct configuration *c, s64 how) {
    struct counters *n = count(CLASS_PRIVILEGE);
    if (!n) return;
    n->seen++;
    struct scratch *s = take(2);
    if (!s) {
        n->lost++;
        return;
    }
    struct header *h = begin(s, task, KIND_STOPPED, CLASS_PRIVILEGE);
    h->flags |= FLAG_OWN_MOUNTS;
    h->result = how;
    struct file_facts f = {};
    file_facts(file, &f);
    put_bytes(s, PART_FILE, &f, sizeof(f));
    put_path(s, PART_FILE_PATH, __builtin_preserve_access_index(&file->f_path));
    send(s, n, c);
    give(s);
}

// Loaded only where programs are to be denied; the kernel needs its BPF security module for it.
SEC("lsm/bprm_check_security")
int BPF_PROG(deny_program, struct linux_binprm *binprm, int before) {
    struct configuration *c = settings();
    if (before || !c || c->response != RESPONSE_DENY) return before;
    struct task_struct *task = (void *)bpf_get_current_task();
    if (!has_own_mounts(task, c)) return 0;
    struct file *file = BPF_CORE_READ(binprm, file);
    if (!file || !is_dropped(file)) return 0;
    tell_stopped(task, file, c, RESPONSE_DENY);
    return -1;
}

// MARK: Processes

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_exec, struct task_struct *task, int old, struct linux_binprm *binprm) {
    struct configuration *c = settings();
    struct counters *n = count(CLASS_PROCESS);
    if (!c || !n) return 0;
    n->seen++;
    struct scratch *s = take(1);
    if (!s) {
        n->lost++;
        return 0;
    }
    struct header *h = begin(s, task, KIND_EXEC, CLASS_PROCESS);
    if (has_own_mounts(task, c)) h->flags |= FLAG_OWN_MOUNTS;
    put_identity(s, task);
    struct file *exe = BPF_CORE_READ(task, mm, exe_file);
    if (exe) put_path(s, PART_EXE_PATH, __builtin_preserve_access_index(&exe->f_path));
    struct fs_struct *fs = BPF_CORE_READ(task, fs);
    if (fs) put_path(s, PART_CWD, __builtin_preserve_access_index(&fs->pwd));
    u32 at = s->length;
    if (at <= RECORD_LIMIT) {
        struct part *p = (struct part *)&s->data[at];
        long length = bpf_probe_read_kernel_str(
            &s->data[at + sizeof(*p)], NAME_LIMIT, BPF_CORE_READ(binprm, filename));
        if (length > 0 && length <= NAME_LIMIT) {
            p->tag = PART_STRING1;
            p->flags = 0;
            p->length = length - 1;
            s->length = at + sizeof(*p) + length - 1;
        }
    }
    struct mm_struct *mm = BPF_CORE_READ(task, mm);
    if (mm) {
        put_user_bytes(s, PART_ARGUMENTS, BPF_CORE_READ(mm, arg_start), BPF_CORE_READ(mm, arg_end));
        put_user_bytes(s, PART_ENVIRONMENT, BPF_CORE_READ(mm, env_start), BPF_CORE_READ(mm, env_end));
    }
    send(s, n, c);
    give(s);
    if (c->response == RESPONSE_SIGNAL && exe && has_own_mounts(task, c) && is_dropped(exe)) {
        tell_stopped(task, exe, c, RESPONSE_SIGNAL);
        bpf_send_signal(SIGKILL);
    }
    return 0;
}

static __always_inline int process_event(struct task_struct *task, u8 kind, s64 result) {
    struct configuration *c = settings();
    struct counters *n = count(CLASS_PROCESS);
    if (!c || !n) return 0;
    n->seen++;
    struct scratch *s = take(1);
    if (!s) {
        n->lost++;
        return 0;
    }
    struct header *h = begin(s, task, kind, CLASS_PROCESS);
    h->result = result;
    if (has_own_mounts(task, c)) h->flags |= FLAG_OWN_MOUNTS;
    if (kind == KIND_FORK) put_identity(s, task);
    send(s, n, c);
    give(s);
    return 0;
}

SEC("tp_btf/sched_process_fork")
int BPF_PROG(on_fork, struct task_struct *parent, struct task_struct *child) {
    // Threads are no processes.
    if (BPF_CORE_READ(child, pid) != BPF_CORE_READ(child, tgid)) return 0;
    return process_event(child, KIND_FORK, 0);
}

SEC("tp_btf/sched_process_exit")
int BPF_PROG(on_exit, struct task_struct *task) {
    if (BPF_CORE_READ(task, pid) != BPF_CORE_READ(task, tgid)) return 0;
    return process_event(task, KIND_EXIT, BPF_CORE_READ(task, exit_code));
}

// MARK: Control groups

static __always_inline int group_event(struct cgroup *group, const char *path, u8 kind) {
    struct configuration *c = settings();
    struct counters *n = count(CLASS_CONTAINER);
    if (!c || !n) return 0;
    n->seen++;
    struct scratch *s = take(1);
    if (!s) {
        n->lost++;
        return 0;
    }
    struct task_struct *task = (void *)bpf_get_current_task();
    struct header *h = begin(s, task, kind, CLASS_CONTAINER);
    h->cgroup = BPF_CORE_READ(group, kn, id);
    h->cgroup_root = BPF_CORE_READ(group, root, hierarchy_id);
    u32 at = s->length;
    if (at <= RECORD_LIMIT) {
        struct part *p = (struct part *)&s->data[at];
        long length = bpf_probe_read_kernel_str(&s->data[at + sizeof(*p)], STRING_LIMIT, path);
        if (length > 0 && length <= STRING_LIMIT) {
            p->tag = PART_PATH;
            p->flags = 0;
            p->length = length - 1;
            s->length = at + sizeof(*p) + length - 1;
        }
    }
    send(s, n, c);
    give(s);
    return 0;
}

SEC("tp_btf/cgroup_mkdir")
int BPF_PROG(on_group_made, struct cgroup *group, const char *path) {
    return group_event(group, path, KIND_CGROUP_MADE);
}

SEC("tp_btf/cgroup_rmdir")
int BPF_PROG(on_group_gone, struct cgroup *group, const char *path) {
    return group_event(group, path, KIND_CGROUP_GONE);
}

// MARK: System calls

struct call {
    u64 arguments[6];
    u64 number;
    u32 is_compat;
};

static __always_inline void read_call(struct pt_regs *regs, struct call *call) {
    struct pt_regs___x86 *x = (void *)regs;
    struct pt_regs___arm64 *a = (void *)regs;
    if (bpf_core_field_exists(x->orig_ax)) {
        call->number = x->orig_ax;
        if (call->is_compat) {
            call->arguments[0] = (u32)x->bx;
            call->arguments[1] = (u32)x->cx;
            call->arguments[2] = (u32)x->dx;
            call->arguments[3] = (u32)x->si;
            call->arguments[4] = (u32)x->di;
            call->arguments[5] = (u32)x->bp;
            return;
        }
        call->arguments[0] = x->di;
        call->arguments[1] = x->si;
        call->arguments[2] = x->dx;
        call->arguments[3] = x->r10;
        call->arguments[4] = x->r8;
        call->arguments[5] = x->r9;
    } else if (bpf_core_field_exists(a->syscallno)) {
        call->number = (u32)a->syscallno;
        call->arguments[0] = a->orig_x0;
        call->arguments[1] = a->regs[1];
        call->arguments[2] = a->regs[2];
        call->arguments[3] = a->regs[3];
        call->arguments[4] = a->regs[4];
        call->arguments[5] = a->regs[5];
    }
}

static __always_inline int is_compat(void) {
    struct task_struct___x86 *task = (void *)bpf_get_current_task_btf();
    if (!bpf_core_field_exists(task->thread_info.status)) return 0;
    return task->thread_info.status & TS_COMPAT;
}

static __always_inline u64 call_number(struct pt_regs *regs) {
    struct pt_regs___x86 *x = (void *)regs;
    struct pt_regs___arm64 *a = (void *)regs;
    if (bpf_core_field_exists(x->orig_ax)) return x->orig_ax;
    if (bpf_core_field_exists(a->syscallno)) return (u32)a->syscallno;
    return SYSCALL_LIMIT;
}

static __always_inline int is_asked(struct configuration *c, struct pt_regs *regs) {
    u64 number = call_number(regs);
    return number < SYSCALL_LIMIT && (c->table[number].kind | c->compat[number].kind);
}

static __always_inline struct wanted *wanted_for(struct configuration *c, struct pt_regs *regs, int compat) {
    u64 number = call_number(regs);
    if (number >= SYSCALL_LIMIT) return 0;
    return compat ? &c->compat[number] : &c->table[number];
}

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, HANDLER_COUNT);
    __type(key, u32);
    __type(value, u32);
} handlers SEC(".maps");

SEC("tp_btf/sys_exit")
int BPF_PROG(on_call, struct pt_regs *regs, long result) {
    struct configuration *c = settings();
    if (!c) return 0;
    // Calls nobody asks about under either numbering leave first: this is on the way of all of them.
    if (!is_asked(c, regs)) return 0;
    struct wanted *w = wanted_for(c, regs, is_compat());
    if (!w || !w->kind) return 0;
    bpf_tail_call(ctx, &handlers, w->handler);
    return 0;
}

// What every handler begins with: the count, the filters, the buffer. Nothing when the event ends here.
static __always_inline struct scratch *open_call(
    struct pt_regs *regs, long result, struct configuration **config, struct counters **counted, struct wanted **want) {
    struct configuration *c = settings();
    if (!c) return 0;
    int compat = is_compat();
    struct wanted *w = wanted_for(c, regs, compat);
    if (!w) return 0;
    struct counters *n = count(w->class);
    if (!n) return 0;
    n->seen++;
    u32 process = bpf_get_current_pid_tgid() >> 32;
    if (process == c->own_process || (c->container_only && is_outside(c)) || ((w->flags & WANTED_SUCCESS) && result < 0) ||
        ((w->flags & WANTED_FAILURE) && result >= 0)) {
        n->filtered++;
        return 0;
    }
    if (is_shed(w->class, c)) {
        n->lost++;
        return 0;
    }
    struct scratch *s = take(0);
    if (!s) {
        n->lost++;
        return 0;
    }
    *config = c;
    *counted = n;
    *want = w;
    return s;
}

static __always_inline struct header *begin_call(
    struct scratch *s, struct pt_regs *regs, long result, struct wanted *w, struct configuration *c) {
    struct task_struct *task = (void *)bpf_get_current_task();
    struct call call = {.is_compat = is_compat()};
    read_call(regs, &call);
    struct header *h = begin(s, task, w->kind, w->class);
    h->result = result;
    __builtin_memcpy(h->arguments, call.arguments, sizeof(h->arguments));
    if (call.is_compat) h->flags |= FLAG_COMPAT;
    if (has_own_mounts(task, c)) h->flags |= FLAG_OWN_MOUNTS;
    return h;
}

static __always_inline u64 argument(struct header *h, u8 number) {
    u32 i = number - 1;
    return i < 6 ? h->arguments[i] : 0;
}

static __always_inline void put_folder(struct scratch *s, struct header *h, u8 tag, u8 which) {
    s32 number = which == 7 ? AT_FDCWD : (s32)argument(h, which);
    if (number == AT_FDCWD) {
        struct task_struct *task = (void *)bpf_get_current_task();
        struct fs_struct *fs = BPF_CORE_READ(task, fs);
        if (fs) put_path(s, tag, __builtin_preserve_access_index(&fs->pwd));
        return;
    }
    struct file *file = file_of(number);
    if (file) put_path(s, tag, __builtin_preserve_access_index(&file->f_path));
}

SEC("tp_btf/sys_exit")
int BPF_PROG(handle_generic, struct pt_regs *regs, long result) {
    struct configuration *c;
    struct counters *n;
    struct wanted *w;
    struct scratch *s = open_call(regs, result, &c, &n, &w);
    if (!s) return 0;
    struct header *h = begin_call(s, regs, result, w, c);
    if (w->flags & WANTED_FAMILY) {
        u32 family = h->arguments[0], type = h->arguments[1] & 0xf;
        // Sockets everybody uses: local, internet streams and datagrams, netlink.
        if (family == AF_UNIX || family == 16 || ((family == AF_INET || family == AF_INET6) && type < 3)) {
            n->filtered++;
            give(s);
            return 0;
        }
    }
    if (w->strings[0]) {
        long first = put_user_string(s, PART_STRING1, argument(h, w->strings[0]));
        if (w->folders[0] && first != '/') put_folder(s, h, PART_BASE1, w->folders[0]);
    } else if (w->folders[0]) {
        // The call is about an open file.
        struct file *file = file_of((s32)argument(h, w->folders[0]));
        if (file) put_path(s, PART_FILE_PATH, __builtin_preserve_access_index(&file->f_path));
    }
    if (w->strings[1]) {
        long first = put_user_string(s, PART_STRING2, argument(h, w->strings[1]));
        if (w->folders[1] && first != '/') put_folder(s, h, PART_BASE2, w->folders[1]);
    }
    if (w->flags & WANTED_IDENTITY) {
        struct task_struct *task = (void *)bpf_get_current_task();
        put_identity(s, task);
        struct fs_struct *fs = BPF_CORE_READ(task, fs);
        if (fs) put_path(s, PART_CWD, __builtin_preserve_access_index(&fs->pwd));
    }
    send(s, n, c);
    give(s);
    return 0;
}

// The entry above, and the first eight bytes of a name: what most entries are told from names that are asked about by.
struct entry {
    struct dentry *above;
    const unsigned char *name;
    u64 first;
};

static __always_inline void read_entry(struct dentry *dentry, struct entry *e) {
    if (casts()) {
        struct dentry *typed = bpf_rdonly_cast(dentry, bpf_core_type_id_kernel(struct dentry));
        e->above = typed->d_parent;
        e->name = typed->d_name.name;
    } else {
        e->above = BPF_CORE_READ(dentry, d_parent);
        e->name = BPF_CORE_READ(dentry, d_name.name);
    }
    e->first = word_at(e->name);
}

static __always_inline struct dentry *entry_of(struct file *file) {
    if (!casts()) return BPF_CORE_READ(file, f_path.dentry);
    struct file *typed = bpf_rdonly_cast(file, bpf_core_type_id_kernel(struct file));
    return typed->f_path.dentry;
}

// Reading is filtered unless the file, its folder or the folder above has a name that rules ask about. A table of bits
// by the first eight bytes of a name keeps nearly all others from being looked up.
static __always_inline int is_read_wanted(struct file *file, struct configuration *c) {
    struct dentry *dentry = entry_of(file);
    for (int i = 0; i < 3; i++) {
        struct entry e = {};
        read_entry(dentry, &e);
        // What lies behind the end of a short name is none of it.
        u64 first = e.first;
        u64 zeros = (first - 0x0101010101010101ULL) & ~first & 0x8080808080808080ULL;
        if (zeros) first &= ((zeros & -zeros) >> 7) - 1;
        u32 bit = (u32)((first * 0x9E3779B97F4A7C15ULL) >> (64 - NAME_BITS_LOG));
        if (c->name_bits[(bit >> 6) & (NAME_WORDS - 1)] >> (bit & 63) & 1) {
            struct name_key key = {};
            bpf_probe_read_kernel_str(&key.text, sizeof(key.text), e.name);
            if (bpf_map_lookup_elem(&names, &key)) return 1;
        }
        if (!e.above || e.above == dentry) return 0;
        dentry = e.above;
    }
    return 0;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(handle_open, struct pt_regs *regs, long result) {
    struct configuration *c = settings();
    int compat = is_compat();
    if (!c) return 0;
    struct wanted *want = wanted_for(c, regs, compat);
    if (!want) return 0;
    struct call call = {.is_compat = compat};
    read_call(regs, &call);
    // open: path, flags; openat: folder, path, flags; openat2: a structure instead of flags; creat: path.
    u64 flags = O_CREAT | O_TRUNC | 1;
    if (!(want->flags & WANTED_CREATE)) {
        u8 at = want->strings[0] + 1;
        flags = at == 2 ? call.arguments[1] : call.arguments[2];
        if (want->flags & WANTED_DATAGRAM) bpf_probe_read_user(&flags, sizeof(flags), (void *)call.arguments[2]);
    }
    int writes = (flags & O_ACCMODE) != 0 || (flags & (O_CREAT | O_TRUNC)) != 0;
    struct file *file = result >= 0 ? file_of(result) : 0;
    u32 class = writes ? CLASS_CHANGE : CLASS_READ;
    struct counters *n = count(class);
    if (!n) return 0;
    n->seen++;
    u32 process = bpf_get_current_pid_tgid() >> 32;
    // Of opens that failed only writes that were refused tell anything: no permission, no right, read-only.
    int is_refused = writes && (result == -1 || result == -13 || result == -30);
    int dropped = process == c->own_process || (c->container_only && is_outside(c)) ||
                  (result < 0 && !is_refused) || (!writes && !c->all_reads && (!file || !is_read_wanted(file, c)));
    if (dropped) {
        n->filtered++;
        return 0;
    }
    if (is_shed(class, c)) {
        n->lost++;
        return 0;
    }
    struct scratch *s = take(0);
    if (!s) {
        n->lost++;
        return 0;
    }
    struct header *h = begin_call(s, regs, result, want, c);
    h->class = class;
    // Where the reader finds the flags, whatever the call.
    h->arguments[5] = flags;
    long first = put_user_string(s, PART_STRING1, argument(h, want->strings[0]));
    if (file) {
        struct file_facts f = {};
        file_facts(file, &f);
        put_bytes(s, PART_FILE, &f, sizeof(f));
        put_path(s, PART_FILE_PATH, __builtin_preserve_access_index(&file->f_path));
    } else if (first != '/') {
        put_folder(s, h, PART_BASE1, want->folders[0]);
    }
    send(s, n, c);
    give(s);
    return 0;
}

static __always_inline struct sock *socket_of(struct file *file) {
    if (!file) return 0;
    u16 mode = BPF_CORE_READ(file, f_inode, i_mode);
    if ((mode & S_IFMT) != S_IFSOCK) return 0;
    struct socket *socket = BPF_CORE_READ(file, private_data);
    return socket ? BPF_CORE_READ(socket, sk) : 0;
}

static __always_inline void socket_facts(struct sock *sk, struct socket_facts *f) {
    f->family = BPF_CORE_READ(sk, __sk_common.skc_family);
    f->state = BPF_CORE_READ(sk, __sk_common.skc_state);
    f->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
    f->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
    f->type = BPF_CORE_READ(sk, sk_type);
    f->protocol = BPF_CORE_READ(sk, sk_protocol);
    if (f->family == AF_INET) {
        BPF_CORE_READ_INTO((u32 *)f->local, sk, __sk_common.skc_rcv_saddr);
        BPF_CORE_READ_INTO((u32 *)f->remote, sk, __sk_common.skc_daddr);
    } else if (f->family == AF_INET6) {
        struct sock_common___v6 *common = (void *)sk;
        if (bpf_core_field_exists(common->skc_v6_daddr)) {
            bpf_core_read(f->local, 16, &common->skc_v6_rcv_saddr);
            bpf_core_read(f->remote, 16, &common->skc_v6_daddr);
        }
    }
}

SEC("tp_btf/sys_exit")
int BPF_PROG(handle_socket, struct pt_regs *regs, long result) {
    struct configuration *c;
    struct counters *n;
    struct wanted *w;
    struct scratch *s = open_call(regs, result, &c, &n, &w);
    if (!s) return 0;
    struct header *h = begin_call(s, regs, result, w, c);
    s64 number = w->flags & WANTED_RESULT ? result : (s32)h->arguments[0];
    struct sock *sk = socket_of(file_of(number));
    struct socket_facts f = {};
    if (sk) socket_facts(sk, &f);
    int wanted = sk && (f.family == AF_INET || f.family == AF_INET6 || (f.family == AF_UNIX && c->unix_sockets));
    u64 address = 0;
    u32 length = 0;
    if (w->flags & WANTED_DATAGRAM) {
        struct datagram_key key = {.process = h->process, .family = f.family, .port = f.remote_port};
        __builtin_memcpy(key.address, f.remote, 16);
        if (w->strings[1] == 2) {
            // sendmsg: a pointer to the address and its length come first in the message.
            bpf_probe_read_user(&address, sizeof(address), (void *)h->arguments[1]);
        } else {
            address = h->arguments[4];
        }
        if (address) {
            u8 bytes[28] = {};
            bpf_probe_read_user(bytes, sizeof(bytes), (void *)address);
            __builtin_memcpy(&key.port, bytes + 2, 2);
            if (f.family == AF_INET6)
                __builtin_memcpy(key.address, bytes + 8, 16);
            else
                __builtin_memcpy(key.address, bytes + 4, 4);
        }
        u8 one = 1;
        // Of streams the connection was told already.
        wanted = wanted && f.type == SOCK_DGRAM && !bpf_map_lookup_elem(&datagrams, &key);
        if (wanted) bpf_map_update_elem(&datagrams, &key, &one, BPF_ANY);
        length = 28;
    } else if (w->strings[0] && result < 0) {
        // connect that failed or goes on: the socket may not know its peer.
        address = h->arguments[1];
        length = 28;
    } else if (w->strings[0]) {
        address = h->arguments[1];
        length = 28;
    }
    if (!wanted) {
        n->filtered++;
        give(s);
        return 0;
    }
    put_bytes(s, PART_SOCKET, &f, sizeof(f));
    if (address && length) {
        u8 bytes[28] = {};
        if (!bpf_probe_read_user(bytes, sizeof(bytes), (void *)address)) put_bytes(s, PART_ADDRESS, bytes, 28);
    }
    send(s, n, c);
    give(s);
    return 0;
}

// Only a socket made a program's input or output is news.
SEC("tp_btf/sys_exit")
int BPF_PROG(handle_dup, struct pt_regs *regs, long result) {
    struct configuration *c;
    struct counters *n;
    struct wanted *w;
    struct scratch *s = open_call(regs, result, &c, &n, &w);
    if (!s) return 0;
    struct sock *sk = result >= 0 && result < 3 ? socket_of(file_of(result)) : 0;
    struct socket_facts f = {};
    if (sk) socket_facts(sk, &f);
    if (!sk || (f.family != AF_INET && f.family != AF_INET6)) {
        n->filtered++;
        give(s);
        return 0;
    }
    begin_call(s, regs, result, w, c);
    put_bytes(s, PART_SOCKET, &f, sizeof(f));
    send(s, n, c);
    give(s);
    return 0;
}

// Libraries that are loaded in containers, unless they lie where only images reach. Shared memory that can be run is what
// compilers at run time make, and no library.
SEC("tp_btf/sys_exit")
int BPF_PROG(handle_map, struct pt_regs *regs, long result) {
    struct call call = {.is_compat = is_compat()};
    read_call(regs, &call);
    u64 protection = call.arguments[2], flags = call.arguments[3];
    if (!(protection & PROT_EXEC) || (flags & MAP_ANONYMOUS) || (flags & MAP_TYPE) != MAP_PRIVATE) return 0;
    struct configuration *c;
    struct counters *n;
    struct wanted *w;
    struct scratch *s = open_call(regs, result, &c, &n, &w);
    if (!s) return 0;
    struct file *file = is_outside(c) ? 0 : file_of((s32)call.arguments[4]);
    struct file_facts f = {};
    if (file) file_facts(file, &f);
    if (!file || ((f.flags & FILE_OVERLAY) && !(f.flags & FILE_UPPER))) {
        n->filtered++;
        give(s);
        return 0;
    }
    begin_call(s, regs, result, w, c);
    put_bytes(s, PART_FILE, &f, sizeof(f));
    put_path(s, PART_FILE_PATH, __builtin_preserve_access_index(&file->f_path));
    send(s, n, c);
    give(s);
    return 0;
}
