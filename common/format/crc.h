/* CRC32C (Castagnoli, reflected, as in iSCSI and ext4): polynomial 0x1edc6f41, RFC 3720 B.4. */
#ifndef COMMON_FORMAT_CRC_H
#define COMMON_FORMAT_CRC_H

#include <stddef.h>
#include <stdint.h>

/* crc32c("123456789") = 0xe3069283. Uses the processor's instruction where it has one. */
uint32_t crc32c(const void *bytes, size_t n);
/* The same without it: what the other is tested against. */
uint32_t crc32c_portable(const void *bytes, size_t n);

#endif
