#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <sys/fanotify.h>
#include <sys/statfs.h>
