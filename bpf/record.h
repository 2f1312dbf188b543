// The form of what the kernel hands over: a header, then parts of any length. Sources/Adapters/Sensor/Record.swift reads
// it; numbers are in the machine's order.
#ifndef MARTLET_RECORD_H
#define MARTLET_RECORD_H

#define SYSCALL_LIMIT 512
#define CLASS_COUNT 8
#define RECORD_LIMIT 12288
#define STRING_LIMIT 4096
#define NAME_LIMIT 256
// Bits for the names whose reading is asked about.
#define NAME_BITS_LOG 15
#define NAME_WORDS 512

// What is shed first has the highest number; the first four are never shed.
enum event_class {
    CLASS_PROCESS,
    CLASS_PRIVILEGE,
    CLASS_NETWORK,
    CLASS_CONTAINER,
    CLASS_CHANGE,
    CLASS_SIGNAL,
    CLASS_READ,
    CLASS_OTHER,
};

// Kinds below 16 come from tracepoints, the others are system calls as Swift numbers them.
enum event_kind {
    KIND_NONE,
    KIND_EXEC,
    KIND_FORK,
    KIND_EXIT,
    KIND_CGROUP_MADE,
    KIND_CGROUP_GONE,
    // A program was kept from starting, or was stopped as it started.
    KIND_STOPPED,
    // A process in a container mapped code from a file that its image's layers do not hold.
    KIND_MAPPED,
};

// What is done about a program in a container that its image did not bring.
enum response {
    RESPONSE_NONE,
    // It is killed before its first instruction.
    RESPONSE_SIGNAL,
    // It is not let start (BPF LSM).
    RESPONSE_DENY,
};

enum handler {
    HANDLER_GENERIC,
    HANDLER_OPEN,
    HANDLER_SOCKET_FD,
    HANDLER_DUP,
    HANDLER_MAP,
    HANDLER_COUNT,
};

enum part_tag {
    PART_STRING1 = 1,
    PART_STRING2,
    PART_BASE1,
    PART_BASE2,
    PART_FILE_PATH,
    PART_EXE_PATH,
    PART_CWD,
    PART_ARGUMENTS,
    PART_ENVIRONMENT,
    PART_SOCKET,
    PART_FILE,
    PART_EXEC,
    PART_PATH,
    PART_ADDRESS,
};

enum record_flags {
    FLAG_TRUNCATED = 1,
    FLAG_OWN_MOUNTS = 2,
    FLAG_COMPAT = 4,
};

enum file_flags {
    FILE_UPPER = 1,
    FILE_OVERLAY = 2,
    FILE_DELETED = 4,
    FILE_PSEUDO = 8,
};

struct header {
    u64 time;
    u64 start;
    u64 parent_start;
    u64 cgroup;
    s64 result;
    u64 arguments[6];
    u32 sequence;
    u32 process;
    u32 thread;
    u32 parent;
    u32 uid;
    u32 cgroup_root;
    u16 processor;
    u8 kind;
    u8 class;
    u8 flags;
    u8 space[3];
    char name[16];
};

struct part {
    u8 tag;
    u8 flags;
    u16 length;
};

struct socket_facts {
    u8 local[16];
    u8 remote[16];
    u16 local_port, remote_port;
    u16 family, type, protocol;
    u16 state;
};

struct file_facts {
    u64 inode, device, magic;
    s64 mtime, ctime;
    u32 mode;
    u32 flags;
};

struct exec_facts {
    u64 permitted, effective, inheritable;
    u32 uid, gid, euid, loginuid;
    u32 terminal;
    u32 session, group;
    u32 own_number, own_group, own_session;
    struct file_facts file;
};

// What is asked of a system call; all zero when nothing is.
struct wanted {
    u8 kind, class, handler;
    // Numbers of the arguments that are paths or text, from 1; 0 is none.
    u8 strings[2];
    // Numbers of the arguments with the folder that a relative path begins at, from 1; 7 is the working directory,
    // 0 that the text is no path.
    u8 folders[2];
    u8 flags;
};

enum wanted_flags {
    // Only when the call did what it was asked.
    WANTED_SUCCESS = 1,
    // sendto, sendmsg: the address the datagram goes to is argument 5 or in the message.
    WANTED_DATAGRAM = 2,
    // socket: only the families that applications do not use.
    WANTED_FAMILY = 4,
    // The process changed: hand over who it is now.
    WANTED_IDENTITY = 8,
    // accept: the socket is the result.
    WANTED_RESULT = 16,
    WANTED_CREATE = 32,
    // Only when the call failed.
    WANTED_FAILURE = 64,
};

struct configuration {
    u32 own_process;
    u32 own_mounts;
    u32 container_only;
    u32 all_reads;
    u32 unix_sockets;
    u32 response;
    u32 wake_bytes;
    u32 ring_bytes;
    struct wanted table[SYSCALL_LIMIT];
    struct wanted compat[SYSCALL_LIMIT];
    u64 name_bits[NAME_WORDS];
};

struct counters {
    u64 seen, delivered, filtered, lost;
    u64 sequence;
};

#endif
