// The members of kernel structures the sensor reads, and no others. Their places are found when the programs are
// loaded (CO-RE), so that one object fits every kernel with BTF.
#ifndef MARTLET_KERNEL_H
#define MARTLET_KERNEL_H

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;
typedef u8 __u8;
typedef u16 __u16;
typedef u32 __u32;
typedef u64 __u64;
typedef s32 __s32;
typedef s64 __s64;
typedef u16 __be16;
typedef u32 __be32;
typedef u32 __wsum;

#define BPF_MAP_TYPE_HASH 1
#define BPF_MAP_TYPE_ARRAY 2
#define BPF_MAP_TYPE_PROG_ARRAY 3
#define BPF_MAP_TYPE_PERCPU_ARRAY 6
#define BPF_MAP_TYPE_LRU_HASH 9
#define BPF_MAP_TYPE_RINGBUF 27
#define BPF_ANY 0
#define BPF_NOEXIST 1
#define BPF_RB_NO_WAKEUP 1
#define BPF_RB_FORCE_WAKEUP 2
#define BPF_RB_AVAIL_DATA 0

// Identities and sets of capabilities are structures of one number.
typedef struct {
    u32 val;
} kuid_t;
typedef struct {
    u32 val;
} kgid_t;
typedef struct {
    u64 val;
} kernel_cap_t;
struct in6_addr {
    u8 bytes[16];
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct qstr {
    const unsigned char *name;
};
struct super_block {
    u32 s_dev;
    unsigned long s_magic;
};
struct inode {
    u16 i_mode;
    unsigned long i_ino;
    struct super_block *i_sb;
};
// The times of a file were timespecs, then timespecs with a longer name, now seconds and nanoseconds apart.
struct timespec64 {
    s64 tv_sec;
    long tv_nsec;
};
struct inode___apart {
    s64 i_mtime_sec, i_ctime_sec;
    u32 i_mtime_nsec, i_ctime_nsec;
};
struct inode___old {
    struct timespec64 i_mtime, i_ctime;
};
struct hlist_bl_node {
    struct hlist_bl_node **pprev;
};
struct dentry {
    struct hlist_bl_node d_hash;
    struct dentry *d_parent;
    struct qstr d_name;
    struct inode *d_inode;
};
struct vfsmount {
    struct dentry *mnt_root;
};
struct mount {
    struct mount *mnt_parent;
    struct dentry *mnt_mountpoint;
    struct vfsmount mnt;
};
struct path {
    struct vfsmount *mnt;
    struct dentry *dentry;
};
struct sock_common {
    u32 skc_daddr, skc_rcv_saddr;
    u16 skc_dport, skc_num;
    u16 skc_family;
    u8 skc_state;
};
struct sock_common___v6 {
    struct in6_addr skc_v6_daddr, skc_v6_rcv_saddr;
};
struct sock {
    struct sock_common __sk_common;
    u16 sk_type;
    u16 sk_protocol;
};
struct socket {
    struct sock *sk;
};
struct file {
    struct inode *f_inode;
    struct path f_path;
    void *private_data;
};
struct fdtable {
    unsigned int max_fds;
    struct file **fd;
};
struct files_struct {
    struct fdtable *fdt;
};
struct fs_struct {
    struct path root, pwd;
};
struct mm_struct {
    unsigned long arg_start, arg_end, env_start, env_end;
    struct file *exe_file;
};
struct cred {
    kuid_t uid, euid;
    kgid_t gid;
    kernel_cap_t cap_inheritable, cap_permitted, cap_effective;
};
struct upid {
    int nr;
};
struct pid {
    unsigned int level;
    struct upid numbers[1];
};
struct ns_common {
    unsigned int inum;
};
struct mnt_namespace {
    struct ns_common ns;
};
struct nsproxy {
    struct mnt_namespace *mnt_ns;
};
struct tty_driver {
    int major, minor_start;
};
struct tty_struct {
    int index;
    struct tty_driver *driver;
};
struct signal_struct {
    struct tty_struct *tty;
    struct pid *pids[4];
};
struct kernfs_node {
    u64 id;
};
struct cgroup_root {
    int hierarchy_id;
};
struct cgroup {
    int level;
    struct kernfs_node *kn;
    struct cgroup_root *root;
};
struct cgroup_subsys_state {
    struct cgroup *cgroup;
};
struct css_set {
    struct cgroup_subsys_state *subsys[1];
    struct cgroup *dfl_cgrp;
};
struct thread_info___x86 {
    u32 status;
};
struct task_struct {
    int pid, tgid;
    u64 start_boottime;
    struct task_struct *group_leader, *real_parent;
    struct mm_struct *mm;
    struct fs_struct *fs;
    struct files_struct *files;
    struct nsproxy *nsproxy;
    struct signal_struct *signal;
    struct css_set *cgroups;
    struct cred *cred;
    struct pid *thread_pid;
    kuid_t loginuid;
    int exit_code;
    char comm[16];
};
struct task_struct___x86 {
    struct thread_info___x86 thread_info;
};
struct linux_binprm {
    const char *filename, *interp;
    struct file *file;
};
struct pt_regs {
    unsigned long placeholder;
};
struct pt_regs___x86 {
    unsigned long bp, bx, r10, r9, r8, cx, dx, si, di, orig_ax;
};
struct pt_regs___arm64 {
    u64 regs[31];
    u64 orig_x0;
    s32 syscallno;
};
enum cgroup_subsys_id {
    pids_cgrp_id = 11,
};

#pragma clang attribute pop

#endif
