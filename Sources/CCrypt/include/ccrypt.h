/*
 * Hashed passwords by libcrypt, digests by nettle.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Whether libcrypt knows how such a password was hashed. */
bool ccrypt_knows(const char *hash);

/* Whether this is the password that was hashed. Slow, as the hash wants it. */
bool ccrypt_verify(const char *password, const char *hash);

enum { CCRYPT_MD5_SIZE = 16, CCRYPT_SHA1_SIZE = 20 };

void ccrypt_md5(const void *bytes, size_t count, uint8_t digest[CCRYPT_MD5_SIZE]);
void ccrypt_sha1(const void *bytes, size_t count, uint8_t digest[CCRYPT_SHA1_SIZE]);

/* Compares in a time that depends on the count alone. */
bool ccrypt_equal(const void *one, const void *other, size_t count);

#ifdef __cplusplus
}
#endif
