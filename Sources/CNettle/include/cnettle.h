/*
 * Keyed digests by nettle.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { CNETTLE_SHA256_SIZE = 32 };

/* HMAC with SHA-256. */
void cnettle_hmac_sha256(const void *key, size_t key_count, const void *bytes, size_t count,
                         uint8_t digest[CNETTLE_SHA256_SIZE]);

#ifdef __cplusplus
}
#endif
