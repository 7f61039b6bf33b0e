/*
 * libdeflate and libzstd on whole buffers. The state they need is kept, one per thread, and freed with the thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum ccompression_status {
  CCOMPRESSION_OK,
  /* The output does not fit. What was written is worthless. */
  CCOMPRESSION_NO_ROOM,
  /* Not what was to be read, or only the beginning of it. */
  CCOMPRESSION_CORRUPT,
  /* Everything can be read, but it is not what was compressed. */
  CCOMPRESSION_MISMATCH,
  CCOMPRESSION_OUT_OF_MEMORY,
} ccompression_status;

/* Inflates one raw DEFLATE stream at the beginning of `input`; stores how much was read and written. */
ccompression_status ccompression_inflate(const void *input, size_t input_count, void *output, size_t output_capacity,
                                         size_t *consumed, size_t *produced);

/* Checksums as gzip and zlib store them; `crc` is that of the bytes before these, 0 for none. */
uint32_t ccompression_crc32(uint32_t crc, const void *bytes, size_t count);
uint32_t ccompression_adler32(const void *bytes, size_t count);

/* The most bytes that ccompression_gzip can produce. */
size_t ccompression_gzip_bound(size_t count);

/* Compresses to one gzip member. `level` is 1 to 12. Returns the bytes written, or 0 when memory ran out. */
size_t ccompression_gzip(const void *input, size_t count, void *output, size_t capacity, int level);

/* The most bytes that ccompression_zstd can produce. */
size_t ccompression_zstd_bound(size_t count);

/*
 * Compresses to one zstd frame with a checksum. libzstd's `level`s reach from negative ones to 22. Returns the bytes
 * written, or 0 when memory ran out.
 */
size_t ccompression_zstd(const void *input, size_t count, void *output, size_t capacity, int level);

/*
 * Measures the zstd frame at the beginning of `input`, a skippable one too: its bytes, and the bytes that it says it
 * holds, -1 when it does not say.
 */
ccompression_status ccompression_zstd_frame(const void *input, size_t count, size_t *frame_size, int64_t *content_size);

/* Decompresses exactly one zstd frame; stores how much was written. A skippable one is empty. */
ccompression_status ccompression_unzstd(const void *frame, size_t count, void *output, size_t capacity,
                                        size_t *produced);

#ifdef __cplusplus
}
#endif
