#include "ccompression.h"

#include <libdeflate.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <zstd.h>
#include <zstd_errors.h>

typedef struct thread_state {
  struct libdeflate_decompressor *decompressor;
  struct libdeflate_compressor *compressor;
  int compressor_level;
  ZSTD_CCtx *zstd;
  ZSTD_DCtx *unzstd;
} thread_state;

static pthread_key_t state_key;
static pthread_once_t state_once = PTHREAD_ONCE_INIT;

static void free_state(void *raw) {
  thread_state *state = raw;
  libdeflate_free_decompressor(state->decompressor);
  libdeflate_free_compressor(state->compressor);
  ZSTD_freeCCtx(state->zstd);
  ZSTD_freeDCtx(state->unzstd);
  free(state);
}

static void make_key(void) {
  if (pthread_key_create(&state_key, free_state) != 0) abort();
}

static thread_state *this_thread(void) {
  pthread_once(&state_once, make_key);
  thread_state *state = pthread_getspecific(state_key);
  if (state != NULL) return state;
  state = calloc(1, sizeof *state);
  if (state != NULL && pthread_setspecific(state_key, state) != 0) {
    free(state);
    return NULL;
  }
  return state;
}

ccompression_status ccompression_inflate(const void *input, size_t input_count, void *output, size_t output_capacity,
                                         size_t *consumed, size_t *produced) {
  thread_state *state = this_thread();
  if (state == NULL) return CCOMPRESSION_OUT_OF_MEMORY;
  if (state->decompressor == NULL) state->decompressor = libdeflate_alloc_decompressor();
  if (state->decompressor == NULL) return CCOMPRESSION_OUT_OF_MEMORY;
  switch (libdeflate_deflate_decompress_ex(state->decompressor, input, input_count, output, output_capacity, consumed,
                                           produced)) {
    case LIBDEFLATE_SUCCESS:
      return CCOMPRESSION_OK;
    case LIBDEFLATE_INSUFFICIENT_SPACE:
      return CCOMPRESSION_NO_ROOM;
    default:
      return CCOMPRESSION_CORRUPT;
  }
}

uint32_t ccompression_crc32(uint32_t crc, const void *bytes, size_t count) {
  /* libdeflate takes a null address for a wish to begin anew. */
  return count == 0 ? crc : libdeflate_crc32(crc, bytes, count);
}

uint32_t ccompression_adler32(const void *bytes, size_t count) { return libdeflate_adler32(1, bytes, count); }

size_t ccompression_gzip_bound(size_t count) { return libdeflate_gzip_compress_bound(NULL, count); }

size_t ccompression_gzip(const void *input, size_t count, void *output, size_t capacity, int level) {
  thread_state *state = this_thread();
  if (state == NULL) return 0;
  if (state->compressor == NULL || state->compressor_level != level) {
    libdeflate_free_compressor(state->compressor);
    state->compressor = libdeflate_alloc_compressor(level);
    state->compressor_level = level;
    if (state->compressor == NULL) return 0;
  }
  return libdeflate_gzip_compress(state->compressor, input, count, output, capacity);
}

size_t ccompression_zstd_bound(size_t count) { return ZSTD_compressBound(count); }

size_t ccompression_zstd(const void *input, size_t count, void *output, size_t capacity, int level) {
  thread_state *state = this_thread();
  if (state == NULL) return 0;
  if (state->zstd == NULL) state->zstd = ZSTD_createCCtx();
  if (state->zstd == NULL) return 0;
  ZSTD_CCtx_setParameter(state->zstd, ZSTD_c_compressionLevel, level);
  ZSTD_CCtx_setParameter(state->zstd, ZSTD_c_checksumFlag, 1);
  size_t written = ZSTD_compress2(state->zstd, output, capacity, input, count);
  return ZSTD_isError(written) ? 0 : written;
}

/* The four bytes that a frame begins with. libzstd may know formats of its youth too; those are nobody's any more. */
static bool is_frame(const unsigned char *bytes, size_t count) {
  if (count < 4 || bytes[3] != (bytes[0] == 0x28 ? 0xFD : 0x18)) return false;
  if (bytes[0] == 0x28) return bytes[1] == 0xB5 && bytes[2] == 0x2F;
  return bytes[0] >= 0x50 && bytes[0] <= 0x5F && bytes[1] == 0x2A && bytes[2] == 0x4D;
}

ccompression_status ccompression_zstd_frame(const void *input, size_t count, size_t *frame_size,
                                            int64_t *content_size) {
  if (!is_frame(input, count)) return CCOMPRESSION_CORRUPT;
  *frame_size = ZSTD_findFrameCompressedSize(input, count);
  if (ZSTD_isError(*frame_size)) return CCOMPRESSION_CORRUPT;
  unsigned long long content = ZSTD_getFrameContentSize(input, count);
  if (content == ZSTD_CONTENTSIZE_ERROR) return CCOMPRESSION_CORRUPT;
  if (content == ZSTD_CONTENTSIZE_UNKNOWN) {
    *content_size = -1;
  } else {
    *content_size = content > INT64_MAX ? INT64_MAX : (int64_t)content;
  }
  return CCOMPRESSION_OK;
}

ccompression_status ccompression_unzstd(const void *frame, size_t count, void *output, size_t capacity,
                                        size_t *produced) {
  thread_state *state = this_thread();
  if (state == NULL) return CCOMPRESSION_OUT_OF_MEMORY;
  if (state->unzstd == NULL) state->unzstd = ZSTD_createDCtx();
  if (state->unzstd == NULL) return CCOMPRESSION_OUT_OF_MEMORY;
  *produced = ZSTD_decompressDCtx(state->unzstd, output, capacity, frame, count);
  if (!ZSTD_isError(*produced)) return CCOMPRESSION_OK;
  switch (ZSTD_getErrorCode(*produced)) {
    case ZSTD_error_dstSize_tooSmall:
      return CCOMPRESSION_NO_ROOM;
    case ZSTD_error_checksum_wrong:
      return CCOMPRESSION_MISMATCH;
    case ZSTD_error_memory_allocation:
      return CCOMPRESSION_OUT_OF_MEMORY;
    default:
      return CCOMPRESSION_CORRUPT;
  }
}
