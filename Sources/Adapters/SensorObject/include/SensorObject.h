// The compiled programs of bpf/sensor.bpf.c; `make bpf` writes them.
#ifndef MARTLET_SENSOR_OBJECT_H
#define MARTLET_SENSOR_OBJECT_H

#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int64_t s64;

#include "../../../../bpf/record.h"

extern const unsigned char martlet_sensor_object[];

static inline const void *martlet_sensor_object_start(void) { return martlet_sensor_object; }
extern const unsigned long martlet_sensor_object_length;

#endif
