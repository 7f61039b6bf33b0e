#include "ccrypt.h"

#include <crypt.h>
#include <nettle/md5.h>
#include <nettle/memops.h>
#include <nettle/sha1.h>
#include <stdlib.h>
#include <string.h>

bool ccrypt_knows(const char *hash) {
  int verdict = crypt_checksalt(hash);
  return verdict == CRYPT_SALT_OK || verdict == CRYPT_SALT_METHOD_LEGACY || verdict == CRYPT_SALT_TOO_CHEAP;
}

bool ccrypt_verify(const char *password, const char *hash) {
  /* 32 KiB: too much for the stack of a thread that we did not make. */
  struct crypt_data *data = calloc(1, sizeof *data);
  if (data == NULL) return false;
  const char *made = crypt_r(password, hash, data);
  size_t size = strlen(hash);
  /* A failure is told by a text that begins with a star and is no hash of anything. */
  bool equal = made != NULL && made[0] != '*' && strlen(made) == size && memeql_sec(made, hash, size);
  explicit_bzero(data, sizeof *data);
  free(data);
  return equal;
}

void ccrypt_md5(const void *bytes, size_t count, uint8_t digest[CCRYPT_MD5_SIZE]) {
  struct md5_ctx context;
  md5_init(&context);
  md5_update(&context, count, bytes);
  md5_digest(&context, CCRYPT_MD5_SIZE, digest);
}

void ccrypt_sha1(const void *bytes, size_t count, uint8_t digest[CCRYPT_SHA1_SIZE]) {
  struct sha1_ctx context;
  sha1_init(&context);
  sha1_update(&context, count, bytes);
  sha1_digest(&context, CCRYPT_SHA1_SIZE, digest);
}

bool ccrypt_equal(const void *one, const void *other, size_t count) { return memeql_sec(one, other, count) != 0; }
