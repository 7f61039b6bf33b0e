#include "cnettle.h"

#include <nettle/hmac.h>

void cnettle_hmac_sha256(const void *key, size_t key_count, const void *bytes, size_t count,
                         uint8_t digest[CNETTLE_SHA256_SIZE]) {
  struct hmac_sha256_ctx context;
  hmac_sha256_set_key(&context, key_count, key);
  hmac_sha256_update(&context, count, bytes);
  hmac_sha256_digest(&context, CNETTLE_SHA256_SIZE, digest);
}
