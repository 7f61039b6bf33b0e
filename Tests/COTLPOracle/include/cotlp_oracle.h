#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cotlp_messages.h"

// What libprotobuf-c makes of export requests: the second opinion that tests hold our own walkers against.
//
// Where libprotobuf-c 1.4 is wrong, its values are no oracle: merging the pieces of a split submessage it loses numbers
// and presence, and a string ends at its first NUL.

/// Whether libprotobuf-c unpacks the bytes as an export request of the signal.
bool cotlp_oracle_accepts(cotlp_signal signal, const uint8_t *bytes, size_t count);

/// Unpacks and packs an export request. False: not accepted. The caller frees `output` with cotlp_bytes_free.
bool cotlp_oracle_repack(cotlp_signal signal, const uint8_t *bytes, size_t count, cotlp_bytes *output);
